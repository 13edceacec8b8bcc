"""The embedded teacher and base students: the recipe that made them, and their small weights."""
