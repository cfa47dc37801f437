"""The page on which a network learns before one's eyes, and its server.

Its files, in the order in which they lean on each other:

    points.py       the points to learn from: drawn from a seed, by hand, or two columns of a table
    data.py         digits, the rows of the article, all columns of a table
    recipe.py       every setting of the page, checked
    session.py      the network as it stands; every kind of step, by the library's own functions
    runs.py         one run, or two from the same start
    wide.py         what the page sees of a network of more than two inputs
    frame.py        what the page sees of it
    takeaway.py     the model file, the Python that trains the same model, the history as CSV
    player.py       the thread that trains
    guard.py        who may ask: Host, Origin, a token once, then cookie and key
    server.py       the addresses, the socket, the start
    replay/         a run as one file that plays it again without a server
    page/           the page: plain JavaScript, each file one room
"""

MODULES = ("starlette", "uvicorn", "websockets")


def require_server() -> None:
    """Refuse, before any work is done, to start without the packages of the extra.

    Raises
    ------
    ImportError
        Naming what to install.
    """
    from importlib.util import find_spec

    missing = [name for name in MODULES if find_spec(name) is None]
    if missing:
        raise ImportError(
            f'the page needs {" and ".join(missing)}: pip install "handgrad[play]"'
            ' (in a clone, pip install ".[play]")'
        )
