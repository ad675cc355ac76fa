"""``python -m tests.benchmarks [row ...]``: one table of ratios, single thread."""

from __future__ import annotations

import os

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
for variable in THREADS:  # before NumPy is imported: its BLAS reads them once
    os.environ[variable] = "1"

import sys  # noqa: E402
import time  # noqa: E402
from collections.abc import Callable  # noqa: E402

from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

from . import (  # noqa: E402
    activation,
    chain,
    counted,
    memory,
    quadratic,
    rescaling,
    scaling,
    training,
)
from ._measure import Measurement  # noqa: E402

ROWS: dict[str, Callable[[], list[Measurement]]] = {
    "gradient": rescaling.gradient,
    "teleport": rescaling.teleport,
    "backpropagation": rescaling.against_backpropagation,
    "activation": activation.against_published,
    "chain": chain.against_pymanopt,
    "decrease": counted.predicted_decrease,
    "quadratic": quadratic.large,
    "balancing": counted.balancing,
    "memory": memory.peaks,
    "scaling": scaling.costs,
    "training": training.rows,
}


def main(names: list[str]) -> int:
    """Measure the named rows, by default all, and print the table."""
    unknown = [name for name in names if name not in ROWS]
    if unknown:
        print(f"unknown row {unknown[0]!r}; expected {', '.join(ROWS)}", file=sys.stderr)
        return 2
    table = Table(
        title="One thread, processor time, medians of interleaved runs", title_justify="left"
    )
    for header in ("row", "what", "measured", "", "must reach", "reached", "note"):
        table.add_column(header, justify="right" if header == "measured" else "left")
    missed = 0
    for name in names or list(ROWS):
        print(f"{name} ...", end=" ", flush=True, file=sys.stderr)
        start = time.perf_counter()
        measurements = ROWS[name]()
        print(f"{time.perf_counter() - start:.0f} s", file=sys.stderr)
        for i, m in enumerate(measurements):
            mark = {None: "", True: "yes", False: "[bold]no[/bold]"}[m.reached]
            first = name if i == 0 else ""
            table.add_row(first, m.what, f"{m.value:.3g}", m.unit, m.threshold, mark, m.note)
            missed += m.reached is False
        table.add_section()
    console = Console()
    if not console.is_terminal:
        console = Console(width=160)
    console.print(table)
    console.print(f"{missed} thresholds missed" if missed else "every threshold reached")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
