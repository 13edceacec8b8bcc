"""What texts share: near duplicates among rows, and overlaps with benchmarks."""
