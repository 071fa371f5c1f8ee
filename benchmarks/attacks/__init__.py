"""Attacks on advconv as random trials, each determined by one number; `benchmarks.robustness` counts the outcomes."""
