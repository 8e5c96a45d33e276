"""Noticing that the database's schema was changed by another version while this process runs."""

from __future__ import annotations

import logging

from pipeline.toolbox import Toolbox
from storage import schema

log = logging.getLogger(__name__)


class SchemaWatch:
    """Says once in the log that another schema has come, and goes on: a step forward adds and takes nothing away, so
    this version still works, see docs/deployment.md. Who deploys sees which processes are still to be started anew."""

    def __init__(self, tools: Toolbox) -> None:
        self._tools = tools
        self._said: str | None = schema.known_revisions()[-1]

    async def look(self) -> None:
        async with self._tools.database.read() as session:
            there = await schema.revision_in(session)
        if there != self._said:
            log.warning(
                "The database has schema %s now, this version works with %s: another version has been started. "
                "Start this process again with it.",
                there,
                schema.known_revisions()[-1],
            )
            self._said = there
