"""Real weights behind every dialect."""
