"""``liegroup-teleport verify``."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from liegroup_teleport import symbolic
from liegroup_teleport.cli import main
from liegroup_teleport.losses import Booth, Rosenbrock


def true_one():
    return symbolic.prove_invariance(Booth().symmetry(), Booth())


def false_one():
    return symbolic.prove_invariance(Booth().symmetry(), Rosenbrock())


def endless():
    def never(seed):
        while True:
            pass

    return symbolic.certify(
        name="endless", statement="s", method="m", scope="loss",
        residual=lambda: 0, counterexample=never, time_limit=0.2,
    )  # fmt: skip


def verify(monkeypatch, proofs, *arguments):
    monkeypatch.setattr(symbolic, "shipped_proofs", lambda: proofs)
    return CliRunner().invoke(main, ["verify", *arguments])


def test_one_line_each_and_a_table(monkeypatch):
    result = verify(monkeypatch, [true_one, symbolic.prove_kantorovich])
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert [line.split()[0] for line in lines[:2]] == ["proved", "proved"]
    assert "ChartRotation(1) on Booth" in lines[0]
    assert any(set(line) >= {"│", "y"} for line in lines)
    assert lines[-1].startswith("2 of 2 proved and verified in ")


def test_a_false_proof_is_exit_status_1(monkeypatch):
    result = verify(monkeypatch, [true_one, false_one])
    assert result.exit_code == 1
    assert "FAILED" in result.output
    assert "1 of 2 proved and verified" in result.output
    assert "not proved: invariance, ChartRotation(1) on Rosenbrock" in result.output


def test_json_of_a_false_proof(monkeypatch):
    result = verify(monkeypatch, [true_one, false_one], "--json")
    assert result.exit_code == 1
    first, second = json.loads(result.stdout)
    assert first["proved"] is first["verified"] is True
    assert second["proved"] is second["verified"] is False
    assert second["witness"]["loss_before"] != second["witness"]["loss_after"]


def test_a_proof_without_end_fails(monkeypatch):
    slow = endless()
    monkeypatch.setattr(
        symbolic.Certificate,
        "verify",
        lambda self: symbolic._limits.limited(lambda: slow.recheck(1), 0.2),
    )
    result = verify(monkeypatch, [lambda: slow])
    assert result.exit_code == 1
    assert "not proved: endless" in result.output


@pytest.fixture(scope="module")
def everything():
    return subprocess.run(
        [sys.executable, "-m", "liegroup_teleport", "verify", "--json"],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def test_every_shipped_proof_holds(everything):
    assert everything.returncode == 0, everything.stderr
    certificates = json.loads(everything.stdout)
    assert len(certificates) == len(symbolic.shipped_proofs()) >= 80
    names = [c["name"] for c in certificates]
    assert len(set(names)) == len(names)
    for c in certificates:
        assert c["proved"], c["name"]
        assert c["verified"], c["name"]
        assert c["residual"] == "0"
        assert c["statement"]
        assert c["latex"]
        assert c["method"]
