"""`python -m pipeline doctor` as a person or a script runs it: what it prints, where, and with which exit code."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from settings import HOME
from tests.doctor.ward import SECRETS, Ward
from tests.faults.leaks import leaks


@asynccontextmanager
async def at_work(ward: Ward) -> AsyncIterator[None]:
    """The worker gives its signs of life meanwhile."""

    async def beat() -> None:
        while True:
            await ward.work()
            await asyncio.sleep(0.5)

    beating = asyncio.create_task(beat())
    yield
    beating.cancel()
    await asyncio.gather(beating, return_exceptions=True)


async def run(ward: Ward, **variables: str) -> tuple[int, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("DIGEST_")}
    own = {f"DIGEST_{name}": value for name, value in (ward.variables | variables).items()}
    command = [sys.executable, "-m", "pipeline", "doctor"]
    async with at_work(ward):
        done = await asyncio.to_thread(
            subprocess.run, command, cwd=HOME, env=clean | own, capture_output=True, text=True, timeout=60, check=False
        )
    assert done.stderr == ""
    assert not leaks(SECRETS, {"stdout": done.stdout.encode()})
    return done.returncode, done.stdout


async def test_its_exit_code_says_how_it_went(ward: Ward) -> None:
    ward.variables["LLM__TIMEOUT_S"] = "20"  # the machine may be busy
    code, well = await run(ward)
    assert code == 0, well
    assert "✗" not in well

    code, broken = await run(ward, REDIS__URL="redis://127.0.0.1:1/0")
    assert code == 1
    (line,) = [line for line in broken.splitlines() if line.startswith("✗")]
    assert line.startswith("✗ Redis: it cannot be reached (")
    assert line.endswith("Start it with scripts/start_redis.sh, or correct redis.url.")

    code, unusable = await run(ward, DIGEST__BATCH_SIZE="many")
    assert code == 2
    assert "✗ Settings: The setting digest.batch_size in the environment (DIGEST_DIGEST__BATCH_SIZE)" in unusable
    assert "every queue is served" in unusable, "it goes on with what can be checked"
