"""Volumes as archives, and back: what scripts/backup and scripts/restore run in a container of their own."""
