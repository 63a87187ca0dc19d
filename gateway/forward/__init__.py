"""What passes goes on to gate 2: open, write, commit or abort."""
