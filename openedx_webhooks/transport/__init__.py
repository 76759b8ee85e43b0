"""How it is sent: one POST, signed, guarded and bounded in time and size."""
