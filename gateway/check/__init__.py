"""Chunks become findings; checks report, they never decide."""
