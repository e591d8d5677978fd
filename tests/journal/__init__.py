"""The journal: frames, segments, append, tail, recovery."""
