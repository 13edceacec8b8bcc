"""How a stage works: one folder per stage, in the order in which data meets them.

`collect -> generate -> grade -> select -> shard -> train -> validate`; `bootstrap` made the small
models that the demonstration uses. Beside the folders: errors by boundary, canonical digests, the
ledger, parts and `map_parts`, the recipe file, progress.
"""
