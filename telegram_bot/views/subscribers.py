"""/subscribers: the readers of a public bot in numbers, and the links that invite more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from aiogram.types import InlineKeyboardMarkup
from aiogram.utils.formatting import Bold, Code, Text

from pipeline.stages.growth import sparkline
from pipeline.stages.links import start_link
from storage.records import Audience, ChatKind, Invitation, PublicBot, Survey, Unreached
from telegram_bot.callbacks import BotAction, ChooseBot, ExportReaders, NewInvitation
from telegram_bot.views.card_delivery import OTHERWISE, REASONS
from telegram_bot.views.choices import MAX_CHOICES
from telegram_bot.views.view import Node, View, buttons, lines, name, paragraphs
from texts import Texts

MAX_INVITATIONS = 15
KINDS: Mapping[str, tuple[ChatKind, ...]] = MappingProxyType(
    {
        "subscribers.people": (ChatKind.PRIVATE,),
        "subscribers.groups": (ChatKind.GROUP, ChatKind.SUPERGROUP),
        "subscribers.channels": (ChatKind.CHANNEL,),
    }
)


def render_whose_readers(bots: Sequence[PublicBot], *, texts: Texts) -> View:
    """Which bot is /subscribers for?"""
    rows = [
        [(name(bot.title) or bot.slug, ChooseBot(action=BotAction.READERS, bot_id=bot.id))]
        for bot in bots[:MAX_CHOICES]
    ]
    rest = texts.get("subscribers.other_bots") if len(bots) > MAX_CHOICES else None
    return View.of(paragraphs([texts.get("subscribers.choice"), rest]), buttons=buttons(rows))


def render_survey(survey: Survey, *, texts: Texts) -> View:
    """The numbers, the invitation links with what came of each, and buttons for a new one and for a table of all."""
    bot, audience = survey.bot, survey.audience
    heading = Bold(texts.get("subscribers.title", title=name(bot.title) or bot.slug))
    if not bot.has_token and not survey.invitations and not audience.reading:
        return View.of(lines([heading, texts.get("console.operators_only")]))
    return View.of(
        paragraphs([lines([heading, *_numbers(audience, texts)]), *_invitations(survey, texts)]),
        buttons=_buttons(survey, texts),
    )


def render_invitation(bot: PublicBot, invitation: Invitation, *, texts: Texts) -> View:
    """The link that an operator asked for, to be passed on."""
    title = name(bot.title) or bot.slug
    counts = {"came": texts.number(invitation.came), "reading": texts.number(invitation.reading)}
    return View.of(
        paragraphs(
            [
                texts.get("subscribers.link", title=title, origin=invitation.origin),
                _link(bot, invitation, texts),
                texts.get("subscribers.link_counts", **counts),
            ]
        )
    )


def _numbers(audience: Audience, texts: Texts) -> list[Node | None]:
    days = len(audience.growth)
    growth = {
        "chart": sparkline(audience.growth),
        "first": texts.number(audience.growth[0]),
        "last": texts.number(audience.growth[-1]),
    }
    return [
        _reading(audience, texts),
        *(
            texts.plural("subscribers.turnover", one.days, came=texts.number(one.came), went=texts.number(one.went))
            for one in audience.turnover
        ),
        texts.plural("subscribers.growth", days, **growth) if any(audience.growth) else None,
        texts.get("subscribers.languages", languages=_languages(audience, texts)) if audience.languages else None,
        texts.get("subscribers.gone", reasons=", ".join(_reasons(audience, texts))) if audience.gone else None,
        texts.plural("subscribers.offered", audience.offered) if audience.offered else None,
    ]


def _reading(audience: Audience, texts: Texts) -> str:
    if not audience.reading:
        return texts.get("subscribers.nobody")
    counted = {words: sum(audience.kinds.get(kind, 0) for kind in kinds) for words, kinds in KINDS.items()}
    kinds = ", ".join(texts.plural(words, number) for words, number in counted.items() if number)
    return texts.plural("subscribers.reading", audience.reading, kinds=kinds)


def _languages(audience: Audience, texts: Texts) -> str:
    return ", ".join(
        f"{texts.language_name(language)} {texts.number(number)}"
        for language, number in _most_first(audience.languages)
    )


def _reasons(audience: Audience, texts: Texts) -> list[str]:
    words = {**REASONS, Unreached.STOPPED: "subscribers.stopped"}
    return [texts.plural(words.get(reason, OTHERWISE), number) for reason, number in _most_first(audience.gone)]


def _most_first(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda one: (-one[1], one[0]))


def _invitations(survey: Survey, texts: Texts) -> list[Node]:
    if not survey.invitations:
        return [texts.get("subscribers.no_invitations", slug=survey.bot.slug)]
    newest = list(reversed(survey.invitations))
    rows: list[Node] = [_invitation(survey.bot, one, texts) for one in newest[:MAX_INVITATIONS]]
    if hidden := len(newest) - len(rows):
        rows.append(texts.plural("subscribers.more_invitations", hidden, slug=survey.bot.slug))
    return [lines([Bold(texts.get("subscribers.invitations")), *rows])]


def _invitation(bot: PublicBot, invitation: Invitation, texts: Texts) -> Node:
    counts = texts.get(
        "subscribers.invitation",
        origin=name(invitation.origin),
        came=texts.number(invitation.came),
        reading=texts.number(invitation.reading),
    )
    return Text(f"• {counts}\n", _link(bot, invitation, texts))


def _link(bot: PublicBot, invitation: Invitation, texts: Texts) -> Node:
    """As code, so that a tap copies it."""
    if bot.username is None:
        return texts.get("subscribers.no_link")
    return Code(start_link(bot.username, invitation.code))


def _buttons(survey: Survey, texts: Texts) -> InlineKeyboardMarkup:
    bot_id = survey.bot.id
    new = NewInvitation(bot_id=bot_id, number=len(survey.invitations) + 1)
    return buttons(
        [
            [
                (texts.get("button.new_invitation"), new),
                (texts.get("button.export_readers"), ExportReaders(bot_id=bot_id)),
            ]
        ]
    )
