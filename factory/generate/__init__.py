"""problems -> candidates: teacher servers and their client, sampling rounds, the candidate store."""
