"""The queryable store that the clerk builds from the journal.

clerk.py       journal → ledger, each exchange once; retention
queries.py     what it cost, what came last, one exchange in full
store.py       SQLite or PostgreSQL behind one door
schema.py      the tables; migrations/ makes them
intake.py      one batch in one transaction
rows.py        exchange ↔ row; money.py: dollars as integers
retention.py   drop what is too old or too much
"""
