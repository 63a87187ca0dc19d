"""One line per transaction joining both queue ids, and the form of all log lines."""
