"""Append numbered exchanges without end, and acknowledge each on standard output: `appender.py DIRECTORY FIRST`."""

import os
import sys
from pathlib import Path

from steelyard.journal.recovery import recover
from steelyard.journal.writer import JournalWriter
from tests.journal.samples import exchange

if __name__ == "__main__":
    directory, number = Path(sys.argv[1]), int(sys.argv[2])
    recover(directory)
    writer = JournalWriter(directory, "w0", 64 * 1024)
    while True:
        writer.append(exchange(number, request=bytes(number % 5000)))
        os.write(1, b"%d\n" % number)
        number += 1
