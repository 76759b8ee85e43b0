"""What is sent: Python objects → JSON values, masked and cut → conditions and shapes → bytes."""
