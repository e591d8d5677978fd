"""Take a journal in until nothing is left, saying so after each batch: `ingester.py URL DIRECTORY`."""

import os
import sys
from pathlib import Path

from steelyard.config.settings import LedgerSettings
from steelyard.ledger.clerk import Clerk
from steelyard.ledger.store import open_ledger

if __name__ == "__main__":
    with Clerk(open_ledger(sys.argv[1]), Path(sys.argv[2]), LedgerSettings()) as clerk:
        os.write(1, b"ready\n")
        while taken := clerk.step():
            os.write(1, b"%d\n" % taken)
