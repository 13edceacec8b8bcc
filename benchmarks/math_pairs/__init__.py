"""Labelled pairs of (gold, answer): `hard.jsonl`, by hand, and `rewrite.py`, from golds of MATH."""
