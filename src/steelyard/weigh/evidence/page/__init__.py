"""A document of evidence as one page: no script, no request, for desktop, phone and paper.

render       the page
forest       where the marks of a forest plot lie
shares       where the parts of a bar lie
judging      what it says of judges
told         what the tables say
"""
