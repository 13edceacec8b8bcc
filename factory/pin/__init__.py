"""Revisions of what a recipe takes from the hub, written into it: `retort pin`."""
