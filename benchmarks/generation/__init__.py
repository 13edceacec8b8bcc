"""Parts of `benchmarks/generate.py`: what is asked, the ways to ask it, and how it is timed."""
