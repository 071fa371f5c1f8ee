"""What a file says: its sections as models, and what is derived from them."""
