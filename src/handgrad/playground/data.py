"""What there is to learn from besides points of a plane: images of digits, whole tables.

The digits and the rows of the article's notebook come with scikit-learn, which handgrad needs
anyway; nothing is fetched.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from handgrad.errors import DataError
from handgrad.playground.points import MOST_CLASSES, MOST_POINTS, Points, apart, of_plane
from handgrad.tables.columns import labels
from handgrad.tables.encode import Encoder
from handgrad.tables.fitting import fit_table
from handgrad.tables.kinds import Column
from handgrad.tables.labels import classes_of, encode_labels
from handgrad.tables.plan import Plan
from handgrad.tables.recognition.planning import plan_of
from handgrad.tables.rows import take

if TYPE_CHECKING:
    import pyarrow as pa

Array = NDArray[Any]

SIDE, BLACK = 8, 16  # pixels a side of a digit; the ink of a pixel that is full
MOST_INPUTS = 256
MOST_TEXTS = 20  # different texts of a column that becomes inputs


# -- what comes with scikit-learn -----------------------------------------------------------------


def digits(*, share: float, seed: int) -> Points:
    """Take the 1,797 handwritten digits of scikit-learn: 8 x 8 pixels, 0 (paper) to 16 (ink).

    The network sees 0 to 1. The columns have scikit-learn's names, so that a model file predicts
    from ``load_digits(as_frame=True).data``.
    """
    from sklearn.datasets import load_digits

    bunch = load_digits()
    n = len(bunch.feature_names)
    encoder = Encoder.of_numbers(bunch.feature_names, np.zeros(n), np.full(n, float(BLACK)))
    y_t = bunch.target.astype(np.intp)
    training, test = apart(bunch.data, share, y_t, seed)
    x = encoder.transform(bunch.data)
    return Points(x, y_t, np.arange(10), encoder, None, training, test, picture=(SIDE, SIDE))


def article(*, share: float, seed: int) -> Points:
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
    return of_plane(x, y_t.astype(np.intp), share=share, seed=seed, n_classes=3)


KNOWN = {"article": article, "digits": digits}


# -- all columns of a table -----------------------------------------------------------------------


def of_columns(table: "pa.Table", target: str, *, share: float, seed: int) -> Points:
    """Take all columns of a table but the labels, as ``fit`` of the command line takes them.

    Numbers are standardised, texts become an input for each level, gaps are filled and flagged.
    Columns of more than ``MOST_TEXTS`` different texts are left out, and named.

    Raises
    ------
    DataError
        If nothing is left, a cell cannot be used, or classes or inputs are too many to show.
    """
    y, missing = labels(table, target)
    kept = np.flatnonzero(~missing)
    if len(kept) > MOST_POINTS:
        kept = kept[np.linspace(0, len(kept) - 1, MOST_POINTS).astype(np.intp)]
    classes = classes_of(y[kept])
    if not 2 <= len(classes) <= MOST_CLASSES:
        raise DataError(
            f"column {target!r} must hold 2 to {MOST_CLASSES} classes to be shown as colours; it "
            f"holds {len(classes)}; name another column"
        )
    rest = table.drop_columns([target])
    plan = plan_of(rest)
    left_out = tuple(column.name for column in plan if _says_little(column))
    rest = take(rest.drop_columns(list(left_out)), kept)
    plan = Plan(tuple(column for column in plan if column.name not in left_out))
    if not rest.num_columns:
        raise DataError(
            f"the table must have a column of numbers, or of at most {MOST_TEXTS} different "
            f"texts, besides {target!r}"
        )
    encoder = fit_table(rest, plan)
    if encoder.n_inputs > MOST_INPUTS:
        raise DataError(
            f"all columns together must be at most {MOST_INPUTS} inputs, a column of texts being "
            f"as many as it has levels; they are {encoder.n_inputs}; show two columns, or leave "
            "columns out of the file"
        )
    x, y_t = encoder.transform(rest, np.float64), encode_labels(y[kept], classes)
    training, test = apart(x, share, y_t, seed)
    return Points(x, y_t, classes, encoder, target, training, test, left_out=left_out)


def _says_little(column: Column) -> bool:
    """Tell a column that is left out anyway, or has so many levels that each says little."""
    return not column.is_used or (column.reads.has_levels and column.n_levels > MOST_TEXTS)
