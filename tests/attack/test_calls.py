"""Hostile calls end in errors of ours that name the argument, and change nothing."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from tests.attack.bases import bases
from tests.attack.calls import Call, calls, judge

SMALL, LARGE = 150, 8000


@pytest.fixture(scope="module")
def all_bases():
    return bases()


def test_valid_calls_are_valid(all_bases):
    for base in all_bases:
        if not base.slow:
            base.call(**base.make())


def attack(chosen: list[Call]) -> None:
    """Judge all calls; at most one in a hundred may end in another error than a clear one."""
    faults = []
    for call in chosen:
        verdict = judge(call)
        if verdict.fault:
            faults.append((verdict.kind, f"{verdict.kind}: {call}: {verdict.detail:.160}"))
    kinds = Counter(kind for kind, _ in faults)
    listed = "\n".join(line for _, line in faults)
    assert kinds["changed"] == 0, listed
    assert len(faults) <= len(chosen) / 100, f"{dict(kinds)} of {len(chosen)} calls\n{listed}"


def test_a_sample(all_bases):
    chosen = list(calls([base for base in all_bases if not base.slow]))
    attack(random.Random(0).sample(chosen, SMALL))


@pytest.mark.sweep
@pytest.mark.parametrize("seed", [1, 2])
def test_many(all_bases, seed):
    chosen = list(calls(all_bases))
    assert len(chosen) > 4000
    attack(random.Random(seed).sample(chosen, LARGE // 2))
