"""What people see of work and of a run, as text: progress, rates, tables, summaries."""
