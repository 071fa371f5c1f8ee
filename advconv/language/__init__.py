"""The sections of a file as models, and what is derived from them."""
