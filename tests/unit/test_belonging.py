"""A summary that is about another post is found out; one in another language is left in peace."""

from __future__ import annotations

import pytest

from pipeline.stages.belonging import is_of_another

TRAM = "Городской совет закупит десять новых трамваев для северной линии, первые вагоны придут весной."
OAK = "В парке упал старый дуб, дорожки закрыты, лесники уберут его до пятницы."
TRAM_AGAIN = "Совет города покупает десять трамваев: вагоны для северной линии появятся весной, сообщила мэрия."


@pytest.mark.parametrize(
    ("summary", "own", "others", "is_foreign"),
    [
        ("Совет купит трамваи для северной линии, вагоны придут весной", TRAM, [OAK], False),
        ("Совет купит трамваи для северной линии, вагоны придут весной", OAK, [TRAM], True),
        ("The city council will buy ten new trams", TRAM, [OAK], False),
        ("The city council will buy ten new trams", OAK, [TRAM], False),
        ("Совет купит трамваи для северной линии, вагоны придут весной", TRAM, [TRAM_AGAIN, OAK], False),
        ("", TRAM, [OAK], False),
        ("Дуб", TRAM, [OAK], False),
        ("Что угодно", TRAM, [], False),
    ],
)
def test_whose_summary_it_is(summary: str, own: str, others: list[str], is_foreign: bool) -> None:
    assert is_of_another(summary, own, others) is is_foreign
