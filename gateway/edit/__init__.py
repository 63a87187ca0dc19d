"""Verdict and reports become splices: what leaves differs from what came by these and nothing else."""
