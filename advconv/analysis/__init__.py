"""Measurements of a graph: one module for each, a table with an entry for every node."""
