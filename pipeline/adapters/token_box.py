"""The public bots' tokens at rest: encrypted with security.secret_key, or with a key made in var/secret.key."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import tempfile
from pathlib import Path

from pipeline.errors import ForPeople
from settings import HOME, SecuritySettings

KEY_FILE = HOME / "var" / "secret.key"


class TokenBox:
    """Encrypts and decrypts tokens (Fernet: AES-128-CBC with HMAC-SHA256)."""

    def __init__(self, secret: str) -> None:
        from cryptography.fernet import Fernet

        self._fernet = Fernet(base64.urlsafe_b64encode(hashlib.sha256(secret.encode()).digest()))

    def encrypt(self, token: str) -> str:
        return self._fernet.encrypt(token.encode()).decode()

    def decrypt(self, encrypted: str) -> str:
        """The token.

        Raises:
            ForPeople: it was encrypted with another key.
        """
        from cryptography.fernet import InvalidToken

        try:
            return self._fernet.decrypt(encrypted.encode()).decode()
        except InvalidToken:
            raise ForPeople("bots.secret_key_lost") from None


def open_token_box(security: SecuritySettings, key_file: Path = KEY_FILE, *, make_key: bool = True) -> TokenBox:
    """The box of this installation; its key is made at the first call where the settings have none.

    `make_key` False is for who only decrypts: a new key would fit nothing.

    Raises:
        ForPeople: the file that holds the key is empty or cannot be read, or is gone and no new one is to be made.
    """
    if security.secret_key is not None and security.secret_key.get_secret_value():
        return TokenBox(security.secret_key.get_secret_value())
    if make_key and not key_file.exists():
        _make_key(key_file)
    try:
        key = key_file.read_text().strip()
    except (OSError, UnicodeDecodeError):
        raise ForPeople("bots.secret_key_lost") from None
    if not key:
        raise ForPeople("bots.secret_key_lost")
    return TokenBox(key)


def _make_key(key_file: Path) -> None:
    """Written aside and then linked, so that of several at once one wins and none reads half a key."""
    from cryptography.fernet import Fernet

    key_file.parent.mkdir(parents=True, exist_ok=True)
    descriptor, draft = tempfile.mkstemp(prefix=key_file.stem, dir=key_file.parent)  # readable by its owner only
    with os.fdopen(descriptor, "wb") as file:
        file.write(Fernet.generate_key())
    with contextlib.suppress(FileExistsError):
        os.link(draft, key_file)
    Path(draft).unlink()
