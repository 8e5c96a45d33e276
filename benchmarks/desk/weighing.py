"""What workers weigh: one that has delivered, and one that works with the offline model."""

from __future__ import annotations

import asyncio
from pathlib import Path

from benchmarks.bench import PERIOD, WARM_UP, Bench, open_bench
from benchmarks.desk.figures import Desk, Weight
from benchmarks.desk.place import EDITOR, SECRET, TOKEN, Place
from benchmarks.telegram import TelegramProcess
from pipeline.adapters.token_box import TokenBox
from storage import public_bots
from tests.processes import until
from tests.support import NOON, make_spec

PUBLIC_TOKEN = "77:AAH-token-of-the-public-bot-of-a-benchmark-0123"
READ = "read"
READER, POSTS = 501, 5
LOOK_EVERY_S = 0.2


async def deliver(place: Place, desk: Desk) -> None:
    """A digest to one reader: a worker loads what it needs to talk to Telegram only then."""
    bench, telegram = place.bench, place.telegram
    telegram.add_bot(PUBLIC_TOKEN, "city_bot")
    telegram.add_user(READER, "Rita")
    await bench.add_bot(READ, POSTS, limit=POSTS)
    async with bench.tools.database.write() as session:
        spec = make_spec(READ, sources=(READ,), token_env="READ_TOKEN", max_posts_per_digest=POSTS)
        await public_bots.apply(session, spec, TokenBox(SECRET).encrypt(PUBLIC_TOKEN), NOON)
    await asyncio.to_thread(telegram.send, READER, PUBLIC_TOKEN, "/start")
    await until(lambda: _heard(telegram, 1), "the answer to the reader")
    await asyncio.to_thread(telegram.send, EDITOR, TOKEN, f"/digest {READ} {PERIOD}")
    await until(lambda: _heard(telegram, 2), "the digest of the reader")
    desk.delivering_workers.append(Weight(bench.database, [bench.memory_bytes()]))


def _heard(telegram: TelegramProcess, times: int) -> bool:
    return len([call for call in telegram.calls("sendMessage") if call["params"].get("chat_id") == READER]) >= times


async def work_offline(folder: Path, desk: Desk) -> None:
    """A digest without any model server: the worker loads a sentence encoder for it."""
    async with open_bench(folder, "SQLite", model_url="") as bench:
        bench.installation.environment["DIGEST_LLM__PROVIDER"] = "offline"
        bench.installation.start_worker("worker")
        await until(lambda: _are_there(bench), "the worker")
        worker, samples = bench.installation.python_of("worker"), []
        order = ("digest", WARM_UP, "--period", PERIOD, "--no-deliver", "--wait")
        making = asyncio.create_task(asyncio.to_thread(bench.installation.pipeline, *order))
        while not making.done():
            samples.append(worker.memory_info().rss)
            await asyncio.sleep(LOOK_EVERY_S)
        await making
        desk.offline_workers.append(Weight("SQLite", [*samples, worker.memory_info().rss]))


async def _are_there(bench: Bench) -> bool:
    return await bench.rows("SELECT count(*) FROM workers") == [(1,)]
