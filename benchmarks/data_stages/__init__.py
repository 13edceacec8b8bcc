"""Parts of `benchmarks/data_stage.py`: one stage in a process of its own, and what it took."""
