"""Reports: what was measured and found, for people and programs."""
