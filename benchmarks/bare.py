"""A bare script that asks a model the given questions, and nothing else: python -m benchmarks.bare FILE URL

FILE is JSON: a list of phases, each a list of the bodies of requests. The calls of a phase are made side by side, up to
`--concurrency`; a phase begins when the one before it is through. It is what any program with the same SDK at least
takes for these calls. Prints JSON: for each of `--repeats` rounds, the seconds and the CPU seconds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from openai import AsyncOpenAI

Phases = Sequence[Sequence[Mapping[str, Any]]]


@dataclass(frozen=True)
class Round:
    seconds: float
    cpu_s: float


async def ask(client: AsyncOpenAI, body: Mapping[str, Any]) -> object:
    """What the model says, parsed; a call that failed ends the script."""
    response = await client.chat.completions.with_raw_response.create(**body)
    return json.loads(json.loads(response.content)["choices"][0]["message"]["content"])


async def go_round(client: AsyncOpenAI, phases: Phases, concurrency: int) -> Round:
    places = asyncio.Semaphore(concurrency)

    async def ask_in_turn(body: Mapping[str, Any]) -> None:
        async with places:
            await ask(client, body)

    began, cpu_before = time.perf_counter(), time.process_time()
    for phase in phases:
        await asyncio.gather(*(ask_in_turn(body) for body in phase))
    return Round(time.perf_counter() - began, time.process_time() - cpu_before)


async def go_rounds(phases: Phases, url: str, concurrency: int, repeats: int) -> list[Round]:
    """Warm as a worker is: with its connections open."""
    async with AsyncOpenAI(api_key="none", base_url=url, max_retries=0) as client:
        await go_round(client, [phases[0][:concurrency]], concurrency)
        return [await go_round(client, phases, concurrency) for _ in range(repeats)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("url")
    parser.add_argument("--concurrency", type=int, default=32, metavar="N")
    parser.add_argument("--repeats", type=int, default=1, metavar="N")
    options = parser.parse_args()
    phases = json.loads(options.file.read_text(encoding="utf-8"))
    rounds = asyncio.run(go_rounds(phases, options.url, options.concurrency, options.repeats))
    print(json.dumps([asdict(one) for one in rounds]))


if __name__ == "__main__":
    main()
