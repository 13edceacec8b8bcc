"""candidates -> verdicts: mathematics by sympy, code in Docker, choices and text by rule."""
