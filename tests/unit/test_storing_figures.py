"""The figures of benchmarks.stored and benchmarks.importing: medians, ratios, and what counts as reached."""

from __future__ import annotations

import pytest

from benchmarks.importing.figures import MEBIBYTE, Case, Growth, Sample
from benchmarks.importing.figures import as_table as table_of_cases
from benchmarks.importing.figures import targets as importing_targets
from benchmarks.stored.figures import Pair, as_table, pairs
from benchmarks.stored.figures import targets as stored_targets
from benchmarks.stored.past import everything, post_ids
from benchmarks.stored.size import POSTS_OF_A_RUN, Size


def looks(plan_s: float, status_s: float = 0.01, fates_s: float = 0.01) -> dict[str, float]:
    return {"plan a run": plan_s, "/status": status_s, "where the posts of a run went": fates_s}


def test_a_look_is_compared_by_the_medians_of_both_desks() -> None:
    found = pairs([looks(0.1), looks(0.2), looks(9.0)], [looks(0.3), looks(0.3), looks(0.1)])
    assert found[0] == Pair("plan a run", [0.1, 0.2, 9.0], [0.3, 0.3, 0.1])
    assert found[0].ratio == pytest.approx(1.5)
    assert "| plan a run | 200.0 ms | 300.0 ms | 1.50 |" in as_table(found, 10, 1000)


def test_every_promise_must_hold_on_every_database() -> None:
    good, bad = pairs([looks(0.1)], [looks(0.12)]), pairs([looks(0.1)], [looks(0.2)])
    of_planning, of_status, _ = stored_targets({"SQLite": good, "PostgreSQL": bad}, 1_000_000, 10_000)
    assert of_planning.measured == "1.20 × on SQLite, 2.00 × on PostgreSQL"
    assert (of_planning.is_reached, of_status.is_reached) == (False, True)


def test_the_past_of_a_desk_is_as_large_as_its_size_says() -> None:
    size = Size.of_posts(3200)
    assert size.posts == 3200
    numbers = {model.__tablename__: sum(1 for _ in rows) for model, rows in everything(size)}
    assert numbers["runs"] == numbers["digests"] == size.runs
    assert numbers["run_posts"] == numbers["model_answers"] == size.run_posts
    assert numbers["model_calls"] == numbers["work"] == size.model_calls
    assert numbers["deliveries"] == size.deliveries


def test_no_run_of_the_past_has_posts_of_the_last_day() -> None:
    size = Size.of_posts(3200)
    of_runs = [set(post_ids(size, run)) for run in range(1, size.runs + 1)]
    assert {len(ids) for ids in of_runs} == {POSTS_OF_A_RUN}
    assert len(set.union(*of_runs)) == size.posts * (size.days - 1) / size.days


def growth(rate: int, large_mib: int, small_mib: int) -> Growth:
    large = Case("importing", 300, [Sample(1000, 1000 / rate, 0.02, large_mib * MEBIBYTE)])
    return Growth("SQLite", large, Case("importing", 30, [Sample(100, 1.0, 0.02, small_mib * MEBIBYTE)]))


@pytest.mark.parametrize(
    ("rate", "large_mib", "expected"), [(25_000, 105, [True, True]), (19_000, 200, [False, False])]
)
def test_importing_must_be_fast_and_flat(rate: int, large_mib: int, expected: list[bool]) -> None:
    assert [target.is_reached for target in importing_targets([growth(rate, large_mib, 100)])] == expected


def test_a_case_shows_its_median_rate_and_its_highest_memory() -> None:
    samples = [Sample(1000, seconds, 0.02, mib * MEBIBYTE) for seconds, mib in ((0.1, 90), (0.05, 120), (0.2, 80))]
    assert "| importing | 300 MB | 1,000 | 10,000 | 20 µs | 120 MiB |" in table_of_cases(
        [Case("importing", 300, samples)]
    )
