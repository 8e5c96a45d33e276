"""`doctor`: what is right and wrong with this installation, a line for each, and what to do."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from datetime import timedelta

from pipeline.checks.finding import SIGNS, Finding, Findings, Subject, in_words, is_faulty, name_of
from pipeline.examination import examination
from pipeline.logs import configure_logging
from pipeline.services.examining import Examination
from pipeline.usable_settings import UsableSettings, usable_settings
from texts import Texts

ALL_FINE, FAULTY, WRONG_SETTINGS = 0, 1, 2
TEXTS = Texts("en")


def run(options: argparse.Namespace) -> int:
    """0: nothing is wrong, though there may be warnings. 1: something is. 2: the settings are."""
    usable = usable_settings()
    configure_logging(usable.settings, quiet=True)
    return asyncio.run(_run(usable, options))


async def _run(usable: UsableSettings, options: argparse.Namespace) -> int:
    async with examination(usable.settings, usable.wrong, usable.unknown) as begun:
        found = await _told(begun, is_json=options.json)
    if options.json:
        sys.stdout.write(as_json(found) + "\n")
    if any(one.message_id == "health.settings.wrong" for one in found[Subject.SETTINGS]):
        return WRONG_SETTINGS
    return FAULTY if any(is_faulty(findings) for findings in found.values()) else ALL_FINE


async def _told(begun: Examination, *, is_json: bool) -> Mapping[Subject, Findings]:
    """Everything that was found; in words, each line as soon as those before it are known."""
    found = {}
    for subject in begun.subjects:
        found[subject] = await begun.of(subject)
        if not is_json:
            sys.stdout.write("".join(f"{line}\n" for line in as_lines(subject, found[subject])))
            sys.stdout.flush()
    return found


def as_lines(subject: Subject, findings: Findings) -> Sequence[str]:
    return [f"{SIGNS[one.mark]} {name_of(subject, TEXTS)}: {_one_line(one)}" for one in findings]


def as_json(found: Mapping[Subject, Findings]) -> str:
    checks = [_object(subject, one) for subject, findings in found.items() for one in findings]
    is_fine = not any(is_faulty(findings) for findings in found.values())
    return json.dumps({"fine": is_fine, "checks": checks}, ensure_ascii=False, indent=2)


def _object(subject: Subject, finding: Finding) -> dict[str, object]:
    params = {
        name: value.total_seconds() if isinstance(value, timedelta) else value for name, value in finding.params.items()
    }
    return {
        "check": subject.value,
        "mark": finding.mark.value,
        "said": _one_line(finding),
        "id": finding.message_id,
        "params": params,
    }


def _one_line(finding: Finding) -> str:
    return " ".join(in_words(finding, TEXTS).split())
