"""Logs of real processes in JSON: every line says which run and public bot it is about, and none says a wrong one."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.engines.test_both_engines import PERIOD, store_posts
from tests.engines.test_recovery import wait_for
from tests.processes import Installation
from tests.servers.model_server import ModelServer
from tests.servers.redis_server import RedisServer

WORK = re.compile(r"^(?:categorize_posts|summarize_posts|assemble_digest|process_bot_digest)\((\d+)\) ")


@pytest.fixture
def in_json(tmp_path: Path, redis: RedisServer, model: ModelServer) -> Iterator[Installation]:
    made = Installation(
        tmp_path,
        DIGEST_REDIS__URL=redis.url,
        DIGEST_LLM__BASE_URL=model.base_url,
        DIGEST_LOGGING__FORMAT="json",
    )
    redis.empty()
    yield made
    made.stop_all()


def states(installation: Installation) -> dict[tuple[int, str], str]:
    """The state of every run, by its id and its public bot."""
    query = "SELECT runs.id, slug, state FROM runs JOIN public_bots ON public_bots.id = public_bot_id"
    with closing(sqlite3.connect(installation.folder / "digest.db")) as connection:
        return {(run_id, slug): state for run_id, slug, state in connection.execute(query)}


def lines_of(installation: Installation, name: str) -> list[dict[str, Any]]:
    """Every line that a process and its script have written; each of them is JSON."""
    return [json.loads(line) for line in installation.log(name).splitlines()]


def test_two_runs_side_by_side_are_told_apart_through_a_kill_and_a_restart(
    in_json: Installation, model: ModelServer
) -> None:
    model.latency_s = 0.2
    slugs = [store_posts(in_json, number) for number in (60, 61)]
    calls = len(model.calls)
    for slug in slugs:
        in_json.pipeline("digest", slug, "--period", PERIOD, "--no-deliver")
    in_json.start_worker("worker", "--concurrency", "32")
    wait_for(lambda: len(model.calls) >= calls + 12, "runs in the middle")
    in_json.kill("worker")
    model.latency_s = 0.0
    wait_for(lambda: set(states(in_json).values()) == {"done"}, "the end of both runs")
    ended = dict(states(in_json).keys())
    assert in_json.terminate("worker") == 0

    lines = lines_of(in_json, "worker")
    assert {line["process"].partition("@")[0] for line in lines if "process" in line} >= {"worker"}
    assert [line for line in lines if "is started again" in line["message"]]
    of_work = [line for line in lines if WORK.match(line["message"])]
    assert len(of_work) >= 24
    owners: dict[int, tuple[int, str]] = {}
    for line in of_work:
        number = int(WORK.match(line["message"]).group(1))  # type: ignore[union-attr]
        assert line["work"] == number, line
        assert ended[line["run"]] == line["bot"], line
        assert owners.setdefault(number, (line["run"], line["bot"])) == (line["run"], line["bot"]), line
    assert {slug for _, slug in owners.values()} == set(slugs)
    switches = sum(one["run"] != other["run"] for one, other in pairwise(of_work))
    assert switches >= 5, "the runs went side by side"
    lost = [line for line in lines if "taken back" in line["message"]]
    assert {line["run"] for line in lost} <= ended.keys()
    assert lost


def test_a_service_that_cannot_start_says_so_in_json(in_json: Installation) -> None:
    in_json.environment["DIGEST_DATABASE__URL"] = "mysql://host/name"
    process = in_json.start_worker("worker")
    assert process.wait(30) == 2
    [line] = lines_of(in_json, "worker")
    assert (line["level"], line["message"].partition(":")[0]) == ("CRITICAL", "database.url names mysql")
