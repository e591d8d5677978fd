"""What several gateways count together, in a Valkey or Redis server: who took how much, and who was lent what.

The client library is imported by `steelyard.shared.store` alone, and by nobody who shares nothing.
"""

from steelyard.shared.asks import FULL, HELD, OK, RESTORING, Ask, Base, Given, Loan, Store, StoreLost, Told

__all__ = ["FULL", "HELD", "OK", "RESTORING", "Ask", "Base", "Given", "Loan", "Store", "StoreLost", "Told"]
