"""samples -> dataset: decontamination, near-dedupe, Parquet shards, configs, card, publication."""
