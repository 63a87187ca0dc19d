"""Tests of gateway/edit, file by file."""
