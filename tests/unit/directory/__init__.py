"""Unit tests of gateway.directory."""
