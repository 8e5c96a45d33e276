"""Secrets that can be recognised in whatever form they leak."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

AROUND = 60


@dataclass(frozen=True)
class Secret:
    """`core` is the part of it that quoting in a URL, in JSON or by repr leaves as it is and that nothing else has."""

    name: str
    value: str
    core: str

    def __post_init__(self) -> None:
        assert self.core in self.value
        assert self.core.isalnum()
        assert len(self.core) >= 12

    def forms(self) -> frozenset[bytes]:
        """Its core as it is, in hexadecimal, and in base64, wherever in a longer text that begins."""
        core = self.core.encode()
        return frozenset({core, core.hex().encode(), *_in_base64(core)})


ADMIN = Secret("the admin token", "4242424242:AAE-Q7xAdminToken5e0c_of-the-desk-01", "Q7xAdminToken5e0c")
CITY = Secret("the token of a public bot", "7011111111:AAD-W4cCityToken9b2f_of-the-city-012", "W4cCityToken9b2f")
PARKS = Secret("the token of a refused bot", "7022222222:AAD-W4cParksToken3d1a_of-the-park-01", "W4cParksToken3d1a")
API_KEY = Secret("the model's key", 'sk-+/"Z8mModelKey71aa\\n&= end', "Z8mModelKey71aa")
PASSWORD = Secret("the password of Redis", 'p@ss/"K2rRedisPassword4f\\ +%', "K2rRedisPassword4f")
SECRET_KEY = Secret("the secret key", "V9sSecretKey66d1 'of the box'", "V9sSecretKey66d1")
FLOWER = Secret("the password of Flower", 'f&/"L5tFlowerPassword8a\\ +%', "L5tFlowerPassword8a")
SECRETS = (ADMIN, CITY, PARKS, API_KEY, PASSWORD, SECRET_KEY, FLOWER)


def leaks(secrets: Iterable[Secret], evidence: Mapping[str, bytes]) -> list[str]:
    """Where which secret is shown, with what stands around it."""
    return list(_found(secrets, evidence))


def _found(secrets: Iterable[Secret], evidence: Mapping[str, bytes]) -> Iterator[str]:
    for secret in secrets:
        for source, content in evidence.items():
            for form in secret.forms():
                place = content.find(form)
                if place >= 0:
                    yield f"{secret.name} in {source}: {content[max(place - AROUND, 0) : place + AROUND]!r}"


def _in_base64(core: bytes) -> Iterator[bytes]:
    """Three bytes become four characters, so that there are three ways to begin; both ends depend on the neighbours."""
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + core).rstrip(b"=")
        middle = encoded[4 if before else 0 : -4]
        yield middle
        yield middle.replace(b"+", b"-").replace(b"/", b"_")
