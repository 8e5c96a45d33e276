"""What must be true after a soak, each with what was found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.soak.books import Books, Delivery
from benchmarks.soak.faults import DISTURBS_SENDING, Happened
from benchmarks.soak.newsroom import Newsroom
from benchmarks.soak.observer import MEBIBYTE, PROCESSES, Observer, change
from benchmarks.soak.site import ADMIN_TOKEN, KEY, WORKERS, Site
from tests.delivery.audience import SECRET
from tests.faults.ledger import ENDED, UNFINISHED

FLAT_SHARE, FLAT_MIB = 1.15, 12
FLAT_FILES, FLAT_THREADS = 20, 10
LONG_ENOUGH_S = 600.0
AROUND_A_FAULT_S = 20.0
ON_ITS_WAY_S = 1.0
REDIS_FAULTS = frozenset({"Redis killed for 8 s", "Redis emptied"})


@dataclass(frozen=True)
class Promise:
    """`found` says what was found, whether it is kept or not."""

    words: str
    is_kept: bool
    found: str


@dataclass(frozen=True)
class Ending:
    """What the end of a soak showed: exit codes of the processes, and who still held something after that."""

    last_runs: Sequence[str]
    exit_codes: dict[str, int | None]
    leases_left: Sequence[str]
    workers_left: Sequence[str]


def promises(
    site: Site, books: Books, newsroom: Newsroom, observer: Observer, journal: Sequence[Happened], ending: Ending
) -> list[Promise]:
    return [
        *_runs(books, ending),
        *_posts(site, books, newsroom),
        *_deliveries(books, journal),
        *_leftovers(books, ending),
        *_model(site, journal),
        *_processes(observer, journal),
        _secrets(site),
    ]


def _runs(books: Books, ending: Ending) -> Iterator[Promise]:
    open_runs = [run for run in books.runs if run[2] not in ENDED]
    yield Promise("every run has ended", not open_runs, str(open_runs or f"{len(books.runs)} runs"))
    silent = [run for run in books.runs if run[2] == "failed" and not run[3]]
    yield Promise("every failed run says why", not silent, str(silent or f"{books.count('failed')} failed"))
    good = all(state == "done" for state in ending.last_runs)
    yield Promise("afterwards all works as on the first day", good, f"last digests: {', '.join(ending.last_runs)}")


def _posts(site: Site, books: Books, newsroom: Newsroom) -> Iterator[Promise]:
    unfinished = {state: set(counts) & UNFINISHED for state, counts in books.statuses.items() if state in ENDED}
    bad = {state: found for state, found in unfinished.items() if found}
    number = sum(counts.total() for counts in books.statuses.values())
    yield Promise("each post of each run has a final status", not bad, str(bad or f"{number} of all runs"))
    found = f"{newsroom.published} published, {books.posts_stored} stored"
    yield Promise("each post of a channel is stored once", newsroom.published == books.posts_stored, found)
    unseen = books.posts_never_seen
    yield Promise("each post was looked at by a run", unseen == 0, f"{unseen} were not")
    again = site.ledger.asked_for_what_was_saved()
    found = f"{len(again)} times, first: {again[0][0]}" if again else f"{len(site.model.calls)} calls"
    yield Promise("no saved answer of the model is asked for again", not again, found)


def _deliveries(books: Books, journal: Sequence[Happened]) -> Iterator[Promise]:
    twice = {key: number for key, number in books.arrived.items() if number > 1}
    found = str(dict(list(twice.items())[:3]) if twice else f"{books.arrived.total()} messages arrived")
    yield Promise("(digest, chat, part) at most once", not twice, found)
    doubled = {key: number for key, number in books.arrived_at_operators.items() if number > 1}
    found = str(doubled or f"{books.arrived_at_operators.total()} parts")
    yield Promise("the operator gets each part at most once", not doubled, found)
    states = Counter(one.state for one in books.deliveries)
    open_ones = {state: states[state] for state in ("pending", "sending") if states[state]}
    yield Promise("no delivery is left in between", not open_ones, str(open_ones or dict(states)))
    wrong = [one for one in books.deliveries if not _is_true(one, books.arrived[one.parcel])]
    unlisted = books.arrived.keys() - {one.parcel for one in books.deliveries}
    found = f"{len(wrong)} wrong {wrong[:2]}, {len(unlisted)} not listed" if wrong or unlisted else "all"
    yield Promise("`sent` has arrived, `failed` has not, all are listed", not wrong and not unlisted, found)
    causes = Counter(cause_of_doubt(one, books, journal) for one in books.deliveries_in("unknown"))
    yield Promise("each doubt has a cause that nobody could see through", not causes["none"], str(dict(causes)))


def _is_true(one: Delivery, arrived: int) -> bool:
    return arrived == {"sent": 1, "failed": 0}.get(one.state, arrived)


def cause_of_doubt(one: Delivery, books: Books, journal: Sequence[Happened]) -> str:
    """Why nobody knows whether it arrived; "none" where somebody should."""
    outcomes = [call.outcome for call in books.calls.get(one.parcel, ()) if call.outcome != "ok"]
    if outcomes:
        return outcomes[-1]
    began = one.started_at or 0.0
    for fault in journal:
        ends = (fault.end or fault.begin) + AROUND_A_FAULT_S
        if fault.name in DISTURBS_SENDING and fault.begin - AROUND_A_FAULT_S <= began <= ends:
            return "its process died or could not save"
    return "none"


def _leftovers(books: Books, ending: Ending) -> Iterator[Promise]:
    left = f"{len(books.open_work)} open {books.open_work[:2]}, {books.owned_idle_work} owned"
    is_clean = not books.open_work and not books.owned_idle_work
    yield Promise("no work is left, none has an owner", is_clean, "none" if is_clean else left)
    lengths = {name: length for name, length in books.queued.items() if length}
    yield Promise("the queues are empty", not lengths, str(lengths or "all"))
    yield Promise("every card has come to its end", not books.open_cards, f"{books.open_cards} open")
    codes_are_good = all(code == 0 for code in ending.exit_codes.values())
    yield Promise("SIGTERM ends every process with 0", codes_are_good, str(ending.exit_codes))
    left_over = [*ending.leases_left, *ending.workers_left]
    yield Promise("then no lease and no sign of life is left", not left_over, str(left_over or "none"))


def _model(site: Site, journal: Sequence[Happened]) -> Iterator[Promise]:
    shadows = [(one.begin, one.end or one.begin) for one in journal if one.name in REDIS_FAULTS]
    pauses = [
        (begin, end) for begin, end in site.mood.pauses if not any(since < end and begin < to for since, to in shadows)
    ]
    early = sum(
        begin + ON_ITS_WAY_S < call.started_at < end - 0.5 for begin, end in pauses for call in site.model.calls
    )
    yield Promise("nobody calls within Retry-After", not early, f"{early} calls in {len(pauses)} pauses")


def _processes(observer: Observer, journal: Sequence[Happened]) -> Iterator[Promise]:
    for name in PROCESSES:
        life = observer.longest_life(name)
        life = life[len(life) // 4 :]  # a process that has just begun is still growing
        if not life:
            yield Promise(f"{name} was seen", False, "never")
            continue
        rss = change([sample.rss / MEBIBYTE for sample in life])
        files, threads = change([one.files for one in life]), change([one.threads for one in life])
        is_flat = rss.last <= rss.first * FLAT_SHARE + FLAT_MIB
        is_closed = files.last <= files.first + FLAT_FILES and threads.last <= threads.first + FLAT_THREADS
        found = f"{rss.first:.0f} → {rss.last:.0f} MiB, {files.first:.0f} → {files.last:.0f} files, "
        found += f"{threads.first:.0f} → {threads.last:.0f} threads"
        lasted_s = life[-1].at - life[0].at
        if lasted_s < LONG_ENOUGH_S:
            found += f"; {lasted_s / 60:.0f} minutes are too short to tell"
        is_kept = lasted_s < LONG_ENOUGH_S or (is_flat and is_closed)
        yield Promise(f"the longest life of {name} is flat", is_kept, found)
    ill = [f"{one.name}: {one.ill}" for one in journal if one.ill]
    yield Promise("no process ignored SIGTERM or stayed away", not ill, "; ".join(ill) or "none")


def _secrets(site: Site) -> Promise:
    secrets = {"the admin token": ADMIN_TOKEN.partition(":")[2], "the key": KEY, "the secret key": SECRET}
    secrets |= {f"the token of {one.slug}": one.token.partition(":")[2] for one in site.audiences}
    logs = "".join(site.installation.log(name) for name in (*WORKERS, "bot"))
    seen = [what for what, secret in secrets.items() if secret in logs]
    return Promise("no secret is in a log", not seen, str(seen or "none"))
