"""verdicts -> samples: rejection sampling, the text filters of R1, quotas."""
