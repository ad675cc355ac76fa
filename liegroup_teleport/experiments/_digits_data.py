"""The images of the experiment ``digits``."""

from __future__ import annotations

import warnings

import numpy as np

from ._outcome import DatasetUnavailableError

__all__ = ["load", "split"]

MNIST_SAMPLES = 12_000  # of 70,000: enough for the comparison, and minutes instead of hours


def load(dataset: str) -> tuple[np.ndarray, np.ndarray]:
    """Return pixels in [0, 1] and labels.

    Raises
    ------
    DatasetUnavailableError
        If MNIST cannot be downloaded.
    """
    if dataset == "digits":
        from sklearn.datasets import load_digits

        bunch = load_digits()
        return np.asarray(bunch.data) / 16.0, np.asarray(bunch.target, dtype=np.int64)
    from sklearn.datasets import fetch_openml

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it tries again; the error says enough
            bunch = fetch_openml(
                "mnist_784", version=1, as_frame=False, parser="liac-arff", n_retries=1, delay=0.1
            )
    except (OSError, ValueError) as error:  # no network, a proxy's page, a broken download
        raise DatasetUnavailableError(
            f"MNIST could not be downloaded from OpenML ({error}). It needs a network the first "
            "time; --dataset digits ships with scikit-learn and needs none."
        ) from error
    pixels, labels = np.asarray(bunch.data), np.asarray(bunch.target).astype(np.int64)
    chosen = np.random.default_rng(0).permutation(len(labels))[:MNIST_SAMPLES]
    return pixels[chosen] / 255.0, labels[chosen]


def split(
    X: np.ndarray, y: np.ndarray, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return training pixels and labels, then validation's: a fifth, by a seeded permutation."""
    order = np.random.default_rng(seed).permutation(len(y))
    cut = len(y) - -(-len(y) // 5)
    train, valid = order[:cut], order[cut:]
    return X[train], y[train], X[valid], y[valid]
