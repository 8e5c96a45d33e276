"""`tune`, as a person at a terminal and as a script has it: what it prints where, what it asks, what it stores."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.cli import main
from settings import HOME
from tests.processes import until
from tests.servers.model_answers import Question
from tests.servers.model_faults import Override, error, missing
from tests.servers.model_server import ModelServer
from tests.servers.threads import ServerThread

BOTS = """
[[public_bots]]
slug = "city"
title = "The city"
sources = ["wire"]
timezone = "UTC"
[[public_bots.categories]]
name = "Transport"
description = "trams, buses, railways, roads and traffic"
[[public_bots.categories]]
name = "Weather"
description = "weather, rain, storms, temperature"
"""
POSTS = 20


@dataclass(frozen=True)
class Printed:
    code: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGEST_DATABASE__URL", f"sqlite:///{tmp_path}/digest.db")
    monkeypatch.setenv("DIGEST_ENGINE__MODE", "local")
    monkeypatch.setenv("DIGEST_REDIS__URL", "redis://127.0.0.1:1/0")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelServer]:
    """A model that answers well, with a price of 1 for a million tokens read and 2 for a million written."""
    one = ModelServer()
    with ServerThread(one.start, one.stop):
        monkeypatch.setenv("DIGEST_LLM__BASE_URL", one.base_url)
        monkeypatch.setenv("DIGEST_LLM__MODEL", "test-model")
        monkeypatch.setenv("DIGEST_LLM__INPUT_PRICE_PER_MILLION", "1")
        monkeypatch.setenv("DIGEST_LLM__OUTPUT_PRICE_PER_MILLION", "2")
        yield one


def make_desk(folder: Path, posts: int) -> Path:
    """A public bot with posts; its database."""
    (folder / "bots.toml").write_text(BOTS)
    stories = [
        {"id": n, "date": f"2026-11-02T08:{n:02}:00", "text": f"Tram {n} runs again after {n} days of repairs."}
        for n in range(1, posts + 1)
    ]
    (folder / "posts.json").write_text(json.dumps([*stories, {"id": 99, "date": "2026-11-02T09:00:00", "text": ""}]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DIGEST_DATABASE__URL", f"sqlite:///{folder}/digest.db")
        assert main(["import", str(folder / "posts.json"), "--source", "wire"]) == 0
        assert main(["bots", "apply", str(folder / "bots.toml")]) == 0
    return folder / "digest.db"


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_desk(tmp_path_factory.mktemp("desk"), POSTS)


@pytest.fixture
def database(prepared: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(prepared, tmp_path))


@pytest.fixture
def desk(database: Path, server: ModelServer) -> Path:
    """The database of a public bot with posts, and a model behind HTTP."""
    return database


def tune(capsys: pytest.CaptureFixture[str], *arguments: str) -> Printed:
    capsys.readouterr()
    try:
        code = main(["tune", "city", *arguments])
    except SystemExit as ended:  # how argparse ends
        code = int(ended.code or 0)
    printed = capsys.readouterr()
    return Printed(code, printed.out, printed.err)


def stored_size(capsys: pytest.CaptureFixture[str]) -> str:
    """The line of the bots file that says how large batches are."""
    capsys.readouterr()
    assert main(["bots", "export"]) == 0
    return next((line for line in capsys.readouterr().out.splitlines() if line.startswith("batch_size")), "")


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """A terminal, and how a person types a line there, before being asked."""
    master, slave = os.openpty()

    def typing(line: str) -> None:
        os.write(master, f"{line}\n".encode())

    with os.fdopen(slave) as terminal:
        monkeypatch.setattr("sys.stdin", terminal)
        yield typing
    os.close(master)


def forgets_in_tens(question: Question) -> Override | None:
    return missing("p4") if len(question.posts) == 10 else None


def other_categories_in_tens(question: Question) -> Override | None:
    if len(question.posts) < 10:
        return None
    return Override(change=lambda answers: {key: {**item, "category": "none"} for key, item in answers.items()})


def test_a_script_gets_the_table_and_what_to_do_to_store_it(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    printed = tune(capsys, "--sizes", "2,4")
    assert printed.code == 0
    head, *rows = printed.out.splitlines()[:4]
    assert head.split("  ")[-1].strip() == "money per 1,000 posts"
    assert [row.split()[:6] for row in rows] == [
        ["1", "100%", "100%", "0", "of", "20"],
        ["2", "100%", "100%", "0", "of", "20"],
        ["4", "100%", "100%", "0", "of", "20"],
    ]
    assert "Recommended: 4, because 2 and 4 are as good as one by one" in printed.out
    assert "is asked 55 times" in printed.err
    assert "Spent: 55 calls" in printed.err
    assert "Nothing was stored: city keeps batches of 5. To store it, write batch_size = 4 into its bots" in printed.err
    assert stored_size(capsys) == ""


def test_what_it_costs_is_said_before_and_what_it_has_cost_after(
    desk: Path, server: ModelServer, capsys: pytest.CaptureFixture[str]
) -> None:
    printed = tune(capsys, "--sizes", "10", "--json")
    report = json.loads(printed.out)
    read = sum(len(message["content"]) for call in server.calls for message in call.body["messages"]) / 4
    assert report["spent"]["calls"] == len(server.calls) == 42
    assert report["spent"]["input_tokens"] == pytest.approx(read, rel=0.01)
    assert report["spent"]["cost"] == pytest.approx(
        (report["spent"]["input_tokens"] + 2 * report["spent"]["output_tokens"]) / 1_000_000
    )
    estimate = float(printed.err.split(" in money")[0].rsplit(" ", 1)[1])
    assert report["spent"]["cost"] < estimate < 4 * report["spent"]["cost"]
    assert f"{report['spent']['cost']:.4f} in money." in printed.err
    ten = report["sizes"][-1]
    assert ten["cost_per_1000_posts"] == pytest.approx(ten["cost"] / POSTS * 1000)


def test_a_size_that_loses_posts_is_not_recommended(
    desk: Path, server: ModelServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.behaviour = forgets_in_tens
    printed = tune(capsys, "--sizes", "3,10")
    assert "2 of 20" in printed.out
    assert "missing at size 10: 2 × no answer for this post" in printed.out
    assert (
        "Recommended: 3, because 3 is as good as one by one, within 5% of the posts; 10 has posts without an answer."
        in (printed.out)
    )
    assert [len(call.posts) for call in server.calls].count(10) == 2, "what was missing is not asked for again"


def test_a_size_that_judges_otherwise_is_not_recommended(
    desk: Path, server: ModelServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.behaviour = other_categories_in_tens
    report = json.loads(tune(capsys, "--sizes", "5,10", "--json").out)
    assert [size["category_agreement"] for size in report["sizes"]] == [1.0, 1.0, 0.0]
    assert (report["recommended"], report["failed"]) == (5, {"10": ["category"]})
    assert report["reason"].startswith("Recommended: 5, because 5 is as good as one by one")


def test_with_yes_a_script_stores_it(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = json.loads(tune(capsys, "--sizes", "4", "--json", "--yes").out)
    assert (report["recommended"], report["present_size"], report["stored"]) == (4, 5, True)
    assert stored_size(capsys) == "batch_size = 4"
    again = tune(capsys, "--sizes", "4", "--yes")
    assert "city has batches of 4 already: there is nothing to store." in again.err


@pytest.mark.parametrize(
    ("answers", "code", "calls", "size"),
    [(["n"], 1, 0, ""), ([""], 1, 0, ""), (["y", "no"], 0, 45, ""), (["y", "yes"], 0, 45, "batch_size = 4")],
)
def test_whoever_sits_at_a_terminal_is_asked_before_spending_and_before_storing(
    desk: Path,
    server: ModelServer,
    capsys: pytest.CaptureFixture[str],
    typed: Callable[[str], None],
    answers: Sequence[str],
    code: int,
    calls: int,
    size: str,
) -> None:
    for answer in answers:
        typed(answer)
    printed = tune(capsys, "--sizes", "4")
    assert (printed.code, len(server.calls)) == (code, calls)
    assert "Ask the model? [y/N]" in printed.err
    assert ("Store batches of 4 for city, which has 5? [y/N]" in printed.err) is (len(answers) > 1)
    assert ("Nothing was asked." in printed.err) is (code == 1)
    assert stored_size(capsys) == size


@pytest.mark.slow
def test_the_offline_model_costs_nothing_and_is_asked_at_once(
    database: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], typed: Callable[[str], None]
) -> None:
    monkeypatch.setenv("DIGEST_LLM__PROVIDER", "offline")
    monkeypatch.setenv("DIGEST_LLM__INPUT_PRICE_PER_MILLION", "1")
    typed("n")
    printed = tune(capsys, "--sizes", "10", "--posts", "3")
    assert printed.code == 0
    assert "on this machine, which costs nothing" in printed.err
    assert "Ask the model?" not in printed.err
    assert "money" not in printed.err
    assert printed.out.splitlines()[2].split()[:5] == ["10", "100%", "100%", "0", "of"]


def test_too_few_posts_are_tried_and_no_size_is_recommended(
    tmp_path: Path, server: ModelServer, capsys: pytest.CaptureFixture[str]
) -> None:
    make_desk(tmp_path, 8)
    printed = tune(capsys, "--sizes", "4", "--yes")
    assert printed.code == 0
    assert "the newest 8 distinct posts with a text (50 were asked for, there are no more)" in printed.err
    assert "too few for a recommendation: 20 posts are needed" in printed.err
    assert "No size is recommended: 8 posts are too few, 20 are needed." in printed.out
    assert stored_size(capsys) == ""


def test_asked_once_it_says_what_is_taken_for_granted(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    printed = tune(capsys, "--sizes", "4", "--once")
    assert "Spent: 25 calls" in printed.err
    assert "as if that always agreed with itself" in printed.out


def test_limits_that_make_it_long_are_told_before(
    desk: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], typed: Callable[[str], None]
) -> None:
    monkeypatch.setenv("DIGEST_LLM__REQUESTS_PER_MINUTE", "5")
    typed("n")
    assert "that takes 9 minutes or more" in tune(capsys, "--sizes", "4").err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--sizes", "0"], "“0” is no batch size: write sizes of 1 to 10"),
        (["--sizes", "11"], "“11” is no batch size"),
        (["--sizes", "3,-5"], "“-5” is no batch size"),
        (["--sizes", "many"], "“many” is no batch size"),
        (["--sizes", "3,,5"], "“” is no batch size"),
        (["--sizes", "3,5,3"], "3 is named twice"),
        (["--sizes", "1"], "1 is what other sizes are compared with"),
        (["--posts", "0"], "“0” is no number of posts: write one of 1 to 1000"),
        (["--posts", "1e3"], "“1e3” is no number of posts"),
    ],
)
def test_wrong_usage_is_refused_before_anything_is_asked(
    capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    printed = tune(capsys, *arguments)
    assert (printed.code, printed.out) == (2, "")
    assert sentence in printed.err


def test_a_refused_key_is_one_sentence_after_what_was_spent(
    desk: Path, server: ModelServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.behaviour = lambda question: error(401)
    printed = tune(capsys, "--yes")
    assert (printed.code, printed.out) == (1, "")
    assert "It did not come to its end. Spent: " in printed.err
    assert "The provider refused the key for the model test-model" in printed.err
    assert "Traceback" not in printed.err


def test_an_unknown_bot_is_named(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["tune", "nope"]) == 1
    assert capsys.readouterr().err == "There is no bot named nope. These exist: city.\n"


def test_ctrl_c_in_the_middle_says_what_was_spent_and_keeps_what_was_answered(
    desk: Path, server: ModelServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.behaviour = lambda question: Override(hang=True) if len(question.posts) == 10 else None
    command = [sys.executable, "-m", "pipeline", "tune", "city", "--sizes", "10"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=HOME, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            asyncio.run(until(lambda: len(server.calls) == 42, "two calls that hang"))
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=30)
        finally:
            process.kill()
    assert (process.returncode, out) == (130, "")
    assert "1      100%        100%  0 of 20" in err
    assert "It did not come to its end. Spent: 40 calls" in err
    assert "calls that were broken off, and may be billed as well: 2." in err
    assert err.endswith("Stopped.\n")
    with contextlib.closing(sqlite3.connect(desk)) as connection:
        assert connection.execute("SELECT count(*) FROM model_answers").fetchone() == (POSTS,)
