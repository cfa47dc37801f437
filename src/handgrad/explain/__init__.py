"""One row of a table, explained: the numbers of equations (1) to (13), and where they come from.

Its files, in the order in which a row passes through them:

    inputs.py       how the cells of the row become the inputs x
    story.py        the equations with the row's own numbers: an Explanation, a value
    names.py        what the entries of every quantity are called
    spelled.py      one number of each equation, worked out in full
    page.py         the explanation as one HTML file

And what it is told with, for any rows of any network:

    equations.py    (1) to (13): in words, in symbols, and as one line of NumPy each
    formula.py      a formula, written once, as text and as MathML
    trace.py        every quantity of a pass by the article's name
"""

from handgrad.explain.story import Explanation, explain

__all__ = ["Explanation", "explain"]
