"""The command line, ``liegroup-teleport``."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from .experiments import NAMES, STUDIES, Context, DatasetUnavailableError, run
from .experiments._cluster import ClusterUnavailableError, cluster

if TYPE_CHECKING:
    from .experiments import Outcome
    from .experiments._report import Report

__all__ = ["main"]

INTERRUPTED = 130  # what a shell reports for a command ended by Ctrl-C


class _Commands(click.Group):
    """Commands that end in one line where the terminal or the disk does, and 130 on Ctrl-C."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo("Interrupted.", err=True)
            sys.exit(INTERRUPTED)

    def main(self, *args: Any, **kwargs: Any) -> Any:
        try:
            try:
                return super().main(*args, **kwargs)
            finally:
                sys.stdout.flush()  # here and not when Python ends, where nobody catches it
        except OSError as error:
            # what is left in the buffer cannot be written either, and would be tried again
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            where = f" {error.filename}" if error.filename else ""
            reason = error.strerror or str(error)
            print(f"Error: cannot write the output{where}: {reason}", file=sys.stderr)
            sys.exit(1)


class _Folder(click.Path):
    """The name of a folder, which is not empty."""

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        if not str(value):
            self.fail("an empty name; expected that of a folder", param, ctx)
        return super().convert(value, param, ctx)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="liegroup-teleport")
def main() -> None:
    """Exact symmetry teleportation: run the papers' experiments, verify the proofs."""


@main.command()
@click.argument("names", nargs=-1, type=click.Choice(NAMES + STUDIES), metavar="[NAMES]...")
@click.option(
    "--out",
    type=_Folder(path_type=Path),
    default=Path("liegroup-teleport-report"),
    show_default=True,
    help="Folder for figures, results.json, report.html and, of the studies, finished runs. "
    "What other experiments left there is kept.",
)
@click.option(
    "--seeds",
    type=click.IntRange(min=1),
    default=None,
    help="Number of starts per variant. [default: 5, with --quick 1; generalization 120, "
    "optimizers 10]",
)
@click.option("--quick", is_flag=True, help="Fewer starts and shorter runs, about 20 s.")
@click.option(
    "--dataset",
    type=click.Choice(["digits", "mnist"]),
    default="digits",
    show_default=True,
    help="Images for the experiment 'digits'; mnist is downloaded from OpenML.",
)
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    default=min(2, os.cpu_count() or 1),
    show_default=True,
    help="Processes for independent runs.",
)
@click.option(
    "--dask",
    metavar="ADDRESS",
    default=None,
    help="Run on the Dask cluster with this scheduler, such as tcp://host:8786, instead of "
    "--jobs processes. Needs the extra 'dask', here and on the workers.",
)
def reproduce(
    names: tuple[str, ...],
    out: Path,
    seeds: int | None,
    quick: bool,
    dataset: Literal["digits", "mnist"],
    jobs: int,
    dask: str | None,
) -> None:
    """Run the papers' experiments and judge their claims.

    NAMES are among quadratic, booth, rosenbrock, regression and digits; by
    default all five. Finished experiments are kept if the run is interrupted.

    Two longer studies run only by name: generalization (sharpness and curvature
    against validation loss, 720 runs) and optimizers (five of them, with and without
    teleports, about 1000 runs). Each of their runs is kept in OUT/runs when it is
    finished: the same command goes on where it was stopped. Delete the folder to
    begin anew.
    """
    _prepare(out)
    chosen = tuple(dict.fromkeys(names)) or NAMES
    # imported only now: they load matplotlib and rich
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from .experiments._report import FolderError, Report

    subtitle = f"liegroup-teleport reproduce {' '.join(chosen)}{' --quick' if quick else ''}"
    subtitle += f" --dataset {dataset}" if "digits" in chosen else ""
    try:
        report = Report(out, f"{subtitle}, {time.strftime('%Y-%m-%d %H:%M')}")
    except FolderError as error:
        raise click.BadParameter(
            f"{error}; give another folder, or move it", param_hint="'--out'"
        ) from None
    stderr = Console(stderr=True)
    progress = Progress(
        TextColumn("{task.description:<22}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=stderr,
    )

    def track(description: str, total: int) -> Callable[[], None]:
        task = progress.add_task(description, total=total)
        return lambda: progress.advance(task)

    context = Context(
        seeds=seeds,
        quick=quick,
        dataset=dataset,
        workers=jobs if dask is None else -1,
        runs=out / "runs",
        progress=track,
        say=lambda line: progress.console.print(line, highlight=False, soft_wrap=True),
    )
    missing: list[str] = []
    interrupted = False
    started = time.perf_counter()
    place: AbstractContextManager[None] = nullcontext() if dask is None else cluster(dask)
    try:
        with place, progress:
            for name in chosen:
                missing += _one(name, context, report)
    except ClusterUnavailableError as error:
        raise click.BadParameter(str(error), param_hint="'--dask'") from None
    except KeyboardInterrupt:
        interrupted = True
        _stop_workers()
    if report.outcomes:
        _table(report.outcomes)
        click.echo(f"{time.perf_counter() - started:.0f} s; report: {out / 'report.html'}")
    if interrupted:
        done = ", ".join(report.outcomes) or "none"
        click.echo(f"Interrupted. Finished experiments, kept in {out}: {done}.", err=True)
        if set(chosen) & set(STUDIES):
            click.echo("The same command goes on with the runs that are not finished.", err=True)
        sys.exit(INTERRUPTED)
    if missing:
        raise click.ClickException(" ".join(missing))


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print the certificates as a JSON list.")
def verify(as_json: bool) -> None:
    """Prove the library's statements and check every proof again.

    The shipped code runs on symbols, then at random numbers in exact arithmetic.
    Exit status 1 if a proof fails.
    """
    # imported only now: they load sympy and rich
    from rich.console import Console

    from .symbolic import shipped_proofs

    stdout = Console()
    started = time.perf_counter()
    certificates: list[dict[str, Any]] = []
    for proof in shipped_proofs():
        certificate = proof()
        checking = time.perf_counter()
        try:
            checked = certificate.verify()
        except RuntimeError:  # its time was up
            checked = False
        seconds = certificate.seconds + time.perf_counter() - checking
        certificates.append({**certificate.to_dict(), "verified": checked})
        if not as_json:
            holds = certificate.proved and checked
            verdict = "[green]proved[/]" if holds else "[bold red]FAILED[/]"
            stdout.print(f"{verdict} {seconds:6.2f} s ", end="")
            stdout.print(certificate.name, markup=False, highlight=False, soft_wrap=True)
    failed = [c["name"] for c in certificates if not (c["proved"] and c["verified"])]
    if as_json:
        click.echo(json.dumps(certificates, indent=2))
    else:
        _proofs(certificates)
        proved = len(certificates) - len(failed)
        click.echo(
            f"{proved} of {len(certificates)} proved and verified in "
            f"{time.perf_counter() - started:.0f} s"
        )
    if failed:
        raise click.ClickException(f"not proved: {', '.join(failed)}")


def _one(name: str, context: Context, report: Report) -> list[str]:
    """Run one experiment and write it down; return what kept it from running."""
    started = time.perf_counter()
    try:
        outcome = run(name, context)
    except DatasetUnavailableError as error:
        return [f"{name} was not run: {error}"]
    report.add(name, outcome, time.perf_counter() - started)
    return []


def _prepare(out: Path) -> None:
    """Create the output folder and try to write in it, before any work is done."""
    from .experiments._report import FILES

    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):
            pass
    except OSError as error:
        reason = error.strerror or str(error)
        raise click.BadParameter(
            f"cannot write to the folder {str(out)!r}: {reason}", param_hint="'--out'"
        ) from None
    for file in FILES:
        if (out / file).is_dir():
            raise click.BadParameter(
                f"{out / file} is a folder, and a file of that name is to be written",
                param_hint="'--out'",
            )


def _table(outcomes: Mapping[str, Outcome]) -> None:
    """Print every claim with what was measured and the verdict."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    if console.width < 100:
        console = Console(width=100)
    styles = {"confirmed": "bold green", "not confirmed": "bold red", "as measured": "dim"}
    table = Table(title="Claims and measurements", title_justify="left", show_lines=True)
    table.add_column("experiment", no_wrap=True)
    table.add_column("claim", ratio=5)
    table.add_column("measured", ratio=4)
    table.add_column("verdict", no_wrap=True)
    for name, outcome in outcomes.items():
        for i, claim in enumerate(outcome.claims):
            verdict = Text(claim.verdict, style=styles[claim.verdict])
            cells: list[Any] = [Text(name if i == 0 else ""), Text(claim.claim)]
            table.add_row(*cells, Text(claim.measured), verdict)
    console.print(table)


def _proofs(certificates: list[dict[str, Any]]) -> None:
    """Print a table of all certificates."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    if console.width < 100:
        console = Console(width=100)
    table = Table(title="Proofs", title_justify="left")
    table.add_column("statement", ratio=5)
    table.add_column("scope", no_wrap=True)
    table.add_column("proved", no_wrap=True)
    table.add_column("verified", no_wrap=True)
    table.add_column("seconds", justify="right", no_wrap=True)
    for c in certificates:
        verdicts = [
            Text("yes", style="green") if c[key] else Text("NO", style="bold red")
            for key in ("proved", "verified")
        ]
        table.add_row(Text(c["name"]), Text(c["scope"]), *verdicts, f"{c['seconds']:.2f}")
    console.print(table)


def _stop_workers() -> None:
    """End the worker processes of an interrupted experiment, if there are any."""
    if "joblib" in sys.modules:
        from joblib.externals.loky import get_reusable_executor

        get_reusable_executor().shutdown(wait=True, kill_workers=True)


if __name__ == "__main__":
    main(prog_name="liegroup-teleport")
