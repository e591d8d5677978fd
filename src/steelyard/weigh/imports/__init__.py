"""Other evaluation tools: run against a gateway as against any OpenAI endpoint, and their logs read into one table."""
