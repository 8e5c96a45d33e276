"""Telegram Desktop writes control characters as \\xNN, which JSON does not have."""

from __future__ import annotations

import io
import json

import pytest

from pipeline.sources.escapes import EscapeRepair, RepairedFile

CASES = {
    rb'"a\x0bc"': "a\x0bc",
    rb'"\x1F\x7f\xA0"': "\x1f\x7f\xa0",
    rb'"C:\\x41"': "C:\\x41",
    rb'"\\\x41"': "\\A",
    rb'"\\\\x41 \" \n \u0416"': '\\\\x41 " \n Ж',
    rb'"no escapes at all"': "no escapes at all",
    '"Ж \\x0b Ж"'.encode(): "Ж \x0b Ж",
}


def repaired_in_pieces(data: bytes, sizes: list[int]) -> bytes:
    repair, pieces, start = EscapeRepair(), [], 0
    for size in sizes:
        pieces.append(repair.feed(data[start : start + size]))
        start += size
    return b"".join([*pieces, repair.feed(data[start:]), repair.finish()])


@pytest.mark.parametrize(("written", "meant"), CASES.items())
def test_an_escape_means_the_character_of_that_number(written: bytes, meant: str) -> None:
    assert json.loads(repaired_in_pieces(written, [])) == meant


@pytest.mark.parametrize(("written", "meant"), CASES.items())
def test_it_does_not_matter_where_the_stream_is_cut(written: bytes, meant: str) -> None:
    for first in range(len(written)):
        for second in range(len(written) - first):
            assert json.loads(repaired_in_pieces(written, [first, second])) == meant


def test_a_file_read_byte_by_byte_ends_only_at_its_end() -> None:
    written = rb'["\x0b\\\\", "\\x41"]'
    file = RepairedFile(io.BytesIO(written))
    pieces = list(iter(lambda: file.read(1), b""))
    assert json.loads(b"".join(pieces)) == ["\x0b\\\\", "\\x41"]


def test_what_is_no_escape_is_left_for_the_parser_to_refuse() -> None:
    assert repaired_in_pieces(rb'"\xZZ"', []) == rb'"\xZZ"'
    assert repaired_in_pieces(rb'"cut \x1', [3]) == rb'"cut \x1'


def test_a_byte_order_mark_is_not_part_of_the_text() -> None:
    assert RepairedFile(io.BytesIO(b"\xef\xbb\xbf[1]")).read(100) == b"[1]"
