"""Measurements of a graph: one file each, a table with an entry for every node."""
