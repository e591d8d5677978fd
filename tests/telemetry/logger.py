"""Write the access log of a journal until killed: `logger.py DIRECTORY FILE`."""

import sys
from pathlib import Path
from threading import Event

from steelyard.journal.follower import Follower
from steelyard.telemetry.access_log import AccessLog

if __name__ == "__main__":
    Follower(Path(sys.argv[1]), "access_log", AccessLog(sys.argv[2], bytes(32))).run(Event())
