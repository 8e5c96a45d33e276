"""A digest for the command line and for files: plain text, a small HTML page, JSON. Nothing here knows Telegram."""

from __future__ import annotations

import json
import textwrap
from html import escape

from pipeline.stages.links import defused, host_of, safe_link, shows_another_host
from pipeline.stages.plain_text import one_line, paragraph
from storage.records import Digest, DigestItem, DigestSection
from texts import Texts

INDENT = "  "
STYLE = (
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem}"
    "h1{margin-bottom:0}h2{margin-top:2rem}h3{font-size:1rem;margin:1.2rem 0 0}p{margin:0}"
    ".small{color:#666;font-size:.9rem}"
)


def as_text(digest: Digest, texts: Texts, width: int = 100, note: str | None = None) -> str:
    """The digest for a terminal, in lines of at most `width` characters; only links and single words may be longer."""
    title = one_line(digest.title) or digest.bot_slug
    blocks = [f"{_wrapped(title, width)}\n{_period(digest, texts)}"]
    blocks += [_text_section(section, width) for section in digest.sections]
    if not digest.items:
        blocks.append(_wrapped(_nothing(digest, texts), width))
    if note:
        blocks.append(_wrapped(one_line(note), width))
    return "\n\n".join(blocks) + "\n"


def as_html(digest: Digest, texts: Texts, note: str | None = None) -> str:
    """The digest as one complete page without scripts and outside resources."""
    title = escape(one_line(digest.title) or digest.bot_slug)
    body = [f"<h1>{title}</h1>", f'<p class="small">{escape(_period(digest, texts))}</p>']
    for section in digest.sections:
        body.append(f"<h2>{escape(one_line(section.category))}</h2>")
        body += [_html_item(item) for item in section.items]
    if not digest.items:
        body.append(f"<p>{escape(_nothing(digest, texts))}</p>")
    if note:
        body.append(f'<p class="small"><em>{escape(one_line(note))}</em></p>')
    return "\n".join(
        [
            "<!doctype html>",
            f'<html lang="{escape(texts.language)}">',
            '<head><meta charset="utf-8"><meta name="viewport" content="width=device-width">',
            f"<title>{title}</title><style>{STYLE}</style></head>",
            "<body>",
            *body,
            "</body>",
            "</html>\n",
        ]
    )


def as_json(digest: Digest) -> str:
    """The digest as a JSON object; times are ISO 8601 with their offset, a link that is not http(s) is null."""
    sections = [
        {
            "category": one_line(section.category),
            "items": [
                {
                    "post_id": item.post_id,
                    "headline": defused(one_line(item.headline)),
                    "text": defused(paragraph(item.text)),
                    "url": safe_link(item.url),
                    "source": one_line(item.source_title),
                }
                for item in section.items
            ],
        }
        for section in digest.sections
    ]
    content = {
        "bot": digest.bot_slug,
        "run_id": digest.run_id,
        "title": one_line(digest.title),
        "language": digest.language,
        "timezone": digest.timezone,
        "period": {"start": digest.period.start.isoformat(), "end": digest.period.end.isoformat()},
        "sections": sections,
    }
    return json.dumps(content, ensure_ascii=False, indent=2)


def _nothing(digest: Digest, texts: Texts) -> str:
    return texts.get("digest.quiet") if digest.is_quiet else texts.get("digest.nothing")


def _period(digest: Digest, texts: Texts) -> str:
    return texts.period(digest.period.start, digest.period.end, digest.timezone)


def _text_section(section: DigestSection, width: int) -> str:
    category = one_line(section.category)
    heading = f"{category}\n{'─' * min(len(category), width)}"
    return "\n\n".join([heading, *(_text_item(item, width) for item in section.items)])


def _text_item(item: DigestItem, width: int) -> str:
    headline, summary = defused(one_line(item.headline)), defused(paragraph(item.text))
    origin = " · ".join(part for part in (one_line(item.source_title), safe_link(item.url)) if part)
    lines = [part for part in (headline, summary if summary != headline else "", origin) if part]
    wrapped = "\n".join(_wrapped(line, width, INDENT) for part in lines for line in part.split("\n"))
    return "•" + wrapped[1:]


def _wrapped(text: str, width: int, indent: str = "") -> str:
    return textwrap.fill(
        text,
        width,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
        replace_whitespace=False,
    )


def _html_item(item: DigestItem) -> str:
    headline, summary = defused(one_line(item.headline)), defused(paragraph(item.text))
    url = safe_link(item.url)
    lines = [f"<h3>{_html_linked(headline, url)}</h3>"] if headline else []
    if summary and summary != headline:
        lines.append(f"<p>{escape(summary).replace(chr(10), '<br>')}</p>")
    if source := one_line(item.source_title):
        lines.append(f'<p class="small">{_html_source(source, url)}</p>')
    return "\n".join(lines)


def _html_linked(text: str, url: str | None) -> str:
    return _html_link(text, url) if url and not shows_another_host(text, url) else escape(text)


def _html_source(title: str, url: str | None) -> str:
    if url and shows_another_host(title, url):
        return f"{escape(title)} ({_html_link(host_of(url), url)})"
    return _html_linked(title, url)


def _html_link(text: str, url: str) -> str:
    return f'<a href="{escape(url)}" rel="noopener noreferrer">{escape(text)}</a>'
