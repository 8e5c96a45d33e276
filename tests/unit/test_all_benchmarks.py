"""`python -m benchmarks` runs every benchmark there is, and one that fails does not keep the others from running."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from benchmarks.__main__ import ALL, ON_REQUEST, run_all
from settings import HOME

FOLDER = HOME / "benchmarks"


def has_a_command(path: Path) -> bool:
    main = path / "__main__.py" if path.is_dir() else path
    return main.is_file() and main.suffix == ".py" and "argparse" in main.read_text() and path.stem != "__main__"


def test_every_benchmark_is_known() -> None:
    found = {path.stem for path in FOLDER.iterdir() if has_a_command(path)}
    assert set(ALL) | set(ON_REQUEST) == (found - {"bare"}) | {"quality"}


def test_the_others_run_where_one_fails_and_the_exit_code_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    ran: list[tuple[str, Sequence[str]]] = []

    def run(name: str, options: Sequence[str]) -> int:
        ran.append((name, options))
        return 3 if name == "b" else 0

    assert run_all(["a", "b", "c"], ["--quick"], run) == 1
    assert ran == [("a", ["--quick"]), ("b", ["--quick"]), ("c", ["--quick"])]
    assert "== b: FAILED with 3 after" in capsys.readouterr().out
    assert run_all(["a", "c"], [], run) == 0
