"""The ledger: clerk, queries, retention, on SQLite and on PostgreSQL."""
