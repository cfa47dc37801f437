"""One row of a table, explained: the numbers of equations (1) to (15), and where they come from.

Its files, in the order in which a row passes through them:

    inputs.py       how the cells of the row become the inputs x
    names.py        a name for every entry of every quantity
    wide.py         the wide inputs of a skip, and what each column adds to the scores
    printed.py      calculations that are true with the digits printed
    spelled.py      one number of each equation, worked out in full
    largest.py      arrays too wide to show: their largest entries
    story.py        the equations with the row's own numbers: an Explanation, a value
    page.py         the explanation as one HTML file

And what these use, for any rows of any network:

    equations.py    (1) to (15): in words, in symbols, and as one line of NumPy each
    formula.py      a formula, written once, as text and as MathML
    trace.py        every quantity of a pass by the article's name
    operands.py     what each quantity is computed from: [x] @ [W1] + [b1] = [r]
"""

from handgrad.explain.story import Explanation, explain

__all__ = ["Explanation", "explain"]
