"""What a row is: the contracts between stages.

One module per word of the house: `problem`, `candidate`, `verdict`, `sample` are rows, each a
frozen pydantic model with its Arrow schema beside it in `arrow.py`; `manifest` says what a stage
wrote; `recipe` holds all that changes the data or a student; `machine` all that does not.
This package imports nothing else of ours and neither torch nor vllm.
"""
