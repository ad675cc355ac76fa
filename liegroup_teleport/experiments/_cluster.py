"""The one door to Dask: joblib's runs on the workers of a cluster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["ClusterUnavailableError", "cluster"]

PATIENCE = "10s"  # to find the scheduler


class ClusterUnavailableError(RuntimeError):
    """Dask is not installed, or there is no scheduler at the address."""


@contextmanager
def cluster(address: str) -> Iterator[None]:
    """Let joblib run on the Dask cluster whose scheduler is at ``address``.

    Raises
    ------
    ClusterUnavailableError
        If Dask is not installed or the scheduler does not answer.
    """
    import joblib

    try:
        from distributed import Client
    except ImportError:
        raise ClusterUnavailableError(
            "Dask is not installed; pip install 'liegroup-teleport[dask]'"
        ) from None
    try:
        client = Client(address, timeout=PATIENCE)
    except (OSError, ValueError) as error:
        raise ClusterUnavailableError(f"no Dask scheduler at {address!r}: {error}") from None
    with client, joblib.parallel_config("dask", client=client):
        yield
