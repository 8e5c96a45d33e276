"""docs/deployment.md and docs/operations.md name only files, settings, commands and chapters that there are."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import pytest

from pipeline.cli import _parser
from settings import HOME, Settings

DOCS = [HOME / "docs" / "deployment.md", HOME / "docs" / "operations.md"]


@pytest.fixture(params=DOCS, ids=lambda path: path.name)
def page(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


def anchors(page: Path) -> set[str]:
    """The chapters of a page, as links name them."""
    titles = re.findall(r"^#+ (.*)$", page.read_text(), flags=re.M)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", page.read_text()):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), target


def test_every_file_of_ours_that_is_named_exists(page: Path) -> None:
    for name in re.findall(r"(?<![\w/])((?:deploy|scripts|docs|benchmarks)/[\w./-]*\w)(?![\w*])", page.read_text()):
        if name != "deploy/.env":  # a person makes it
            assert (HOME / name).exists(), name


def test_every_unit_that_is_named_exists(page: Path) -> None:
    for name in re.findall(r"\bdigest(?:-\w+)?@?\w*\.(?:service|timer|target)\b", page.read_text()):
        assert (HOME / "deploy" / "systemd" / re.sub(r"@\w+", "@", name)).exists(), name


def test_every_setting_that_is_named_exists(page: Path) -> None:
    for table, key in re.findall(r"DIGEST_([A-Z]+)__([A-Z_]+)", page.read_text()):
        assert key.lower().partition("__")[0] in type(getattr(Settings(), table.lower())).model_fields, f"{table}.{key}"


def test_every_command_that_is_named_exists(page: Path) -> None:
    actions = next(one for one in _parser()._actions if isinstance(one, argparse._SubParsersAction))
    for name in re.findall(r"python -m pipeline ([a-z-]+)", page.read_text()):
        assert name in actions.choices, name
