"""The bench's own arithmetic: what it says must be what it measured."""
