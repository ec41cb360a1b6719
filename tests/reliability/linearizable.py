"""Whether what clients saw of a branch's head can have happened one after the other.

A branch moves from commit to commit, each of which names the one before it as its first parent, so the
order of all writes is known once the test is over. What is left to check is that every operation can be
given a moment between its call and its answer such that the moments stand in that order: then, and only
then, the history is linearizable (Herlihy and Wing). For intervals it suffices to go through them in the
order of the commits: none may end before one that stands before it has begun.
"""

from __future__ import annotations

import dataclasses
import math


@dataclasses.dataclass(frozen=True)
class Seen:
    """One operation: a commit that became, or a read that found, the head `commit`. Times in seconds."""

    commit: str
    called: float
    answered: float  # infinite where no answer came
    is_write: bool


def violations(chain: list[str], history: list[Seen]) -> list[str]:
    """What cannot have happened, given all heads in their order, the oldest first."""
    place = {commit: number for number, commit in enumerate(chain)}
    problems = [f"{describe(seen)}: no such commit on the branch"
                for seen in history if seen.commit not in place and math.isfinite(seen.answered)]
    known = [seen for seen in history if seen.commit in place]
    # A head is written before it is read.
    known.sort(key=lambda seen: (place[seen.commit], not seen.is_write, seen.called))
    latest: Seen | None = None
    for seen in known:
        if latest is not None and seen.answered < latest.called:
            problems.append(f"{describe(seen)} had ended when {describe(latest)} began, which stands before it")
        if latest is None or seen.called > latest.called:
            latest = seen
    return problems


def describe(seen: Seen) -> str:
    return f"{'write' if seen.is_write else 'read'} of {seen.commit[:12]} ({seen.called:.4f} to {seen.answered:.4f})"


def check_the_checker() -> None:
    """Fails where a stale read, a lost write or a reordering would be overlooked."""
    def write(commit: str, called: float, answered: float) -> Seen:
        return Seen(commit, called, answered, True)

    def read(commit: str, called: float, answered: float) -> Seen:
        return Seen(commit, called, answered, False)

    chain = ["a", "b", "c"]
    good = [write("a", 0, 1), read("a", 1, 3), write("b", 2, 5), read("b", 3, 4), write("c", 4, math.inf), read("c", 6, 7)]
    assert violations(chain, good) == [], violations(chain, good)
    stale = [*good, read("a", 5.5, 6)]
    assert len(violations(chain, stale)) >= 1, "a stale read was overlooked"
    assert violations(["a", "c"], good), "a lost write was overlooked"
    assert violations(["a", "b"], [write("b", 0, 1), write("a", 2, 3)]), "a reordering was overlooked"
    back = [write("a", 0, 1), write("b", 1, 9), read("b", 2, 3), read("a", 4, 5)]
    assert violations(["a", "b"], back), "a step back was overlooked"
