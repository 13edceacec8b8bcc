"""Parts of `benchmarks/train_gpu.py`: lengths, shapes, and one process of each way."""
