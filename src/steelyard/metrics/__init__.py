"""What several processes of one data directory count, shown as one page for Prometheus.

exposition.py  pages of text, joined into one
series.py      metrics, written
snapshots.py   each process's page, kept as a file for whoever answers
readers.py     how far the journal's readers are
"""
