"""The pages of `advconv explain` and of the generated documents."""
