"""Stored responses, and the scorers that are asked about them."""
