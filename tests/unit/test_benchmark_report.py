"""A measured page keeps what others wrote in it, and the recommendation is the cheapest setting that is fast enough."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.report import Target, publish, table, write_section
from benchmarks.worker_figures import Cell, Sample, advice, as_table, draw, recommended


def cell(workers: int, concurrency: int, *seconds: float, posts: int = 500) -> Cell:
    samples = [Sample(one, 100, 2, cpu_s=4.0, memory_bytes=150 * 1024 * 1024 * workers) for one in seconds]
    return Cell("SQLite", workers, concurrency, posts, 0.8, samples)


def test_the_table_of_targets_has_the_last_rows_of_every_benchmark(tmp_path: Path) -> None:
    page, kept = tmp_path / "performance.md", tmp_path / "performance.json"
    for reached in (False, True):
        publish("a", "## A", [Target("CPU a post", "≤ 3 ms", "4 ms" if not reached else "2 ms", reached)], page, kept)
        publish("b", "## B", [Target("first card", "≤ 0.5 s", "0.7 s", is_reached=False)], page, kept)
    assert "| CPU a post | ≤ 3 ms | 2 ms | yes |\n| first card | ≤ 0.5 s | 0.7 s | **no** |" in page.read_text()
    assert "4 ms" not in page.read_text()
    assert page.read_text().index("## Targets") < page.read_text().index("## A")


def test_a_section_is_replaced_and_everything_around_it_stays(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    page.write_text("# Performance\n\nBy hand.\n")
    write_section(page, "workers", "old figures")
    write_section(page, "delivery", "of others")
    write_section(page, "workers", "new figures\n")
    assert page.read_text() == (
        "# Performance\n\nBy hand.\n\n<!-- begin: workers -->\nnew figures\n<!-- end: workers -->\n\n"
        "<!-- begin: delivery -->\nof others\n<!-- end: delivery -->\n"
    )


def test_a_section_without_its_end_is_not_guessed(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    page.write_text("<!-- begin: workers -->\nfigures\n\n# More, by hand\n")
    with pytest.raises(SystemExit, match="has no <!-- end: workers -->"):
        write_section(page, "workers", "new")
    assert "More, by hand" in page.read_text()


def test_a_cell_cannot_break_a_table() -> None:
    assert table(("a", "b"), [("x|y", "one\ntwo")]) == "| a | b |\n| --- | --- |\n| x/y | one two |"


def test_the_ideal_counts_whole_waves_of_calls_and_the_summaries_after_them() -> None:
    assert cell(1, 32, 9.0).ideal_s == pytest.approx((4 + 1) * 0.8)
    assert cell(4, 64, 9.0).ideal_s == pytest.approx((1 + 1) * 0.8)
    assert cell(1, 32, 8.0).share_of_ideal == pytest.approx(0.5)


def test_a_setting_is_judged_by_the_median_of_its_runs() -> None:
    assert cell(1, 32, 5.0, 50.0, 4.0).rate == 100


def test_the_cheapest_setting_near_the_best_one_is_recommended() -> None:
    slow, near, best = cell(1, 8, 20.0), cell(1, 32, 5.1), cell(4, 64, 5.0)
    assert recommended([slow, cell(2, 16, 5.05), best, near]) == near
    assert "one worker with `--concurrency 32`" in advice([slow, near, best])
    assert "98% of the best that was found, 4 × 64" in advice([slow, near, best])
    assert "**98**" in as_table([slow, near, best])


def test_where_only_more_workers_are_fast_they_are_recommended() -> None:
    assert recommended([cell(1, 64, 9.0), cell(2, 32, 5.0)]).workers == 2


def test_the_same_figures_give_the_same_plot(tmp_path: Path) -> None:
    cells = [cell(1, 8, 20.0), cell(1, 32, 9.0), cell(2, 8, 10.0), cell(2, 32, 5.0)]
    for name in ("one.svg", "two.svg"):
        draw(cells, tmp_path / name)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
    assert "2 workers" in (tmp_path / "one.svg").read_text()
