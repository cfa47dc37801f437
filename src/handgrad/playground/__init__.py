"""The page on which you watch a network learn, and its server.

Its files, in the order in which they lean on each other:

    sets.py         points of a plane, and numbers to predict, drawn from a seed
    points.py       the value: rows, classes, which of them are for the test
    recipe.py       every setting of the page, checked
    data.py         the data sets by name; programs that the page writes import it
    source.py       the points of a recipe, from a data set, a table or a hand
    engine.py       the seam to what trains: the library, or another
    judging.py      how good predictions are: of classes, of numbers
    session.py      one network and every kind of step, by the library's own functions
    runs.py         one run, or two from the same start
    wide.py         the page's view of a network of more than two inputs
    operands.py     what the numbers of a step are computed from
    tally.py        gradients summed over the rows of a batch
    frame.py        the page's view of every network
    takeaway.py     the model, the Python that trains the same model, the history as CSV
    plain.py        the run in plain NumPy, equation by equation
    player.py       the thread that trains
    commands.py     what the page may do
    crowd.py        connections without the secrets
    guard.py        access: Host, Origin, a token once, then cookie and key
    server.py       the addresses, the socket, the start
    replay/         a run as one file that plays it again without a server
    page/           the page: plain JavaScript, a file for each part of it
"""

MODULES = ("starlette", "uvicorn", "websockets")


def require_server() -> None:
    """Check, before any work is done, that the packages of the extra are installed.

    Raises
    ------
    ImportError
        If one is missing; the message says how to install it.
    """
    from importlib.util import find_spec

    missing = [name for name in MODULES if find_spec(name) is None]
    if missing:
        raise ImportError(
            f'the page needs {" and ".join(missing)}: pip install "handgrad[play]"'
            ' (in a clone, pip install ".[play]")'
        )
