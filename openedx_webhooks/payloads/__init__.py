"""What is sent: Python objects → JSON values → bytes."""
