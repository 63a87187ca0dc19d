"""Whole files in, whole trees out."""
