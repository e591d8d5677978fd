"""The append-only files that the gateway writes: frames, segments, append, tail.

writer.py    append one exchange; know beforehand whether the disk can take it
tail.py      read what all writers wrote, from given positions, while they write
recovery.py  cut what dead writers left half-written
segments.py  names, locks and room on disk of one file
frames.py    one exchange as bytes and back
"""

from steelyard.journal.frames import decode_frame
from steelyard.journal.framing import encode_frame
from steelyard.journal.recovery import recover
from steelyard.journal.tail import Batch, Tail
from steelyard.journal.writer import JournalWriter

__all__ = ["Batch", "JournalWriter", "Tail", "decode_frame", "encode_frame", "recover"]
