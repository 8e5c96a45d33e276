"""Who may look at Flower: DIGEST_FLOWER_USER and DIGEST_FLOWER_PASSWORD of the environment or .env, else a password
that is made once and kept in a file for its owner."""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from settings import HOME, BadSettings, environment_value

USER = "DIGEST_FLOWER_USER"
PASSWORD = "DIGEST_FLOWER_PASSWORD"  # noqa: S105 - the variable's name
SAFE_LENGTH = 24  # bytes of randomness


@dataclass(frozen=True)
class FlowerLogin:
    """`found_in` says in words where a person finds the password."""

    user: str
    password: str = field(repr=False)
    found_in: str


def flower_login(password_file: Path) -> FlowerLogin:
    """The login of this installation; its password is made at the first call where nobody has set one.

    Raises:
        BadSettings: the user or the password cannot be sent by a browser, or the file is empty.
    """
    user = environment_value(USER) or "digest"
    if not user.isascii() or ":" in user:
        raise BadSettings(f"{USER} cannot be used: write a name of ASCII characters without a colon.")
    if password := environment_value(PASSWORD):
        if not password.isascii():
            raise BadSettings(f"{PASSWORD} cannot be used: write a password of ASCII characters.")
        return FlowerLogin(user, password, PASSWORD)
    return FlowerLogin(user, _kept_password(password_file), str(_shown(password_file)))


def _kept_password(file: Path) -> str:
    if not file.exists():
        _make_password(file)
    password = file.read_text().strip()
    if not password:
        raise BadSettings(f"{_shown(file)} is empty: remove it and a new password is made, or set {PASSWORD}.")
    return password


def _make_password(file: Path) -> None:
    """Written aside and then linked, so that of several at once one wins and none reads half a password."""
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor, draft = tempfile.mkstemp(prefix=file.stem, dir=file.parent)  # readable by its owner only
    with os.fdopen(descriptor, "w") as draft_file:
        draft_file.write(secrets.token_urlsafe(SAFE_LENGTH) + "\n")
    with contextlib.suppress(FileExistsError):
        os.link(draft, file)
    Path(draft).unlink()


def _shown(file: Path) -> Path:
    return file.relative_to(HOME) if file.is_relative_to(HOME) else file
