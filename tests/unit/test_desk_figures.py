"""What the benchmark of the desk tells: the worst of its scenes counts, and no answer is taken for another's."""

from __future__ import annotations

import pytest

from benchmarks.desk.figures import Desk, Waits, Weight, percentile, waits_of
from benchmarks.desk.page import section

MEGABYTE = 1_000_000


@pytest.fixture
def desk() -> Desk:
    return Desk(
        cards=[Waits("in silence", [0.1, 0.2, 0.9]), Waits("in a crowd", [0.3, 0.4, 0.5])],
        statuses=[Waits("SQLite", [0.1] * 19 + [3.0]), Waits("PostgreSQL", [0.1] * 18 + [0.3, 0.3])],
        bots=[Weight("SQLite", [250 * MEGABYTE, 281 * MEGABYTE, 260 * MEGABYTE])],
        openai_workers=[Weight("SQLite", [160 * MEGABYTE])],
        delivering_workers=[Weight("SQLite", [287 * MEGABYTE])],
        offline_workers=[Weight("SQLite", [300 * MEGABYTE])],
        bot_starts=[Waits("SQLite", [3.0, 9.0, 4.0])],
        worker_starts=[Waits("SQLite", [1.0]), Waits("PostgreSQL", [4.5])],
    )


def test_the_worst_scene_is_held_against_the_target(desk: Desk) -> None:
    assert [(one.measured, one.is_reached) for one in desk.targets()] == [
        ("0.40 s", True),
        ("0.30 s", False),
        ("281 MB", False),
        ("160 MB", True),
        ("300 MB", True),
        ("4.00 s", True),
        ("4.50 s", False),
    ]


def test_all_but_a_twentieth_wait_no_longer_than_the_95th_percentile() -> None:
    assert percentile([float(number) for number in range(1, 101)], 0.95) == 95
    assert percentile([7.0], 0.95) == 7
    assert Waits("", [0.1] * 19 + [3.0]).p95 == pytest.approx(0.1)


def test_what_grows_is_seen_in_the_quarters() -> None:
    grown = Weight("", [number * MEGABYTE for number in range(100, 108)])
    assert grown.quarters_mb() == (100.5, 102.5, 104.5, 106.5)
    assert Weight("", [MEGABYTE] * 5).quarters_mb() == (1, 1, 1, 1)


def test_each_question_is_held_against_its_own_answer() -> None:
    assert waits_of({7: [1.0, 2.0], 8: [1.5]}, {8: [1.75], 7: [1.25, 2.5]}) == [0.25, 0.5, 0.25]


@pytest.mark.parametrize("answered", [{}, {7: [1.5]}, {7: [1.5, 2.5, 3.0]}, {7: [1.5, 1.75]}, {7: [0.5, 2.5]}])
def test_answers_that_do_not_fit_their_questions_are_no_figures(answered: dict[int, list[float]]) -> None:
    with pytest.raises(ValueError, match="chat 7"):
        waits_of({7: [1.0, 2.0]}, answered)


def test_the_page_shows_every_scene(desk: Desk) -> None:
    page = section(desk, 0.8)
    assert "| `/status` | PostgreSQL | 20 | 0.10 s | 0.30 s | 0.30 s |" in page
    assert "| first card after `/digest` | in silence | 3 | 0.20 s | 0.90 s | 0.90 s |" in page
    assert "| worker, openai provider, after a delivery | SQLite | 287 |" in page
    assert "| `run_worker.sh` | PostgreSQL | 1 | 4.50 s | 4.50 s | 4.50 s |" in page
