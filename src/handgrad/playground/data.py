"""The data sets of the page by name; the programs that the page writes make them from here.

The digits and the rows of the article's notebook come with scikit-learn, which handgrad needs
anyway; nothing is downloaded.
"""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.playground.points import NUMBERS, Points, training_and_test
from handgrad.playground.sets import NUMBER_SETS, SETS, make_numbers, make_points
from handgrad.tables.encode import Encoder

Array = NDArray[Any]

SIDE, BLACK = 8, 16  # pixels a side of a digit; the ink of a black pixel


def data_set(
    name: str,
    *,
    n: int = 300,
    classes: int = 3,
    noise: float = 0.2,
    seed: int = 0,
    test_share: float = 0.2,
) -> Points:
    """Make a data set of the page.

    Parameters
    ----------
    name : str
        "spiral", "xor", "circles", "moons", "blobs", "article" or "digits"; or, with a number to
        predict in place of classes, "sine", "plane" or "bump".
    n, classes : int
        Points and classes to draw; the article's rows and the digits are as many as they are, and
        xor and moons have two classes.
    noise : float
        How far drawn points are scattered.
    seed : int
        The same seed means the same points and the same test rows.
    test_share : float
        Share of the rows that are held back for the test.

    Returns
    -------
    Points

    Raises
    ------
    ValueError
        If there is no data set of that name.
    """
    if name not in DATA_SETS:
        raise ValueError(f"a data set must be one of {', '.join(DATA_SETS)}; got {name!r}")
    if name in KNOWN:
        return KNOWN[name](seed, test_share)
    if name in NUMBER_SETS:
        return _numbers(*make_numbers(name, n=n, noise=noise, seed=seed), seed, test_share)
    x, y_t = make_points(name, n=n, classes=classes, noise=noise, seed=seed)
    return of_plane(x, y_t, seed=seed, test_share=test_share)


def of_plane(
    x: Array, y_t: NDArray[np.intp], *, seed: int, test_share: float, n_classes: int | None = None
) -> Points:
    """Take points as they are, their classes numbered; the last classes may have no point."""
    training, test = training_and_test(x, y_t, test_share, seed)
    encoder = Encoder.identity(2, ["x1", "x2"])
    classes = np.arange(n_classes or int(y_t.max()) + 1)
    return Points(x, y_t, classes, encoder, None, training, test)


def _numbers(x: Array, y: Array, seed: int, test_share: float) -> Points:
    training, test = training_and_test(x, y, test_share, seed)
    names = ["x"] if x.shape[1] == 1 else ["x1", "x2"]
    encoder = Encoder.identity(len(names), names)
    return Points(x, y, np.arange(0), encoder, None, training, test, output=NUMBERS)


def _digits(seed: int, test_share: float) -> Points:
    """Take the 1,797 handwritten digits of scikit-learn: 8 x 8 pixels, 0 (paper) to 16 (ink).

    The network sees 0 to 1. The columns have scikit-learn's names, so that a model file predicts
    from ``load_digits(as_frame=True).data``.
    """
    from sklearn.datasets import load_digits

    bunch = load_digits()
    n = len(bunch.feature_names)
    encoder = Encoder.of_numbers(bunch.feature_names, np.zeros(n), np.full(n, float(BLACK)))
    y_t = bunch.target.astype(np.intp)
    training, test = training_and_test(bunch.data, y_t, test_share, seed)
    x, picture = encoder.transform(bunch.data), (SIDE, SIDE)
    return Points(x, y_t, np.arange(10), encoder, None, training, test, picture, BLACK)


def _article(seed: int, test_share: float) -> Points:
    """Take the 20 rows of the article's notebook, of two classes.

    As there, the network has a third score, and learns to give it no probability.
    """
    from sklearn.datasets import make_classification

    x, y_t = make_classification(
        n_samples=20,
        n_features=2,
        n_informative=2,
        n_redundant=0,
        n_repeated=0,
        n_classes=2,
        n_clusters_per_class=1,
        random_state=seed,
    )
    points = of_plane(x, y_t.astype(np.intp), seed=seed, test_share=test_share, n_classes=3)
    return replace(points, note=NO_ROWS)


# Of the article's third class.
NO_ROWS = (
    "As in the article, no row is of class 2: the network has a score for it all the same, and "
    "learns to give it no probability."
)

KNOWN = {"article": _article, "digits": _digits}
DATA_SETS = (*SETS, *NUMBER_SETS, *KNOWN)
