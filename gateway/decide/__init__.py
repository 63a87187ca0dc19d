"""Findings and policy become one verdict; pure functions."""
