"""dataset -> student: pack, mask, loss, DeepSpeed loop, resume, export."""
