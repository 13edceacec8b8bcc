"""dataset -> student: render and tokenise, pack, one exact loss, a plain DeepSpeed loop, export.

`render` and `rows` turn a published dataset into tokens and refuse what must not be learned;
`tokens` is the file that holds them; `pack` and `plan` decide what each optimizer step sees;
`loop` runs in each rank, with `engine`, `loss`, `checkpoint` and `export`; `launch` starts the
ranks and watches them; `stage` is what the pipelines call; `base` makes students with random
weights. torch is imported by what runs in a rank, and elsewhere only inside functions.
"""
