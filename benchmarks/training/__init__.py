"""Parts of the benchmarks of training, each of which runs us and TRL's SFTTrainer side by side.

`cpu_*` are one rank of either way for `train_cpu.py`, which counts processor time on real lessons;
`gpu_*` are one process of either way for `train_gpu.py`, which times steps of models with random
weights (`shapes`) on documents of drawn `lengths`. `sft_trainer` is what both need of TRL.
"""
