"""Edits of an architecture that keep its constraints: searched on the graph, applied to the text."""
