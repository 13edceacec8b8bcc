"""student -> scores: suites, pass@k, maj@k."""
