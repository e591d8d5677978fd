"""What is asked in a weighing: items from files and tasks, and from calls that the ledger has kept."""
