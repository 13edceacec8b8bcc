"""problems -> candidates: teacher servers, their client, sampling rounds, the candidate store."""
