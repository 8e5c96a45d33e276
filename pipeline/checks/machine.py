"""What is right and wrong with the settings, the database, the disk, Redis and the clock."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from math import ceil

from pipeline.checks.finding import Finding, Findings, Parameter, fault, fine, skipped, warning
from pipeline.checks.seen import BrokerRefusal, BrokerSeen, Room
from storage.records import DatabaseLook

OLDEST_REDIS = 7
NEARLY_FULL = 0.9
MIB = 1024 * 1024
LEAST_FREE_BYTES = 200 * MIB
FEW_FREE_BYTES = 1024 * MIB
MOST_SKEW = timedelta(seconds=5)


def of_settings(wrong: Sequence[str], *, has_admin_token: bool, operators: int, open_file: str = "") -> Findings:
    """`wrong` are whole sentences, each about a setting that cannot be used; others may read the secrets in
    `open_file`."""
    found = [fault("health.settings.wrong", sentence=sentence) for sentence in wrong]
    if not has_admin_token:
        found.append(fault("health.settings.no_admin_token"))
    if not operators:
        found.append(warning("health.settings.no_operators"))
    if open_file:
        found.append(warning("health.settings.open_file", file=open_file))
    return found or [fine("health.settings.fine", operators=operators)]


def of_database(look: DatabaseLook) -> Findings:
    if look.unreachable is not None:
        return [fault("health.database.away", place=look.place, why=look.unreachable)]
    if not look.exists and look.unwritable:
        return [fault("health.database.cannot_be_made", place=look.place, why=look.unwritable)]
    if not look.exists:
        return [fault("health.database.not_there", place=look.place)]
    found = [*_of_schema(look)]
    if look.unwritable:
        found.append(fault("health.database.not_written", place=look.place, why=look.unwritable))
    return found or [fine("health.database.fine", place=look.place, schema=look.head)]


def _of_schema(look: DatabaseLook) -> Findings:
    if look.revision is None:
        return [fault("health.database.empty", place=look.place)]
    if not look.is_known:
        return [fault("health.database.newer", schema=look.revision, head=look.head)]
    if look.revision != look.head:
        return [fault("health.database.behind", schema=look.revision, head=look.head)]
    return []


def of_rooms(rooms: Collection[Room]) -> Findings:
    found: list[Finding] = []
    for room in rooms:
        params: dict[str, Parameter] = {"folder": room.folder, "free": room.free_bytes // MIB}
        if room.free_bytes < LEAST_FREE_BYTES:
            found.append(fault("health.disk.full", **params, least=LEAST_FREE_BYTES // MIB))
        elif room.free_bytes < FEW_FREE_BYTES:
            found.append(warning("health.disk.filling", **params))
    if found or not rooms:
        return found
    least = min(rooms, key=lambda room: room.free_bytes)
    return [fine("health.disk.fine", folder=least.folder, free=least.free_bytes // MIB)]


def of_broker(seen: BrokerSeen, installation: str | None) -> Findings:
    """`installation` is our own name; None: it is not known."""
    found: list[Finding] = []
    if seen.product == "Redis" and _major(seen.version) < OLDEST_REDIS:
        found.append(fault("health.redis.old", version=seen.version))
    if seen.is_replica:
        found.append(fault("health.redis.replica"))
    if seen.write_error:
        found.append(fault("health.redis.cannot_save"))
    if not seen.is_append_only:
        found.append(fault("health.redis.forgets"))
    if seen.policy != "noeviction":
        found.append(fault("health.redis.evicts", policy=seen.policy))
    if seen.most_bytes and seen.used_bytes > NEARLY_FULL * seen.most_bytes:
        found.append(warning("health.redis.nearly_full", used=seen.used_bytes // MIB, most=seen.most_bytes // MIB))
    if seen.installation is not None and installation is not None and seen.installation != installation:
        found.append(fault("installation.foreign_redis"))
    version = f"{seen.product} {seen.version}"
    return found or [fine("health.redis.fine", version=version, took=seen.took_ms, used=seen.used_bytes // MIB)]


def of_broker_refusal(why: BrokerRefusal) -> Findings:
    if why is BrokerRefusal.PASSWORD:
        return [fault("health.redis.password")]
    return [fault("health.redis.loading")]


def of_clocks(ahead: Mapping[str, timedelta]) -> Findings:
    """By how much this machine's clock is ahead of those of others, by their names."""
    if not ahead:
        return [skipped("health.clock.nobody")]
    found: list[Finding] = []
    for name, skew in ahead.items():
        if skew > MOST_SKEW:
            found.append(fault("health.clock.ahead", skew=skew, other=name))
        elif skew < -MOST_SKEW:
            found.append(fault("health.clock.behind", skew=-skew, other=name))
    worst = max(abs(skew.total_seconds()) for skew in ahead.values())
    return found or [fine("health.clock.fine", others=", ".join(ahead), most=max(1, ceil(worst)))]


def _major(version: str) -> int:
    number = version.partition(".")[0]
    return int(number) if number.isdecimal() else 0
