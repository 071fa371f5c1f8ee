"""Back ends: the graph as a torch module and as source text, and the verification of the report against both."""
