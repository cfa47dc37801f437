"""Data sets as standardised float32 matrices, the same for every contender.

A folder holds NAME.npz: tables with X_num, X_cat, y, is_test; MNIST with X_train, y_train,
X_test, y_test. The digits come with scikit-learn.
"""

from pathlib import Path

import numpy as np


def save_matrices(folder, name, scratch):
    """Write one data set where contenders read it, test rows apart."""
    x, y, is_test = digits() if name == "digits" else images_or_table(Path(folder) / f"{name}.npz")
    return save(scratch / f"{name}.npz", x[~is_test], y[~is_test], x[is_test], y[is_test])


def save(path, x, y, x_test, y_test):
    np.savez(path, x=x, y=y, x_test=x_test, y_test=y_test)
    return path


def matrices(path):
    with np.load(path) as file:
        return [file[name] for name in ("x", "y", "x_test", "y_test")]


def digits():
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    is_test = np.random.default_rng(0).permutation(len(y)) < len(y) // 5
    return standardised(x, is_test), y, is_test


def images_or_table(path):
    with np.load(path, allow_pickle=False) as file:
        arrays = {key: file[key] for key in file if key not in ("cat_levels", "classes")}
    if "X_train" in arrays:
        return images(*(arrays[f"{what}_{part}"] for part in ("train", "test") for what in "Xy"))
    is_test, codes = arrays["is_test"], arrays["X_cat"]
    levels = [np.unique(column[~is_test]) for column in codes.T]
    one_hot = [column[:, None] == seen for column, seen in zip(codes.T, levels, strict=True)]
    x = np.hstack([standardised(arrays["X_num"], is_test), *one_hot]).astype(np.float32)
    return x, arrays["y"].astype(np.int64), is_test


def images(x, y, x_test, y_test):
    """Put images one below another, with one mean and deviation for all pixels."""
    is_test = np.arange(len(x) + len(x_test)) >= len(x)
    pixels = np.concatenate([x, x_test]).reshape(len(is_test), -1).astype(np.float32)
    pixels = (pixels - x.mean()) / x.std()
    return pixels.astype(np.float32), np.concatenate([y, y_test]).astype(np.int64), is_test


def standardised(x, is_test):
    x = np.asarray(x, np.float32)
    mean, deviation = np.nanmean(x[~is_test], 0), np.nanstd(x[~is_test], 0)
    return np.nan_to_num((x - mean) / np.where(deviation > 0, deviation, 1)).astype(np.float32)
