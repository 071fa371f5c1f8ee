"""Back ends: the graph as a torch module, as source text, and the proof that the report is true of them."""
