"""The evidence of a weighing: one document that a sceptic can recompute, and the same as a page.

document     what the document holds
canonical    the document as canonical JSON, its digest, and reading one that a stranger wrote
rows         paired scores as rows, and rows as results that can be weighed again
spending     calls, and what they cost and took, by model
outcomes     who was right where the other was not
made         the document of what was weighed
again        what follows from a document, computed once more
inputs       a document held against the files it was made from
directory    a document held against a live weighing's directory
means        means with intervals
words        verdicts and figures in plain words
live         the document of a live weighing's directory
judges       what judges said of its answers
current      the document as it stands now
known        what the cards and terms say of both models
hashing      the same without the items' names
kept         recorded weighings among the others of the data directory
verify       what comes out of the rows, held against what the document says
page         the page
"""
