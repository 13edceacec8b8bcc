"""What a run of a recipe would do and cost, without starting it: `retort plan`."""
