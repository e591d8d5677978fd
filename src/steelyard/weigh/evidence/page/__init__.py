"""A document of evidence as one page: no script, no request, for desktop, phone and paper.

render       the page
forest       where the marks of a forest plot lie
shares       where the parts of a bar lie
told         what the tables say
"""
