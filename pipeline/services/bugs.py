"""Errors that nobody expected, told to the operators with the id that finds them in the log."""

from __future__ import annotations

from pipeline.toolbox import Toolbox
from storage import operators


async def report_bug(
    tools: Toolbox, message_id: str, error_id: str, *, public_bot_id: int | None = None, run_id: int | None = None
) -> None:
    """Let the operators know, once an hour at most for the same public bot and run."""
    async with tools.database.write() as session:
        await operators.report(
            session, message_id, tools.now(), public_bot_id=public_bot_id, run_id=run_id, params={"id": error_id}
        )
