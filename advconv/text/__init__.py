"""Source text, parsed documents with the span of every value, and findings."""
