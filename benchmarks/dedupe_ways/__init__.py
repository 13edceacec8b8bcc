"""Parts of `benchmarks/dedupe.py`: the ways to find duplicates and overlaps, ours and the peers'.

Each way is a script that runs in a process of its own, in its own environment, on one file of work:
it imports, warms up on the small file, and only then its processor time counts. What a way found
lies in `found.json` beside the file of work.
"""
