"""Values as people write them: forms, limits, names, words of other tools."""
