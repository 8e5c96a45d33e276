"""The settings as far as they can be used, for whoever is asked what is wrong with them."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsError,
    TomlConfigSettingsSource,
)

from settings import (
    HOME,
    PREFIX,
    BadSettings,
    Settings,
    no_file_sentence,
    read_env,
    refuse_unknown_tables,
    settings_path,
    wrong_setting_sentence,
)

WITH_PLACES = ("database", "redis")


class _OnlyGiven(Settings):
    """Nothing but what it is made with, and the defaults."""

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, *_: Any, **__: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


@dataclass(frozen=True)
class UsableSettings:
    """`settings` are all that can be used, with the defaults for the others; `wrong` has a sentence for each of these.

    `unknown` are the tables of `WITH_PLACES` whose `url` is not the one that was meant.
    """

    settings: Settings
    wrong: tuple[str, ...]
    unknown: frozenset[str]


def usable_settings(env_file: Path = HOME / ".env") -> UsableSettings:
    wrong, unknown = list[str](), set[str]()
    try:
        read_env(env_file)
    except BadSettings as error:
        wrong.append(str(error))
        unknown.update(table for table in WITH_PLACES if f"{PREFIX}{table.upper()}__URL" not in os.environ)
        env_file = Path(os.devnull)
    try:
        refuse_unknown_tables({**read_env(env_file), **os.environ})
    except BadSettings as error:
        wrong.append(str(error))
    path, known = settings_path(env_file), len(wrong)
    values = _read(path, env_file, wrong)
    if len(wrong) > known:
        unknown.update(table for table in WITH_PLACES if "url" not in values.get(table, {}))
    while True:
        try:
            return UsableSettings(_OnlyGiven(**values), tuple(dict.fromkeys(wrong)), frozenset(unknown))
        except ValidationError as error:
            for one in error.errors(include_input=False, include_url=False):
                wrong.append(wrong_setting_sentence(one, path))
                unknown.update(table for table in WITH_PLACES if one["loc"] in {(table,), (table, "url")})
                _drop(values, one["loc"])


def _read(path: Path, env_file: Path, wrong: list[str]) -> dict[str, Any]:
    """What stands in the file, in .env and in the environment, which wins; what cannot be read at all is left out."""
    sources: list[tuple[str, Callable[[], Mapping[str, Any]]]] = [
        (str(path), lambda: TomlConfigSettingsSource(_OnlyGiven, path)()),
        (str(env_file), lambda: DotEnvSettingsSource(_OnlyGiven, env_file, env_file_encoding="utf-8-sig")()),
        ("the environment", lambda: EnvSettingsSource(_OnlyGiven)()),
    ]
    values: dict[str, Any] = {}
    if not path.is_file():
        wrong.append(no_file_sentence(path))
        sources = sources[1:]
    for name, read in sources:
        try:
            values = _merged(values, read())
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            wrong.append(f"{name} is not valid TOML: {error}.")
        except SettingsError as error:
            wrong.append(f"A setting in {name} cannot be read: {error}.")
    return values


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Both, table by table; what stands in `above` wins."""
    both = dict(below)
    for key, value in above.items():
        under = both.get(key)
        both[key] = _merged(under, value) if isinstance(under, dict) and isinstance(value, dict) else value
    return both


def _drop(values: dict[str, Any], place: tuple[int | str, ...]) -> None:
    """Take out the setting that stands there, or the nearest thing around it that can be taken out."""
    table = values
    for part in place[:-1]:
        inner = table.get(str(part))
        if not isinstance(inner, dict):
            table.pop(str(part), None)
            return
        table = inner
    table.pop(str(place[-1]), None)
