"""Sweeps: one training for each combination of values and each seed."""
