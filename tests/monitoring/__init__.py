"""What the files in docs/monitoring say, tried."""
