"""dataset -> student: render and tokenise, pack, one exact loss, a plain DeepSpeed loop, export.

`render` and `rows` turn a published dataset into tokens and refuse what must not be learned;
`tokens` is the file that holds them; `pack` and `plan` decide what each optimizer step sees;
`loss`, `loop`, `checkpoint` and `export` run in each rank; `launch` starts the ranks and watches
them; `stage` is what the pipelines call. Only `loss`, `engine`, `loop`, `checkpoint`, `export` and `base`
import torch, and nothing light imports them.
"""
