"""Parts of `benchmarks/rehearsal.py`: the plan with its funnel, the problems, a teacher that
answers as planned, the run of the real stages with what each takes, and the checks."""
