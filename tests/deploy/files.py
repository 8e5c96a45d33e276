"""The files in deploy/, read as the programs that use them read them."""

from __future__ import annotations

import fnmatch
import re
import shutil
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from dotenv import dotenv_values

from settings import HOME

DEPLOY = HOME / "deploy"
OUR_IMAGE = "digest-bot:"

_VARIABLE = re.compile(r"\$(?:(?P<escaped>\$)|\{(?P<name>\w+)(?P<rest>[^}]*)\}|(?P<bare>.))")


@cache
def compose() -> Mapping[str, Any]:
    loaded: Mapping[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return loaded


def services() -> Mapping[str, Any]:
    found: Mapping[str, Any] = compose()["services"]
    return found


def programs() -> Mapping[str, Any]:
    """The services that run our image."""
    return {name: service for name, service in services().items() if str(service["image"]).startswith(OUR_IMAGE)}


def variables(value: Any) -> Iterator[tuple[str, str]]:
    """The variables that Compose fills in: name, and what stands behind it, such as `:?` or `:-local`."""
    for text in strings(value):
        for found in _VARIABLE.finditer(text):
            assert not found["bare"], f"Compose takes the $ in {text!r} for a variable: write $$"
            if found["name"]:
                yield found["name"], found["rest"]


def strings(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case Mapping():
            for one in value.values():
                yield from strings(one)
        case list():
            for one in value:
                yield from strings(one)


def filled_in(text: str, environment: Mapping[str, str]) -> str:
    """A text of compose.yaml as Compose hands it on."""

    def value(found: re.Match[str]) -> str:
        return "$" if found["escaped"] else environment[found["name"]] or found["rest"].removeprefix(":-")

    return _VARIABLE.sub(value, text)


def example_env() -> Mapping[str, str]:
    return {name: value or "" for name, value in dotenv_values(DEPLOY / "example.env", interpolate=False).items()}


def dockerfile() -> list[tuple[str, str]]:
    """Its instructions: word and rest, with continued lines joined."""
    text = "\n".join(line for line in (DEPLOY / "Dockerfile").read_text().splitlines() if not line.startswith("#"))
    joined = re.sub(r"\\\n\s*", "", text)
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in joined.splitlines() if line)]


def image_environment() -> dict[str, str]:
    """What the image's ENV says."""
    return dict(pair.split("=", 1) for word, rest in dockerfile() if word == "ENV" for pair in rest.split())


def build_context(target: Path) -> None:
    """Copy what `docker build` is sent, by .dockerignore: the last pattern that fits a file or its folder decides."""
    patterns = [line for line in (HOME / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    for file in _files_of(HOME):
        name = file.relative_to(HOME).as_posix()
        is_left_out = False
        for pattern in patterns:
            if _fits(name, pattern.removeprefix("!")):
                is_left_out = not pattern.startswith("!")
        if not is_left_out:
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, target / name)


def _files_of(folder: Path) -> Iterator[Path]:
    skipped = {".git", ".venv", "var"}  # large, and left out: test_the_image_gets_no_secrets_and_no_history
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            if entry.name not in skipped:
                yield from _files_of(entry)
        elif entry.is_file():
            yield entry


def _fits(name: str, pattern: str) -> bool:
    parts = name.split("/")
    if pattern.startswith("**/"):
        return any(fnmatch.fnmatchcase(part, pattern[3:]) for part in parts)
    return any(fnmatch.fnmatchcase("/".join(parts[:length]), pattern) for length in range(1, len(parts) + 1))
