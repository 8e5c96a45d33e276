"""What is right and wrong with what others run: the model's provider and Telegram."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pipeline.checks.finding import Finding, Findings, fault, fine, skipped, warning
from pipeline.checks.seen import AccountSeen, AccountState
from storage.records import Failure

MOST_NAMED = 8


def of_model_that_works(model: str, took_ms: int, blocked: Failure | None) -> Findings:
    """It has answered. `blocked` is why runs wait for it all the same, until they find out."""
    if blocked is not None:
        return [warning("health.model.still_blocked", model=model)]
    return [fine("health.model.fine", model=model, took=took_ms)]


def of_model_that_fails(model: str, reason: str) -> Findings:
    """It may work later."""
    return [fault("health.model.away", model=model, reason=reason)]


def of_admin_bot(seen: AccountSeen) -> Findings:
    match seen.state:
        case AccountState.REFUSED:
            return [fault("health.telegram.refused")]
        case AccountState.TOLD_TO_WAIT:
            return [warning("health.telegram.told_to_wait")]
        case AccountState.AWAY:
            return [fault("health.telegram.away", why=seen.why)]
    if seen.has_webhook:
        return [fault("health.telegram.webhook", username=seen.username)]
    return [fine("health.telegram.fine", username=seen.username)]


def of_public_bots(seen: Mapping[str, AccountSeen], unreadable: Sequence[str], unasked: int, paused: int) -> Findings:
    """What Telegram says of each public bot, by slug; the tokens of `unreadable` ones cannot be decrypted."""
    found: list[Finding] = []
    if unreadable:
        found.append(fault("bots.secret_key_lost"))
    refused = [slug for slug, one in seen.items() if one.state is AccountState.REFUSED]
    hooked = [slug for slug, one in seen.items() if one.has_webhook]
    found += [fault("health.public_bots.refused", slug=slug) for slug in refused[:MOST_NAMED]]
    found += [fault("health.public_bots.webhook", slug=slug) for slug in hooked[:MOST_NAMED]]
    more = max(0, len(refused) - MOST_NAMED) + max(0, len(hooked) - MOST_NAMED)
    if more:
        found.append(fault("health.public_bots.more", number=more))
    silent = [slug for slug, one in seen.items() if one.state in {AccountState.AWAY, AccountState.TOLD_TO_WAIT}]
    if len(silent) + unasked:
        found.append(warning("health.public_bots.unasked", number=len(silent) + unasked))
    if found:
        return found
    if not seen:
        return [skipped("health.public_bots.none", paused=paused)]
    return [fine("health.public_bots.fine", number=len(seen), paused=paused)]
