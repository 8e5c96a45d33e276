"""How much a post matters, from its text and two similarities, on a scale that no other post has a part in.

1  not worth a reader's time: an advertisement, a giveaway, a greeting, chatter, nothing but a call to subscribe
2  fits its category but says little: vague, a question, a list of links, an opinion
3  ordinary news: one thing happened, with the usual details
4  notable: fits its category well and is dense with facts, or reports a weighty event
5  the reader must know: all of that at once
"""

from __future__ import annotations

import re

from pipeline.stages.faithfulness import count_facts

NOT_WORTH_IT = 1

# Fit is the cosine of a post and the closest descriptions of its category: 0.10 is chance, 0.30 a textbook case.
_POOR_FIT, _GOOD_FIT = 0.12, 0.30

# The more words of a salesman a post has, the less it must resemble an advertisement to be one.
_JUNK_ALONE, _JUNK_WITH_CUE, _JUNK_WITH_CUES = 0.42, 0.28, 0.22
_CUES_ENOUGH = 3
_CLEARLY = 0.08
_LOOKED_AT_CHARS = 700
_CHATTER_CHARS = 30

_CERTAIN_AD = re.compile(
    r"\berid\b|промокод|promo ?code|#реклама|#ad\b|#sponsored|реклама\.\s|рекламодател|на правах рекламы"
    r"|sponsored (?:post|by)"
    r"|розыгрыш\w*(?=.{0,200}(?:приз|услови|участ|подпи|побед))|\bразыгрываем\b|\bразыграем\b|\bgiveaway\b"
    r"|use (?:the )?code\b",
    re.IGNORECASE | re.DOTALL,
)
_AD_CUES = re.compile(
    r"скидк\w*|купит[ье]\b|закаж\w+|заказать|оформи(?:те|ть)?\b|зарегистрир(?:уйтесь|уйся)|регистрируй\w+"
    r"|регистрация по ссылке"
    r"|записывай\w+|запишитесь|успей(?:те)?|спеши(?:те)?|только сегодня|только до|бесплатн\w+|по ссылке|выгодн\w+"
    r"|акци[яи] |кэшбэк\w*"
    r"|вебинар\w*|мастер-класс\w*|приглаша(?:ем|ет)|предлагаем|забирай\w*|жми\w*|пробн\w+ (?:урок|период)"
    r"|рассрочк\w*|подпиш\w+|лайк"
    r"|выиграй\w*|подар(?:ок|ки|ком)|переходи\w*|наши[мх]? (?:клиент|партн|курс|магазин)\w*"
    r"|discounts?|\d+ ?% off|buy now|order (?:now|today)|sign up|register (?:now|today|here)|limited (?:time|offer)"
    r"|hurry|free trial"
    r"|don.t miss|link in (?:bio|the description)|click (?:here|the link)|best price|special offer|win a\b|follow us"
    r"|subscribe|for free"
    r"|shop now|enrol+ (?:now|today)|our (?:store|shop|course|webinar|customers)",
    re.IGNORECASE,
)
_URGENT = re.compile(
    r"[⚡❗‼🚨]|\bсрочно\b|\bмолния\b|\bэкстренн\w+|\bbreaking\b|\burgent\b|\bjust in\b", re.IGNORECASE
)
_WEIGHTY = re.compile(
    r"погиб\w*|убит\w*|ранен\w*|пострада\w*|взрыв\w*|теракт\w*|катастроф\w*|землетрясени\w*|эвакуир\w*|чрезвычайн\w*"
    r"|аварийн\w*"
    r"|войн\w*|военно\w* положени\w*|президент\w*|правительств\w*|закон\w*|запрет\w*|санкци\w*|отстав\w*|приговор\w*"
    r"|арест\w*|обвин\w*"
    r"|впервые|рекорд\w*|крупнейш\w*|историческ\w*|прорыв\w*|обвал\w*|банкрот\w*|ключев\w+ ставк\w*|инфляци\w*"
    r"|уязвимост\w*|утечк\w*"
    r"|сбо[йяе]\w*|выпустил\w*|представил\w*|запустил\w*|открыл\w*|вышел|вышла|победил\w*|чемпион\w*|куп(?:ит|ил)\w*"
    r"|сделк\w*"
    r"|killed|dead|deaths?|injured|explosion|attack\w*|earthquake|disaster|emergency|evacuat\w*|war\b|president"
    r"|government|law\b|bans?\b"
    r"|banned|sanctions|resign\w*|sentenced|arrest\w*|charged|first(?: ever)?|records?\b|largest|historic"
    r"|breakthrough|crash\w*"
    r"|bankrupt\w*|interest rate|inflation|vulnerabilit\w*|breach|outage|releas\w*|launch\w*|unveil\w*|discover\w*"
    r"|wins?\b|won\b"
    r"|champion\w*|acquir\w*|deal\b",
    re.IGNORECASE,
)
_NAME = re.compile(r"(?<=[a-zа-яё,«\"] )[A-ZА-ЯЁ«][\w«»-]+")
_VAGUE = re.compile(
    r"\?\s*$|^(?:как |почему |зачем |топ-?\d*|подборка|дайджест|опрос|мнение|how |why |top \d|\d+ (?:ways|things"
    r"|reasons|tips|правил|совет))",
    re.IGNORECASE,
)


def is_marked_advertisement(text: str) -> bool:
    """Whether a post says of itself that it is paid for, a giveaway or a promotion. `text` is the whole post."""
    return _CERTAIN_AD.search(text) is not None


def is_promotion(text: str, junk: float, fit: float) -> bool:
    """Whether a post wants something of the reader instead of telling something.

    Args:
        text: the post without its channel's footer.
        junk: similarity to advertisements, giveaways, greetings and chatter, -1 to 1.
        fit: similarity to its category, -1 to 1.
    """
    cues = len({cue.lower()[:5] for cue in _AD_CUES.findall(text)})
    lead = junk - fit
    return (
        (junk >= _JUNK_ALONE and lead > _CLEARLY)
        or (cues >= 1 and junk >= _JUNK_WITH_CUE and lead > _CLEARLY)
        or (cues >= 2 and junk >= _JUNK_WITH_CUES and lead > 0)
        or (cues >= _CUES_ENOUGH and lead > 0)
    )


def importance(text: str, fit: float) -> int:
    """1 to 5 on the scale of this module, for a post that is no promotion; arguments as for `is_promotion`."""
    if len(text) < _CHATTER_CHARS and not count_facts(text) and not _WEIGHTY.search(text):
        return NOT_WORTH_IT
    head = text[:_LOOKED_AT_CHARS]
    lead = head.split("\n", 1)[0]
    weight = 1.9
    weight += min(max((fit - _POOR_FIT) / (_GOOD_FIT - _POOR_FIT), 0.0), 1.0)
    weight += 0.15 * min(count_facts(head), 4)
    weight += 0.1 * min(len(set(_NAME.findall(head))), 4)
    weight += 0.3 * min(len({word.lower() for word in _WEIGHTY.findall(head)}), 3)
    weight += 0.4 * bool(_URGENT.search(head))
    weight -= 0.8 * bool(_VAGUE.search(lead))
    return min(max(round(weight), NOT_WORTH_IT + 1), 5)
