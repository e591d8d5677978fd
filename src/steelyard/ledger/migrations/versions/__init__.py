"""Steps, oldest first; each is named by its revision."""
