"""What would happen to a message, step by step, without sending it: gate 1, the yard, gate 2."""
