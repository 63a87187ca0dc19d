"""Fuzzing of what peers say: targets, their seeds, and the way to run them."""
