"""How often the offline provider finds the category that people gave: `python -m benchmarks.quality`.

The gold labels are the control tasks of IlyaGusev/tgcontest (news of 2019, Russian and English, eight labels). The
labels' descriptions are in quality_categories.toml. Nothing was fitted to the exam files.
"""

from __future__ import annotations

import asyncio
import csv
import os
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pipeline.adapters.offline_model import OfflineModel
from pipeline.ports import Brief, PostText
from storage.records import Category

HERE = Path(__file__).resolve().parent
LANGUAGES = ("ru", "en")
PARTS = ("training", "honey", "exam")
EXPECTED = 0.75
BATCH = 5


@dataclass(frozen=True, slots=True)
class Judged:
    language: str
    part: str
    gold: str
    found: str


def corpus() -> Path:
    """The folder of the labelled files: below DIGEST_TEST_CORPUS, else beside the repository."""
    root = os.environ.get("DIGEST_TEST_CORPUS") or HERE.parent.parent / "shared" / "data"
    return Path(root) / "labelled" / "tgcontest_categories"


def categories() -> tuple[Category, ...]:
    tables = tomllib.loads((HERE / "quality_categories.toml").read_text("utf-8"))["categories"]
    return tuple(Category(table["name"], tuple(table["descriptions"]), tuple(table["examples"])) for table in tables)


def labelled(folder: Path, language: str, part: str) -> list[tuple[str, str]]:
    """Pairs of a post (title and text) and its label."""
    with (folder / f"{language}_cat_{part}.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    return [(f"{row['INPUT:title']}\n{row['INPUT:text']}", row["GOLDEN:res"]) for row in rows]


async def judge(model: OfflineModel, brief: Brief, texts: Sequence[str]) -> list[str]:
    """The category of each text, asked in batches as a run asks; "(none)" where none fits."""
    found: list[str] = []
    for start in range(0, len(texts), BATCH):
        now = datetime.now(UTC)
        batch = [
            PostText(f"p{index}", text, "", now) for index, text in enumerate(texts[start : start + BATCH], start=1)
        ]
        answer = await model.categorize(brief, batch)
        found += [answer.items[post.key].category or "(none)" for post in batch]
    return found


async def measure(folder: Path) -> tuple[list[Judged], float]:
    """All posts judged, and the seconds that took without loading the encoder."""
    model = OfflineModel()
    judged: list[Judged] = []
    seconds = 0.0
    for language in LANGUAGES:
        brief = Brief(language, "", categories())
        await judge(model, brief, ["Warm-up, so that loading is not counted."])
        for part in PARTS:
            posts = labelled(folder, language, part)
            began = time.perf_counter()
            found = await judge(model, brief, [text for text, _ in posts])
            seconds += time.perf_counter() - began
            judged += [Judged(language, part, gold, name) for (_, gold), name in zip(posts, found, strict=True)]
    await model.close()
    return judged, seconds


def accuracy(judged: Sequence[Judged]) -> float:
    return sum(item.gold == item.found for item in judged) / len(judged)


def majority(judged: Sequence[Judged]) -> float:
    """What always answering the most frequent label would reach."""
    return Counter(item.gold for item in judged).most_common(1)[0][1] / len(judged)


def report(judged: Sequence[Judged], seconds: float) -> str:
    lines = ["| posts | n | accuracy | majority class |", "|---|---:|---:|---:|"]
    groups = [("all", judged), ("exam files only", [item for item in judged if item.part == "exam"])]
    groups += [(language, [item for item in judged if item.language == language]) for language in LANGUAGES]
    groups += [
        (f"{language} {part}", [item for item in judged if (item.language, item.part) == (language, part)])
        for language in LANGUAGES
        for part in PARTS
    ]
    lines += [f"| {name} | {len(group)} | {accuracy(group):.3f} | {majority(group):.3f} |" for name, group in groups]
    lines += ["", "| label | n | found | mistaken for |", "|---|---:|---:|---|"]
    for label in (category.name for category in categories()):
        group = [item for item in judged if item.gold == label]
        wrong = Counter(item.found for item in group if item.found != label)
        confusion = ", ".join(f"{name} {count}" for name, count in wrong.most_common())
        lines.append(f"| {label} | {len(group)} | {accuracy(group):.2f} | {confusion} |")
    lines += ["", f"{len(judged) / seconds:.0f} posts/s, {1000 * seconds / len(judged):.1f} ms a post."]
    return "\n".join(lines)


def main() -> int:
    folder = corpus()
    if not folder.is_dir():
        print(f"There are no labelled posts in {folder}: set DIGEST_TEST_CORPUS to the corpus folder.", file=sys.stderr)
        return 2
    judged, seconds = asyncio.run(measure(folder))
    print(report(judged, seconds))
    return 0 if accuracy(judged) >= EXPECTED else 1


if __name__ == "__main__":
    sys.exit(main())
