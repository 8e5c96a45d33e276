"""A question to whoever sits at the terminal."""

from __future__ import annotations

import asyncio
import sys


async def agreed(question: str) -> bool:
    """Whether they say yes; no where nobody sits there. The loop goes on meanwhile, so that Ctrl-C is heard at once."""
    if not sys.stdin.isatty():
        return False
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    loop, has_answered = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(sys.stdin, has_answered.set)
    try:
        await has_answered.wait()
    finally:
        loop.remove_reader(sys.stdin)
    return sys.stdin.readline().strip().lower() in ("y", "yes")
