"""Values only: errors, ids, money, usage, exchanges. No I/O, and no import from elsewhere in the package."""
