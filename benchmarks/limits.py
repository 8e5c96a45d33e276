"""How much of a provider's limit is used, and whether it is kept: python -m benchmarks.limits

Two real workers with their Redis against a model server that enforces 300 requests and 60,000 tokens in any minute and
answers 429 to what is more. Counted are whole minutes, from the second on. Writes its section of docs/performance.md;
with --quick, one minute, to the screen alone.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks.report import machine_facts, paragraph, publish, table
from tests.engines.test_both_engines import PERIOD, store_posts
from tests.processes import Installation
from tests.servers.model_limits import EnforcedLimits
from tests.servers.model_server import ModelServer
from tests.servers.redis_server import RedisServer
from tests.servers.threads import ServerThread

REQUESTS, TOKENS, WINDOW_S = 300, 60_000, 60.0


@dataclass(frozen=True)
class Measured:
    """The share of the tighter limit that was used, calls let in and refused, and those refused after a minute."""

    share: float
    let_in: int
    refused: int
    refused_later: int


def measure(folder: Path, minutes: int) -> Measured:
    """Keep two workers busy for a minute to warm up and for so many more that count."""
    limits = EnforcedLimits(REQUESTS, TOKENS)
    model = ModelServer(latency_s=0.3)
    model.behaviour = limits
    redis = RedisServer(folder / "redis")
    redis.start()
    with ExitStack() as stack:
        stack.callback(redis.stop)
        stack.enter_context(ServerThread(model.start, model.stop))
        installation = Installation(
            folder,
            DIGEST_REDIS__URL=redis.url,
            DIGEST_LLM__BASE_URL=model.base_url,
            DIGEST_LLM__REQUESTS_PER_MINUTE=str(REQUESTS),
            DIGEST_LLM__TOKENS_PER_MINUTE=str(TOKENS),
        )
        stack.callback(installation.stop_all)
        installation.start_worker("one", "--concurrency", "16")
        installation.start_worker("two", "--concurrency", "16")
        slug = store_posts(installation, 600 * (minutes + 2))
        installation.pipeline("digest", slug, "--period", PERIOD, "--no-deliver")
        while not limits.let_in:
            time.sleep(0.05)
        began = limits.let_in[0][0]
        end = began + WINDOW_S * (minutes + 1)
        time.sleep(max(0.0, end - time.monotonic()))
        later = [at for at in limits.refused_at if at > began + WINDOW_S]
        share = limits.used(began + WINDOW_S, end)
        return Measured(share, len(limits.let_in), len(limits.refused_at), len(later))


def section(found: Measured, minutes: int) -> str:
    """The section of docs/performance.md."""
    setting = (
        f"`python -m benchmarks.limits` on {machine_facts(('celery', 'redis'))}. Two workers against a model server "
        f"that lets {REQUESTS} requests and {TOKENS:,} tokens in within any minute; {minutes} minutes, after one to "
        f"warm up."
    )
    rows = [
        ("used of the tighter limit", f"{found.share:.1%}"),
        ("calls let in", f"{found.let_in:,}"),
        ("calls refused with 429", f"{found.refused}, after the first minute {found.refused_later}"),
    ]
    return "\n\n".join(["## A provider's limits", paragraph(setting), table(("measure", "found"), rows)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="one minute, written nowhere")
    options = parser.parse_args()
    minutes = 1 if options.quick else options.minutes
    with tempfile.TemporaryDirectory() as temporary:
        text = section(measure(Path(temporary), minutes), minutes)
    print(text)
    if not options.quick:
        publish("limits", text, [])


if __name__ == "__main__":
    main()
