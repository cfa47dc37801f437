"""Handwritten digits with Nielsen's and Simard's networks, beside their published figures.

Nielsen: "Neural Networks and Deep Learning" (2015), chapter 3, neuralnetworksanddeeplearning.com.
The networks have ten logistic outputs with the cross-entropy of each, logistic hidden units, and
plain SGD in batches of 10 on the first 50,000 digits; weights and biases start normal, of variance
1. The book's figures are those of the best epoch on test or validation digits. We take the best
epoch on the 10,000 validation digits, and look at the test digits once, at the end. Chapter 1's
95.42 %, for the first network with the quadratic cost, is not reproduced, because logistic outputs
have the cross-entropy here.

Simard, Steinkraus and Platt: "Best practices for convolutional neural networks applied to visual
document analysis" (2003). With 800 hidden units, cross-entropy and the first 50,000 digits without
distortions, it gets 1.6 % of the test digits wrong. As in the paper, there is neither momentum nor
decay, weights start normal with standard deviation 0.05, and the rate starts at 0.005 (here for
each row of a batch) and is multiplied by 0.3 at intervals: 100 epochs there, 8 here. We use relu,
where the paper names no activation, and batches of 50.

    python examples/mnist.py FOLDER            the four original files, gzipped or not:
                                               train-images-idx3-ubyte, train-labels-idx1-ubyte,
                                               t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte
    python examples/mnist.py mnist.npz         arrays x_train, y_train, x_test, y_test
    python examples/mnist.py FOLDER --engine numpy
    python examples/mnist.py FOLDER --epochs 1 --rows 5000

The files are at https://storage.googleapis.com/cvdf-datasets/mnist/ and the array file is the one
that Keras uses; Fashion-MNIST has the same form. The program prints a line for each network. With
the compiled engine (the engines differ by rounding, which 150,000 steps magnify) this run took four
minutes on two busy cores:

    network            rate  lambda  epochs  validation    test  seconds  published
    Nielsen 784-30-10   0.5     0.0      30    95.71%    95.56%        5  95.49 % of test
    Nielsen 784-30-10   0.5     5.0      30    96.31%    95.94%        5  96.49 % of test
    Nielsen 784-100-10  0.5     5.0      30    97.78%    97.42%       12  97.92 % of validation
    Nielsen 784-100-10  0.1     5.0      60    97.87%    97.89%       23  98.04 % of validation
    Simard 784-800-10  0.25     0.0      24    98.27%    98.31%      199  98.4 % of test
"""

import argparse
import gzip
import time
import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from handgrad import MLPClassifier

Array = NDArray[np.floating]
Labels = NDArray[np.integer]
PARTS = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")

# Hidden units, rate, lambda, epochs, and the book's figure.
NIELSEN = (
    (30, 0.5, 0.0, 30, "95.49 % of test"),
    (30, 0.5, 5.0, 30, "96.49 % of test"),
    (100, 0.5, 5.0, 30, "97.92 % of validation"),
    (100, 0.1, 5.0, 60, "98.04 % of validation"),
)


def read_idx(path: Path) -> NDArray[np.uint8]:
    """Read one original file: 2 zero bytes, type 8, axes, big-endian lengths, then the bytes."""
    packed = path.with_name(path.name + ".gz")
    if not path.exists() and not packed.exists():
        raise SystemExit(f"{path} is missing, and so is {packed.name}; see the top of {__file__}")
    content = path.read_bytes() if path.exists() else gzip.decompress(packed.read_bytes())
    if content[:3] != b"\0\0\x08":
        raise SystemExit(f"{path}: not a file of MNIST; its first bytes are {content[:3]!r}")
    lengths = np.frombuffer(content, ">u4", count=content[3], offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * content[3]).reshape(lengths)


def read_digits(path: Path) -> tuple[Array, Labels, Array, Labels]:
    """Read the pixels of each digit as a row of numbers from 0 to 1, and the labels."""
    if path.suffix != ".npz":
        parts = [read_idx(path / f"{part}-ubyte") for part in PARTS]
    else:
        if not path.exists():
            raise SystemExit(f"{path} is missing; see the top of {__file__}")
        arrays = {name.lower(): array for name, array in np.load(path).items()}
        parts = [arrays[name] for name in ("x_train", "y_train", "x_test", "y_test")]
    x, y_t, x_test, y_test = parts
    pixels = [part.reshape(len(part), -1).astype(np.float32) / 255 for part in (x, x_test)]
    return pixels[0], y_t.astype(int), pixels[1], y_test.astype(int)


def share_right(model: MLPClassifier, x: Array, y: Labels) -> float:
    """Count a digit as right where its own output is the largest of the ten."""
    return float(np.mean(model.predict_proba(x).argmax(axis=1) == y.argmax(axis=1)))


def standard_normal(N_x: int, N_h: int, seed: int) -> tuple[list[Array], list[Array]]:
    """Draw weights and biases as the book's first chapter does."""
    rng = np.random.default_rng(seed)
    weights = [rng.standard_normal(shape) for shape in ((N_x, N_h), (N_h, 10))]
    return weights, [rng.standard_normal(units) for units in (N_h, 10)]


def nielsen(
    N_x: int, N_h: int, *, lr: float, penalty: float, n: int, epochs: int, seed: int
) -> MLPClassifier:
    return MLPClassifier(
        (N_h,),
        activation="logistic",
        solver="sgd",
        momentum=0,
        batch_size=10,
        learning_rate_init=lr,
        alpha=penalty / n,  # lambda / n in the book
        max_iter=epochs,
        n_iter_no_change=np.inf,
        early_stopping=True,  # never stops early, but keeps the best epoch
        scoring=share_right,
        preprocess=None,
        initialisation=standard_normal(N_x, N_h, seed),
        random_state=seed,
    )


def simard(epochs: int, seed: int) -> MLPClassifier:
    return MLPClassifier(
        (800,),
        solver="sgd",
        momentum=0,
        batch_size=50,
        learning_rate=lambda epoch: 50 * 0.005 * 0.3 ** ((epoch - 1) // 8),
        alpha=0,
        initialisation="he_normal",  # with 784 inputs and 800 units: standard deviation 0.05
        max_iter=epochs,
        n_iter_no_change=np.inf,
        preprocess=None,
        random_state=seed,
    )


def main() -> None:
    arguments = argparse.ArgumentParser(description="Nielsen's and Simard's networks on MNIST")
    arguments.add_argument("data", type=Path, help="folder of the original files, or an .npz file")
    arguments.add_argument("--epochs", type=int, default=1000, help="maximum number of epochs")
    arguments.add_argument("--rows", type=int, default=60_000, help="number of digits to use")
    arguments.add_argument("--engine", default="auto", help="auto, numpy or compiled")
    arguments.add_argument("--seed", type=int, default=0)
    given = arguments.parse_args()
    x, y_t, x_test, y_test = read_digits(given.data)
    x, y_t = x[: given.rows], y_t[: given.rows]
    # The number of epochs is the book's, and so are ten outputs in place of a softmax.
    warnings.simplefilter("ignore", ConvergenceWarning)
    warnings.filterwarnings("ignore", "every row of y has exactly one of several labels")

    n = len(x) * 5 // 6
    one_hot, one_hot_test = np.eye(10, dtype=int)[y_t], np.eye(10, dtype=int)[y_test]
    print("network            rate  lambda  epochs  validation    test  seconds  published")
    for N_h, lr, penalty, epochs, published in NIELSEN:
        epochs, start = min(epochs, given.epochs), time.perf_counter()
        model = nielsen(
            x.shape[1], N_h, lr=lr, penalty=penalty, n=n, epochs=epochs, seed=given.seed
        )
        model.set_params(engine=given.engine)
        model.fit(x[:n], one_hot[:n], X_val=x[n:], y_val=one_hot[n:])
        test = share_right(model, x_test, one_hot_test)
        name = f"Nielsen {x.shape[1]}-{N_h}-10"
        print(
            f"{name:18} {lr:4}  {penalty:6}  {epochs:6}  {model.best_validation_score_:8.2%}"
            f"  {test:8.2%}  {time.perf_counter() - start:7.0f}  {published}"
        )
    epochs, start = min(24, given.epochs), time.perf_counter()
    model = simard(epochs, given.seed).set_params(engine=given.engine).fit(x[:n], y_t[:n])
    validation, test = model.score(x[n:], y_t[n:]), model.score(x_test, y_test)
    print(
        f"{f'Simard {x.shape[1]}-800-10':18} 0.25  {0.0:6}  {epochs:6}  {validation:8.2%}"
        f"  {test:8.2%}  {time.perf_counter() - start:7.0f}  98.4 % of test"
    )


if __name__ == "__main__":
    main()
