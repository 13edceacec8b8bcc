"""samples -> dataset: exact dedupe, Parquet shards, manifest, card, publication."""
