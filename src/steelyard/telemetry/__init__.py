"""What goes out of the journal to whoever watches: nothing here is on a call's way.

access_line.py   an exchange as one line of JSON
access_log.py    the file with these lines
semconv.py       OpenTelemetry's names
spans.py         an exchange as spans
otel.py          spans and metrics, sent to a collector; needs the extra `otel`, as spans.py does
"""
