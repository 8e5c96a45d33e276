"""The same model calls again, by a bare script in a process of its own; and those of the sequential old way."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.bare import Phases, Round
from benchmarks.bench import CONCURRENCY
from pipeline.ports import PostText
from pipeline.stages.briefs import categorization_brief, summarization_brief
from pipeline.stages.prompting import Prompt, categorization_prompt, summarization_prompt
from settings import HOME
from storage.records import IncomingPost, PublicBotSpec

MODEL = "test-model"


def phases_of(calls: Sequence[Mapping[str, Any]]) -> Phases:
    """What a model server was asked in a run, as a bare script would ask it: the summaries of what the verdicts choose
    can only be asked for when these are there."""
    return [[call["body"] for call in calls if call["kind"] == kind] for kind in ("categorization", "summarization")]


def old_way(posts: Sequence[IncomingPost], spec: PublicBotSpec) -> Phases:
    """Two calls for each post, one after the other: the first for its category, the second for its summary."""
    bodies = []
    for post in posts:
        shown = [PostText("p1", post.text, "The Wire", post.published_at)]
        bodies.append(_body(categorization_prompt(categorization_brief(spec), shown)))
        bodies.append(_body(summarization_prompt(summarization_brief(spec), shown)))
    return [bodies]


async def replay(phases: Phases, url: str, *, concurrency: int = CONCURRENCY, repeats: int = 1) -> list[Round]:
    """Ask all of it so many times."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "calls.json"
        file.write_text(json.dumps(phases, ensure_ascii=False), encoding="utf-8")
        options = ["--concurrency", str(concurrency), "--repeats", str(repeats)]
        command = [sys.executable, "-m", "benchmarks.bare", str(file), url, *options]
        process = await asyncio.create_subprocess_exec(*command, cwd=HOME, stdout=asyncio.subprocess.PIPE)
        written, _ = await process.communicate()
    if process.returncode != 0:
        raise SystemExit("The bare script failed.")
    return [Round(**one) for one in json.loads(written)]


def _body(prompt: Prompt) -> Mapping[str, Any]:
    schema = {"name": prompt.name, "strict": True, "schema": prompt.schema}
    return {
        "model": MODEL,
        "messages": [{"role": "system", "content": prompt.system}, {"role": "user", "content": prompt.user}],
        "temperature": 0,
        "response_format": {"type": "json_schema", "json_schema": schema},
    }
