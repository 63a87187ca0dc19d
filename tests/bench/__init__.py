"""What the hop costs: `make bench`, `make bench-memory`, `make bench-tuning`; docs/cost.md says what they show."""
