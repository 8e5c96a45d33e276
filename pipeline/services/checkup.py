"""Everything that is checked of an installation, and with what."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy.exc import SQLAlchemyError

from pipeline.checks import desk as desk_checks
from pipeline.checks import machine, outside
from pipeline.checks.finding import Findings, Subject, fault, fine, skipped
from pipeline.checks.seen import AccountSeen, BrokerRefused, DeskSeen
from pipeline.errors import BatchRefused, BrokerUnavailable, ForPeople, Retryable
from pipeline.instruments import Instruments
from pipeline.services import clocks, desk_look
from pipeline.services.examining import Check, Examination
from pipeline.services.overview import alive
from pipeline.services.tokens import ask_public_bots
from pipeline.toolbox import Provider
from storage.looking import look
from storage.records import DatabaseLook

T = TypeVar("T")


def examine(instruments: Instruments) -> Examination:
    """Begin a check-up; whoever does closes it."""
    checkup = Checkup(instruments)
    return Examination(checkup.checks(), checkup.close)


class Checkup:
    """The checks, and what several of them look at but once."""

    def __init__(self, instruments: Instruments) -> None:
        self._with = instruments
        self._shared: dict[str, asyncio.Task[Any]] = {}

    def checks(self) -> tuple[Check, ...]:
        """In the order in which they are told."""
        found = [
            (Subject.SETTINGS, 5.0, self._settings),
            (Subject.DATABASE, 8.0, self._database),
            (Subject.DISK, 5.0, self._disk),
            (Subject.REDIS, 5.0, self._broker),
            (Subject.WORKERS, 10.0, self._workers),
            (Subject.QUEUES, 10.0, self._queues),
            (Subject.TICK, 10.0, self._tick),
            (Subject.BOT, 10.0, self._bot),
            *((_subject(provider), 20.0, self._asker(provider)) for provider in self._with.providers),
            (Subject.TELEGRAM, 20.0, self._telegram),
            (Subject.PUBLIC_BOTS, 40.0, self._public_bots),
            (Subject.SCHEDULES, 10.0, self._schedules),
            (Subject.DELIVERIES, 10.0, self._deliveries),
            (Subject.CLOCK, 8.0, self._clock),
        ]
        return tuple(Check(subject, min(within_s, self._with.longest_s), look) for subject, within_s, look in found)

    async def close(self) -> None:
        for task in self._shared.values():
            task.cancel()
        await asyncio.gather(*self._shared.values(), return_exceptions=True)

    async def _settings(self) -> Findings:
        operators = len(self._with.settings.telegram.operator_ids)
        return machine.of_settings(
            self._with.wrong_settings,
            has_admin_token=self._admin_token() != "",
            operators=operators,
            open_file=self._with.open_file,
        )

    async def _database(self) -> Findings:
        seen = await self._database_seen()
        return machine.of_database(seen) if seen is not None else [skipped("health.database.no_url")]

    async def _disk(self) -> Findings:
        folders = {_nearest(self._with.folder)}
        if self._with.url is not None and self._with.url.get_backend_name() == "sqlite":
            folders.add(_nearest(Path(self._with.url.database or "").parent))
        return machine.of_rooms([await asyncio.to_thread(self._with.room, folder) for folder in sorted(folders)])

    async def _broker(self) -> Findings:
        if self._with.broker is None:
            is_local = self._with.settings.engine.mode == "local"
            return [skipped("health.redis.not_needed" if is_local else "health.redis.no_url")]
        try:
            seen = await self._with.broker.look()
        except BrokerUnavailable as error:
            return [fault("health.redis.away", why=str(error))]
        except BrokerRefused as refused:
            return machine.of_broker_refusal(refused.why)
        desk = await self._desk_seen()
        return machine.of_broker(seen, desk.installation if desk else None)

    async def _workers(self) -> Findings:
        is_local = self._with.settings.engine.mode == "local"
        return await self._of_desk(
            lambda desk: desk_checks.of_workers(
                desk, [worker for worker in desk.workers if alive(worker, desk.now)], is_local=is_local
            )
        )

    async def _queues(self) -> Findings:
        depths = None
        if self._with.broker is not None:
            try:
                depths = await self._with.broker.depths()
            except (BrokerUnavailable, BrokerRefused):
                depths = None
        return await self._of_desk(lambda desk: desk_checks.of_queues(desk, depths))

    async def _tick(self) -> Findings:
        return await self._of_desk(desk_checks.of_tick)

    async def _bot(self) -> Findings:
        has_token = self._admin_token() != ""
        return await self._of_desk(lambda desk: desk_checks.of_bot(desk, has_admin_token=has_token))

    def _asker(self, provider: Provider) -> Callable[[], Awaitable[Findings]]:
        return lambda: self._ask(provider)

    async def _ask(self, provider: Provider) -> Findings:
        """One call, past the gate: a provider that is closed to everybody is what one wants to know of."""
        model, started = provider.model, time.monotonic()
        if model.provider == "offline":
            return [fine("health.model.offline", model=model.name)]
        if provider.missing_key:
            return [fault("health.model.no_key", model=model.name, variable=provider.missing_key)]
        try:
            await model.probe()
        except ForPeople as error:
            return [fault(error.message_id, **error.params)]
        except Retryable as error:
            return outside.of_model_that_fails(model.name, error.reason)
        except BatchRefused:
            pass  # it has an answer, if not the one that was asked for
        took_ms = round((time.monotonic() - started) * 1000)
        desk = await self._desk_seen()
        return outside.of_model_that_works(model.name, took_ms, desk.blocked.get(model.name) if desk else None)

    async def _telegram(self) -> Findings:
        token = self._admin_token()
        return (
            outside.of_admin_bot(await self._with.http.look(token)) if token else [skipped("health.telegram.no_token")]
        )

    async def _public_bots(self) -> Findings:
        desk = await self._desk_seen()
        if desk is None:
            return [skipped("health.no_rows")]
        seen: dict[str, AccountSeen] = {}
        within_s = max(1.0, min(40.0, self._with.longest_s) - 1.0)
        asked = await ask_public_bots(desk.tokens, self._with.decrypt, self._with.http, seen, within_s)
        unasked = asked.askable - len(seen)
        return outside.of_public_bots(seen, asked.unreadable, unasked, desk.paused_tokens)

    async def _schedules(self) -> Findings:
        return await self._of_desk(desk_checks.of_schedules)

    async def _deliveries(self) -> Findings:
        return await self._of_desk(desk_checks.of_deliveries)

    async def _clock(self) -> Findings:
        return machine.of_clocks(await clocks.compare(self._with))

    def _admin_token(self) -> str:
        """Empty: there is none."""
        token = self._with.settings.telegram.admin_token
        return token.get_secret_value() if token is not None else ""

    async def _of_desk(self, verdict: Callable[[DeskSeen], Findings]) -> Findings:
        desk = await self._desk_seen()
        return verdict(desk) if desk is not None else [skipped("health.no_rows")]

    async def _database_seen(self) -> DatabaseLook | None:
        url, database = self._with.url, self._with.database
        if url is None or database is None:
            return None
        return await self._once("database", lambda: look(url, database))

    async def _desk_seen(self) -> DeskSeen | None:
        """None: the rows cannot be read."""
        database, seen = self._with.database, await self._database_seen()
        if database is None or seen is None or not seen.is_current:
            return None
        models = {provider.model.name for provider in self._with.providers}
        try:
            return await self._once("desk", lambda: desk_look.look(database, models, self._with.now()))
        except SQLAlchemyError:
            return None

    async def _once(self, name: str, question: Callable[[], Awaitable[T]]) -> T:
        """The answer to a question that several checks have and one asks; one that waits no longer stops no other."""
        if name not in self._shared:
            self._shared[name] = asyncio.ensure_future(question())
        answer: T = await asyncio.shield(self._shared[name])
        return answer


def _subject(provider: Provider) -> Subject:
    return Subject.FALLBACK if provider.is_fallback else Subject.MODEL


def _nearest(folder: Path) -> Path:
    """The folder itself, or the nearest one above it that is there."""
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    return folder
