"""Attacks on advconv, each a function that one number decides; `benchmarks.robustness` counts them."""
