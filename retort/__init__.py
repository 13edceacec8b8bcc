"""The front door: the command `retort`. It imports the others and nobody imports it."""
