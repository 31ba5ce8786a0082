"""Notebook 02: each exercise refuses what a person might plausibly do, and says why."""
