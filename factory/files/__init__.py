"""Rows of files that others wrote: read, deduplicated and decontaminated on their own."""
