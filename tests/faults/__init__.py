"""Faults under load, and the proof that no mail is lost by them: `make test-faults`, docs/faults.md."""
