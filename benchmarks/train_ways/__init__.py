"""Parts of `benchmarks/train_cpu.py`: one rank of our trainer and one of the peer's."""
