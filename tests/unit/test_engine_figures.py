"""The figures of the benchmarks of speed: what is reckoned does not look measured, no target is reached by luck."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from benchmarks import batch_size_figures, cpu_figures, engine_figures, faulty_figures
from benchmarks.batch_size_figures import BARE, Overhead, pauses
from benchmarks.cpu_figures import Load
from benchmarks.engine_figures import Figures, Point, Way, draw
from benchmarks.faulty_figures import Trial
from benchmarks.posts import many_posts
from benchmarks.profile_figures import read_profile
from pipeline.stages.orders import speaks_to_models

NOON = datetime(2026, 11, 3, 12, tzinfo=UTC)


def figures(celery: tuple[float, ...], bare: float = 2.0) -> Figures:
    def point(way: Way, *seconds: float) -> Point:
        return Point("SQLite", way, 100, seconds, 40)

    sequential = Point("", Way.SEQUENTIAL, 100, (160.0,), 200, 100)
    others = [point(way, 3.0) for way in (Way.LOCAL, Way.TWO_WORKERS)]
    return Figures([sequential, point(Way.BARE, bare), point(Way.CELERY, *celery), *others], server_ms=0.5)


@pytest.mark.parametrize(
    ("celery", "is_reached"),
    [((2.2, 2.0, 90.0), True), ((2.61, 2.61, 1.0), False), ((2.25, 2.25), True), ((2.7,), False)],
)
def test_an_engine_is_judged_by_the_median_of_its_runs(celery: tuple[float, ...], is_reached: bool) -> None:
    (target,) = engine_figures.targets(figures(celery))
    assert target.is_reached is is_reached


def test_being_near_the_bare_script_is_not_enough_where_that_one_is_slow() -> None:
    (target,) = engine_figures.targets(figures((2.5,), bare=2.5))
    assert (target.measured, target.is_reached) == ("1.00 × (b), 64 × faster", False)


def test_a_time_that_was_reckoned_does_not_look_like_a_measured_one() -> None:
    measured = figures((2.2,))
    reckoned = replace(measured.points[0], measured_posts=5)
    table = engine_figures.as_table(Figures([reckoned, *measured.points[1:]], 0.5), "SQLite")
    assert "two for each post | *160 s* |" in table
    assert "two for each post | 160 s |" in engine_figures.as_table(measured, "SQLite")
    assert "one worker | 2.20 s, 1.10 × (b) |" in table


def test_the_same_figures_give_the_same_plot_with_a_line_for_each_way(tmp_path: Path) -> None:
    for name in ("one.svg", "two.svg"):
        draw(figures((2.2,)), tmp_path / name)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
    assert all(way.value in (tmp_path / "one.svg").read_text() for way in Way)


def load(posts: int, cpu_s: float, room: int = 15) -> Load:
    return Load("SQLite", posts, room, posts // 5, (cpu_s,), (cpu_s / 3,))


@pytest.mark.parametrize(
    ("ms_of_few", "ms_of_many", "is_reached"), [(2.5, 2.6, True), (2.0, 2.9, False), (3.1, 2.0, False)]
)
def test_cpu_must_be_low_and_must_not_grow_with_the_posts(
    ms_of_few: float, ms_of_many: float, is_reached: bool
) -> None:
    many, few = load(10_000, 10 * ms_of_many), load(100, ms_of_few / 10)
    full_digest = load(100, 0.9, room=200)
    (target,) = cpu_figures.targets([many, full_digest, few], room=15)
    assert target.is_reached is is_reached
    assert target.measured.startswith(f"{ms_of_few} / {ms_of_many} ms")


def test_what_is_ours_is_what_the_bare_script_does_not_use() -> None:
    assert load(1000, 3.0).ours_ms_a_post == pytest.approx(2.0)
    assert "| 3.00 ms | 1.00 ms | 2.00 ms | 15.0 ms |" in cpu_figures.as_table([load(1000, 3.0)])


def call(kind: str, started_at: float, ended_at: float) -> Mapping[str, object]:
    return {"kind": kind, "started_at": started_at, "ended_at": ended_at}


def test_an_overhead_is_from_an_answer_to_the_next_question_of_its_kind() -> None:
    calls = [call("a", 0.0, 0.8), call("a", 0.81, 1.61), call("b", 5.0, 5.8), call("b", 5.82, 6.62)]
    found = pauses(calls)
    assert {kind: [round(pause, 3) for pause in one] for kind, one in found.items()} == {"a": [0.01], "b": [0.02]}


def test_every_batch_size_must_keep_its_overhead_small() -> None:
    small, large = Overhead("SQLite", 1, 0.8, {"a": [0.02]}), Overhead("SQLite", 5, 0.8, {"a": [0.03]})
    bare = Overhead(BARE, 1, 0.8, {"a": [0.2]})
    (target,) = batch_size_figures.targets([small, large, bare])
    assert (target.measured, target.is_reached) == ("2.5 / 3.8 %", False)
    (target,) = batch_size_figures.targets([small, bare])
    assert target.is_reached


@pytest.mark.parametrize(
    ("statuses", "is_done", "is_reached"),
    [
        ({"summarized": 15, "passed_over": 985}, True, True),
        ({"summarized": 15, "passed_over": 976, "set_aside": 9}, True, True),
        ({"summarized": 15, "passed_over": 975, "set_aside": 10}, True, False),
        ({"summarized": 15, "passed_over": 984, "fresh": 1}, True, False),
        ({"summarized": 15, "passed_over": 984}, True, False),
        ({"summarized": 15, "passed_over": 985}, False, False),
    ],
)
def test_no_post_and_no_run_may_be_lost_and_few_set_aside(
    statuses: Mapping[str, int], is_done: bool, is_reached: bool
) -> None:
    trial = Trial("SQLite", 1000, 60.0, is_done, statuses, {"ok": 200, "HTTP 500": 2})
    good = Trial("SQLite", 1000, 60.0, True, {"summarized": 1000}, {"ok": 200})
    (target,) = faulty_figures.targets([good, trial])
    assert target.is_reached is is_reached


def test_failed_calls_are_shown_by_what_was_written_down_of_them() -> None:
    trial = Trial("SQLite", 1000, 60.0, True, {"summarized": 1000}, {"ok": 198, "HTTP 500": 2})
    assert "| 198 |" not in faulty_figures.failures_table([trial, trial])
    assert "| HTTP 500 | 4 |" in faulty_figures.failures_table([trial, trial])


def test_time_in_a_profile_belongs_to_the_innermost_code_with_an_owner() -> None:
    loop = "run (threading.py);_run_once (asyncio/base_events.py)"
    lines = [
        f"{loop};claim (storage/work.py);execute (sqlalchemy/engine/base.py) 6",
        f"{loop};claim (storage/work.py);dumps (json/__init__.py) 3",
        f"{loop};select (selectors.py) 2",
        "<module> (runpy.py) 1",
    ]
    profile = read_profile(lines, cpu_s=0.2, rate=100)
    assert profile.by_owner() == {"SQLAlchemy": 6, "ours: storage/work.py": 3, "asyncio": 2, "the rest of Python": 1}
    assert profile.by_function() == {"claim (storage/work.py)": 9}
    assert profile.samples == 12
    assert profile.locked_s == pytest.approx(0.12)


def test_posts_to_measure_with_are_all_different_and_are_asked_for_in_full_batches() -> None:
    posts = many_posts(500, NOON)
    assert len({post.text for post in posts}) == len({post.external_id for post in posts}) == 500
    assert not any(speaks_to_models(post.text) for post in posts)
    assert min(post.published_at for post in posts) > NOON.replace(hour=1)
