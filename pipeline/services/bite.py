"""One bite of a delivery: a few seconds of one lane, in waves of a few messages.

A wave takes its parcels (`sending`, committed), sends them, and saves what came of it. What is not saved stays
`sending`, and is in doubt as soon as somebody else takes the lane: it is never sent again by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy.exc import SQLAlchemyError

from pipeline.errors import (
    BrokerUnavailable,
    MessageRefused,
    Migrated,
    Retryable,
    TokenRefused,
    Uncertain,
    Unreachable,
)
from pipeline.fault_points import reach
from pipeline.meter import Fate, Limited
from pipeline.ports import LONGEST_RESERVATION_S, Courier
from pipeline.services.advancing import end_delivery, fail_run
from pipeline.services.saving import save_patiently
from pipeline.stages.delivery import SAME_REFUSALS, WAVE, trouble_wait_s
from pipeline.stages.outcomes import Called, fates, is_in_vain, outcome_of, pause_s
from pipeline.stages.topics import without
from pipeline.toolbox import Toolbox
from storage import deliveries, delivery_progress, doubts, operators, public_bots, runs, subscribers, work
from storage.deliveries import Due
from storage.records import Digest, Failure, Parcel, Unreached, Work
from storage.work import LostClaim
from texts import Texts

log = logging.getLogger(__name__)

BITE_S = 5.0
SHORT_WAIT_S = 2.0
FINISH_WAVE_S = 10.0
SHOW_EVERY_S = 1.0
TOKEN_REFUSED = "bots.token_refused"  # noqa: S105 - a message id
CALLS_IN_VAIN = 3
AFTER_BROKER_LOSS = timedelta(seconds=5)
AFTER_TOKEN_REFUSED = timedelta(seconds=60)
WHILE_BOT_IS_PAUSED = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Rest:
    """The lane has more to send, from `until` on; `why` is told where it is a trouble."""

    until: datetime
    why: str = ""
    is_trouble: bool = False


@dataclass(frozen=True, slots=True)
class Sender:
    """In whose name is sent, with which token (encrypted), and how."""

    public_bot_id: int
    token_encrypted: str = field(repr=False)
    courier: Courier


class Bite:
    """Sends what a lane has, for a few seconds at most. After a trouble it tries with one message first."""

    def __init__(self, tools: Toolbox, claimed: Work, lane: int, digest: Digest, sender: Sender) -> None:
        self._tools = tools
        self._claimed = claimed
        self._lane = lane
        self._digest = digest
        self._sender = sender
        self._bot_id = sender.public_bot_id
        self._in_vain = 0
        self._is_probing = claimed.retries > 0
        self._shown_at = 0.0
        self._messages: dict[tuple[str, ...], list[dict[str, object]]] = {}

    async def run(self) -> Rest | None:
        """When to go on; None: the lane is done.

        Raises:
            LostClaim: the run was cancelled, or somebody else has the lane.
        """
        await self._doubt_what_was_left()
        ends_at = time.monotonic() + BITE_S
        while True:
            due = await self._due()
            if due.next_at is None:
                return None
            if time.monotonic() >= ends_at:
                return Rest(max(due.next_at, self._tools.now()))
            rest = await (self._wait_for(due.next_at) if due.number == 0 else self._send_when_permitted(due.number))
            if rest is not None:
                return rest

    async def _due(self) -> Due:
        async with self._tools.database.read() as session:
            most = 1 if self._is_probing else WAVE
            return await deliveries.due(session, self._digest.id, self._lane, self._tools.now(), most)

    async def _wait_for(self, due_at: datetime) -> Rest | None:
        wait_s = (due_at - self._tools.now()).total_seconds()
        if wait_s > SHORT_WAIT_S:
            return Rest(due_at)
        await asyncio.sleep(max(wait_s, 0.01))
        return None

    async def _send_when_permitted(self, number: int) -> Rest | None:
        try:
            wait_s = await self._tools.limiter.reserve(self._bot_id, number)
        except BrokerUnavailable as error:
            return Rest(self._tools.now() + AFTER_BROKER_LOSS, f"Redis cannot be reached ({error})", is_trouble=True)
        self._tools.meter.waited(Limited.TELEGRAM, wait_s)
        if wait_s > LONGEST_RESERVATION_S:
            return Rest(self._tools.now() + timedelta(seconds=wait_s))
        await asyncio.sleep(wait_s)
        return await self._whole_wave(number)

    async def _whole_wave(self, number: int) -> Rest | None:
        """A stop waits for the answers that are under way: what is known of a message is worth those seconds."""
        wave = asyncio.ensure_future(self._wave(number))
        try:
            return await asyncio.shield(wave)
        except asyncio.CancelledError:
            await asyncio.wait([wave], timeout=FINISH_WAVE_S)
            wave.cancel()
            with contextlib.suppress(asyncio.CancelledError, LostClaim, SQLAlchemyError):
                await wave
            raise

    async def _wave(self, number: int) -> Rest | None:
        taken = await self._take(number)
        if isinstance(taken, Rest):
            return taken
        if (left_s := await self._pause_left_s()) > 0:
            return await self._put_back(taken, left_s)
        reach("delivery.marked")
        called = await asyncio.gather(*(self._call(parcel) for parcel in taken))
        reach("delivery.answered")
        await self._save_whatever_happens(called)
        return await self._after(called)

    async def _take(self, number: int) -> Sequence[Parcel] | Rest:
        now = self._tools.now()
        async with self._tools.database.write() as session:
            gate = await deliveries.gate(session, self._claimed)
            if gate is None:
                raise LostClaim(f"lane {self._lane} of run {self._claimed.run_id}")
            if gate.is_run_paused:
                return Rest(now)
            if gate.is_bot_paused:
                return Rest(now + WHILE_BOT_IS_PAUSED)
            if gate.token_fault == TOKEN_REFUSED:
                return Rest(now + AFTER_TOKEN_REFUSED)
            if gate.parked_until is not None and gate.parked_until > now:
                return Rest(gate.parked_until)
            return await deliveries.take(session, self._digest.id, self._lane, now, number)

    async def _pause_left_s(self) -> float:
        """Somebody may have been told to wait while this wave was taken."""
        try:
            return await self._tools.limiter.pause_left_s(self._bot_id)
        except BrokerUnavailable:
            return 0.0

    async def _put_back(self, taken: Sequence[Parcel], left_s: float) -> Rest:
        until = self._tools.now() + timedelta(seconds=left_s)
        async with self._tools.database.write() as session:
            await runs.hold(session, self._claimed.run_id)
            await deliveries.put_back(session, taken, self._tools.now())
        return Rest(until)

    async def _call(self, parcel: Parcel) -> Called:
        error: Exception | None = None
        message_id: int | None = None
        messages = self._parts(parcel.left_out)
        parts = len(messages)
        try:
            message_id = await self._sender.courier.send(parcel.chat_id, **messages[parcel.part])
        except Retryable as later:
            error = later
            if later.after_s is not None:
                await self._pause(later.after_s)
        except (Uncertain, Unreachable, Migrated, MessageRefused, TokenRefused) as known:
            error = known
        except Exception as bug:
            log.exception("Nobody knows whether part %d of digest %d arrived.", parcel.part + 1, parcel.digest_id)
            error = bug
        interval_s = self._tools.settings.delivery.per_chat_interval_s
        return Called(outcome_of(parcel, parts, message_id, error, self._tools.now(), interval_s), error)

    async def _save_whatever_happens(self, called: Sequence[Called]) -> None:
        """What is known is lost with this process: a database that is away is waited for."""
        await save_patiently(f"The fate of {len(called)} messages", lambda: self._save(called))
        self._tools.meter.sent(self._digest.bot_slug, fates(called))

    async def _save(self, called: Sequence[Called]) -> None:
        now = self._tools.now()
        async with self._tools.database.write() as session:
            await runs.hold(session, self._claimed.run_id)
            await deliveries.save(session, [one.outcome for one in called])
            for one in called:
                chat_id = one.outcome.parcel.chat_id
                match one.error:
                    case Unreachable() if one.error.why.retires:
                        await subscribers.retire(session, self._bot_id, chat_id, one.error.why, now)
                    case Migrated():
                        await subscribers.move(session, chat_id, one.error.chat_id, now)
                    case TokenRefused():
                        await public_bots.set_token_fault(
                            session, self._bot_id, TOKEN_REFUSED, self._sender.token_encrypted
                        )
                        await operators.report(session, TOKEN_REFUSED, now, public_bot_id=self._bot_id)
            if asked_s := pause_s(called):
                await public_bots.park(session, self._bot_id, now + timedelta(seconds=asked_s))
            if time.monotonic() - self._shown_at >= SHOW_EVERY_S:
                self._shown_at = time.monotonic()
                await runs.touch(session, self._claimed.run_id)

    async def _after(self, called: Sequence[Called]) -> Rest | None:
        """Whether and how long the lane rests after these calls."""
        now = self._tools.now()
        errors = [one.error for one in called if one.error is not None]
        refused = next((str(error) for error in errors if isinstance(error, MessageRefused)), None)
        refused = refused or await self._same_refusal(errors)
        if refused is not None:
            await self._halt(refused)
            return Rest(now)
        if any(isinstance(error, TokenRefused) for error in errors):
            return Rest(now + AFTER_TOKEN_REFUSED)
        if asked_s := pause_s(called):
            return Rest(now + timedelta(seconds=asked_s))
        if len(errors) < len(called) or not all(is_in_vain(error) for error in errors):
            self._in_vain, self._is_probing = 0, False
            return None
        self._in_vain += len(errors)
        if self._in_vain < CALLS_IN_VAIN and not self._is_probing:
            return None
        wait = timedelta(seconds=trouble_wait_s(self._claimed.retries + 1))
        return Rest(now + wait, str(errors[-1]), is_trouble=True)

    async def _pause(self, seconds: float) -> None:
        """At once, for all who send in this bot's name; the row, which outlives Redis, is written with the outcome."""
        log.warning("Telegram tells public bot %d to wait %.0f s.", self._bot_id, seconds)
        try:
            await self._tools.limiter.pause(self._bot_id, seconds)
        except BrokerUnavailable as error:
            log.warning("The pause of public bot %d is in the database alone (%s).", self._bot_id, error)

    async def _same_refusal(self, errors: Sequence[Exception]) -> str | None:
        """What Telegram says to everybody alike is about the message, whatever the words."""
        said = [str(error) for error in errors if isinstance(error, Unreachable) and error.why is Unreached.REFUSED]
        if not said:
            return None
        async with self._tools.database.read() as session:
            found = await delivery_progress.progress(session, [self._claimed.run_id])
        progress = found[self._claimed.run_id]
        refused = (progress.reasons or {}).get(Unreached.REFUSED, 0)
        return said[-1] if progress.delivered == 0 and refused >= SAME_REFUSALS else None

    async def _halt(self, reason: str) -> None:
        """Telegram refuses the message itself: nobody else is bothered with it."""
        log.error("The delivery ends: %s", reason)
        now = self._tools.now()
        async with self._tools.database.write() as session:
            await runs.hold(session, self._claimed.run_id)
            await end_delivery(session, self._claimed.run_id, Unreached.HALTED, now)
            failure = Failure("delivery.message_refused", {"reason": reason})
            await fail_run(session, self._claimed.run_id, failure, now)

    async def _doubt_what_was_left(self) -> None:
        """What the lane's former owner had on its way when it lost the lane."""
        async with self._tools.database.read() as session:
            if not await doubts.on_the_way(session, self._digest.id, self._lane):
                return
        async with self._tools.database.write() as session:
            await runs.hold(session, self._claimed.run_id)
            if not await work.still_mine(session, self._claimed):
                raise LostClaim(f"lane {self._lane} of run {self._claimed.run_id}")
            lost = await doubts.doubt_lane(session, self._digest.id, self._lane, self._tools.now())
            await runs.touch(session, self._claimed.run_id)
        self._tools.meter.sent(self._digest.bot_slug, {Fate.UNCERTAIN: lost})
        log.warning("Nobody knows whether %d messages arrived.", lost)

    def _parts(self, left_out: tuple[str, ...]) -> list[dict[str, object]]:
        from pipeline.stages.rendering import render_digest

        if left_out not in self._messages:
            messages = render_digest(without(self._digest, left_out), Texts(self._digest.language))
            self._messages[left_out] = [message.as_kwargs() for message in messages]
        return self._messages[left_out]
