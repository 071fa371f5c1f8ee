"""What `advconv explain` and the generated documents say."""
