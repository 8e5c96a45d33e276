"""Links: which may be shown, what Telegram makes a link of by itself, and links that open a bot.

https://core.telegram.org/bots/api#messageentity names what is recognised in a text without markup.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit

from pipeline.stages.folding import latin
from pipeline.stages.plain_text import printable

# Of what is written like a domain, only what ends so passes for a web site: Node.js and main.py do not.
_SITE = re.compile(
    r"(?:.+\.)?(?:com|org|net|info|biz|io|ai|me|tv|gg|ly|cc|co|eu|ru|su|by|kz|ua|uk|us|de|fr|be|cn|in|app|dev|gov|edu|news"
    r"|online|site|link|xyz|top|shop|club|store|click|live|pro|bank|finance|tech|space|website|fun|vip"
    r"|рф|рус|москва|онлайн|сайт)(?::\d+)?"
)
_CYRILLIC_ENDINGS = "рф|рус|москва|дети|онлайн|сайт|орг|ком|бел|укр|срб|қаз"
_END = r"[^\s<>\"«»()\[\]]"
_LINK = re.compile(
    rf"[a-z][a-z0-9+.-]{{0,20}}://{_END}+"
    rf"|www\.{_END}+"
    r"|(?<![\w@.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
    r"|(?<![\w@/])@[a-z]\w{2,}"
    rf"|(?<![\w@.-])(?:[\w-]+\.)+(?:[a-z]{{2,24}}|xn--[a-z0-9-]+|{_CYRILLIC_ENDINGS})(?![\w-]|\.\w)(?:[/?#:]{_END}*)?"
    r"|(?<![\w/<>])/[a-z][a-z0-9_]{0,63}(?:@\w+)?(?![\w/<>])",
    re.IGNORECASE,
)
_TRAILING = ".,;:!?…'’*_"
_APART = re.compile(r"(?<=[\w-])(?:\s*[\[({]\s*(?:\.|dot|точка)\s*[\])}]\s*|\s+\.\s*(?=\w{2,}\b)|\s+(?:dot|точка)\s+)")
_SCHEME_APART = re.compile(r"\b(hxxps?|https?|tg)\s*:\s*/\s*/\s*", re.IGNORECASE)
_CYRILLIC = re.compile(r"[\u0400-\u052f\W\d_]*")  # no other letters
_NOT_IN_A_LINK = re.compile(r"[\s\\]")
_HOST = re.compile(r"(?:[^\W_]|[-_.])+|[0-9a-f:.]*:[0-9a-f:.]*")
_FALSE = "…"


def start_link(username: str, payload: str) -> str:
    """Opens a chat with a bot, whose /start then has the payload: https://core.telegram.org/bots/features#deep-linking"""
    return f"https://t.me/{username}?start={payload}"


def safe_link(url: str | None) -> str | None:
    """The url where it is http or https, leads where it seems to lead, and nothing in it hides; else None.

    A host whose letters could be taken for others comes in its technical form (xn--…); a name and a password in front
    of the host are refused.
    """
    if not url or _NOT_IN_A_LINK.search(url) or printable(url) != url:
        return None
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not host or "@" in parts.netloc or not _HOST.fullmatch(host):
        return None
    honest = _honest(host)
    if honest is None or honest == host:
        return url if honest else None
    return urlunsplit(parts._replace(netloc=honest if port is None else f"{honest}:{port}"))


def host_of(url: str) -> str:
    """Whom a link leads to, without "www."."""
    return bare(url).split("/", 1)[0]


def links_in(text: str) -> list[str]:
    """What Telegram would make a link of in a text, or a reader could take for one, as written: addresses, domains,
    @names and /commands. Look-alike letters and "name [.] com" count too."""
    found = _written(text)
    known = {bare(link) for link in found}
    together = _SCHEME_APART.sub(r"\1://", _APART.sub(".", text))
    words = set(together.split())
    disguised = {word for word in words if _mixes_alphabets(word)} | (words - set(text.split()))
    return found + [link for word in sorted(disguised) for link in _written(latin(word)) if bare(link) not in known]


def without_links(text: str) -> str:
    """The text with a space for every link."""
    return _LINK.sub(" ", text)


def bare(link: str) -> str:
    """The link in a form in which the same ones are equal: without scheme, "www." and the case of its letters."""
    link = link.rstrip(_TRAILING).lower()
    return link.split("://", 1)[-1].removeprefix("www.").rstrip("/")


def defused(text: str) -> str:
    """The text without what would become a link to something else than a web page or to another one than it seems: an
    ellipsis for such an address, a /command without its slash. @names and e-mail addresses stay."""
    return _LINK.sub(lambda match: _defused(match.group()), text)


def shows_another_host(text: str, url: str) -> bool:
    """Whether a text that is to lead to `url` shows an address of somebody else."""
    return any(_is_site(link) and host_of(link) != host_of(url) for link in links_in(text))


def _is_site(link: str) -> bool:
    return "@" not in link and _SITE.fullmatch(host_of(link)) is not None


def _written(text: str) -> list[str]:
    return [link for match in _LINK.finditer(text) if (link := match.group().rstrip(_TRAILING))]


def _defused(written: str) -> str:
    if written.startswith("/"):
        return written[1:]
    link = written.rstrip(_TRAILING)
    if "@" in link and "/" not in link:
        return written
    address = link if "://" in link else f"https://{link}"
    honest = safe_link(address)
    if honest is None:
        return _FALSE
    return written if honest == address else honest + written[len(link) :]


def _honest(host: str) -> str | None:
    """The host, in its technical form if it could pass for another one; None where it cannot be a host."""
    if host.isascii():
        return host
    if len({alphabet for alphabet in _alphabets(host) if alphabet}) == 1:
        return host
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError:
        return None


def _mixes_alphabets(word: str) -> bool:
    return not (word.isascii() or _CYRILLIC.fullmatch(word)) and len(set(_alphabets(word))) > 1


def _alphabets(word: str) -> Iterator[str]:
    """The alphabet of each of its letters."""
    for char in word:
        if char.isascii():
            if char.isalpha():
                yield "LATIN"
        elif char.isalpha():
            yield unicodedata.name(char, "?").split()[0]
