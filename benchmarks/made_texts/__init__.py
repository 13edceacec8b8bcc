"""Parts of `benchmarks/dedupe.py` and `data_stage.py`: texts of realistic length, put together from
pieces of real ones, with things planted among them that must be found."""
