"""What goes out of the journal to whoever watches: nothing here is on a call's way.

access_line.py   an exchange as one line of JSON
access_log.py    the file with these lines
"""
