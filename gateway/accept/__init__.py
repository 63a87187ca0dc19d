"""Octets from gate 1 become an envelope and chunks of content."""
