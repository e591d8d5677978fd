"""Wait for a line on standard input, then bring a ledger up to date: `upgrader.py URL`."""

import sys

from steelyard.ledger.store import open_ledger

if __name__ == "__main__":
    ledger = open_ledger(sys.argv[1])
    print("ready", flush=True)
    sys.stdin.readline()
    ledger.upgrade()
