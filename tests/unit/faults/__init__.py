"""What the fault tests decide without I/O."""
