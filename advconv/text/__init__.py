"""A text, where each of its values stands, and what is wrong with it."""
