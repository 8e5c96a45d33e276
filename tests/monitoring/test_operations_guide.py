"""docs/operations.md leads to what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipeline.cli import main
from settings import HOME

GUIDE = HOME / "docs" / "operations.md"
TEXT = GUIDE.read_text()
IMAGE_BYTES = 200_000


def anchors(file: Path) -> set[str]:
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.+)$", file.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\(([^)]+)\)", TEXT))))
def test_a_link_leads_somewhere(target: str) -> None:
    name, _, anchor = target.partition("#")
    file = GUIDE.parent / name if name else GUIDE
    assert file.is_file()
    assert not anchor or anchor in anchors(file)


@pytest.mark.parametrize("name", sorted(set(re.findall(r"\(images/([^)]+)\)", TEXT))))
def test_a_picture_is_one_and_not_heavy(name: str) -> None:
    picture = (GUIDE.parent / "images" / name).read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert len(picture) < IMAGE_BYTES


@pytest.mark.parametrize("script", sorted(set(re.findall(r"(?:scripts/|\./)\w+\.sh", TEXT))))
def test_a_script_is_there(script: str) -> None:
    assert (HOME / script).is_file()


@pytest.mark.parametrize("command", sorted(set(re.findall(r"python -m pipeline ([a-z-]+)", TEXT))))
def test_a_command_is_there(command: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
