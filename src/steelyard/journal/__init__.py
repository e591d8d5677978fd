"""The append-only files that the gateway writes: frames, segments, append, tail.

writer.py    append one exchange; know beforehand whether the disk can take it
tail.py      read what all writers wrote, from given positions, while they write
recovery.py  cut what dead writers left half-written
segments.py  names, locks and room on disk of one file
frames.py    one exchange as bytes and back
"""
