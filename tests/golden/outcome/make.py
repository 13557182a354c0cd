#!/usr/bin/python3
"""Makes the .hex files beside it: outcomes of format 1 (the layout stands at the head of engine/outcome_codec.c).

Written from that page alone: it shares no code with what it checks. The .json files are the answers that tests/unit/test_outcome.c
renders from them, written by hand. Run it only to add cases: a file that is already there must never change.

    make.py            write the files
    make.py --check    write nothing; fail where a file differs
"""
import struct
import sys
import textwrap
from pathlib import Path

HERE = Path(__file__).resolve().parent

T = 1795255200000  # 2026-11-21T10:00:00.000Z, a Saturday
HOUR = 3600 * 1000
DAY_START = T - 11 * HOUR  # midnight in Berlin
EVENT, ADJUSTMENT = 1, 2
RULE, LADDER, MANUAL = 1, 2, 3
EARNED, BONUS, ADJUSTED = 1, 2, 5
ISSUANCE, ADJUSTMENT_ACCOUNT = 1, 5
CONDITION, AUDIENCE, INACTIVE, SUSPENDED, COOLDOWN, LIMIT, CAPPED, ZERO, EXPRESSION, BUDGET = range(1, 11)
WHEN, AUDIENCE_WHEN, AUDIENCE_TYPES, AMOUNT, FACTOR, COUNT, LIMIT_PLACE, DATES, ENABLED = range(1, 10)
EVER, HOURLY, DAY, WEEK, MONTH = range(5)


def outcome(change=EVENT, grants=(), denials=(), counters=(), levels=(), event_type=1):
    header = struct.pack(
        ">BBQqqHIHQHHQHqHHHH",
        1, change, 7, T, T + 250, event_type,
        20778, 3, 41, 0, 1,
        12, 1, DAY_START,
        len(grants), len(denials), len(counters), len(levels),
    )  # fmt: skip
    assert len(header) == 72
    return header + b"".join([*grants, *denials, *counters, *levels])


def cap(amount, used, resets_at):
    return struct.pack(">qqq", amount, used, resets_at)


def grant(cause, cause_no, n, amount, balance, *, base=None, places=0, level=None, which=0, currency=1, kind=EARNED,
          contra=ISSUANCE, seq=1, uncapped=None, factors=0, capped=None):  # fmt: skip
    transfer = bytes.fromhex("019e0000000070008000") + struct.pack(">HI", 0, n)
    return (
        struct.pack(">BH", cause, cause_no)
        + (b"" if level is None else struct.pack(">q", level))
        + struct.pack(">BHBBBQ", which, currency, kind, contra, 1, seq)
        + struct.pack(">qB", amount if base is None else base, places)
        + struct.pack(">qqqBB", amount if uncapped is None else uncapped, amount, balance, factors, capped is not None)
        + (capped or b"")
        + transfer
    )


def denial(rule, reason, currency=0, next_at=0, place=None, capped=b""):
    flags = (1 if next_at else 0) | (2 if place else 0)
    return (
        struct.pack(">HBHB", rule, reason, currency, flags)
        + (struct.pack(">q", next_at) if next_at else b"")
        + (struct.pack(">BBBH", *place) if place else b"")
        + capped
    )


def counter(metric, by, value, periods=(EVER, DAY, WEEK, MONTH)):
    starts = {DAY: DAY_START, WEEK: DAY_START - 5 * 24 * HOUR, MONTH: DAY_START - 20 * 24 * HOUR}
    return (
        struct.pack(">HqqB", metric, by, value, sum(1 << kind for kind in periods))
        + b"".join(struct.pack(">q", starts[kind]) for kind in periods if kind != EVER)
    )  # fmt: skip


def level(ladder, before, after):
    return struct.pack(">Hqq", ladder, before, after)


MIDNIGHT = DAY_START + 24 * HOUR
CASES = {
    "award": outcome(
        grants=[grant(RULE, 1, 1, 10, 10)],
        denials=[denial(2, CONDITION, place=(WHEN, 0, 0, 7))],
        counters=[counter(1, 1000, 1000)],
    ),
    "perfect-call": outcome(
        grants=[grant(RULE, 1, 1, 20, 20, base=10, factors=0b01)],
        counters=[counter(1, 1000, 1000), counter(2, 250, 76500)],
    ),
    "factors": outcome(
        grants=[
            grant(RULE, 1, 1, 30, 50, base=10, factors=0b11, seq=2),
            grant(RULE, 1, 2, 0x0102030405, 0x0102030405, base=43287193655, places=1, which=1, currency=2, seq=0x1122334455667788),
        ]
    ),
    "capped": outcome(
        grants=[grant(RULE, 1, 1, 5, 1500, base=10, uncapped=20, factors=0b01, seq=9, capped=cap(500, 500, MIDNIGHT))],
        counters=[counter(1, 1000, 61000, (EVER, MONTH))],
    ),
    "denied": outcome(
        denials=[
            denial(1, CONDITION, currency=1, place=(FACTOR, 0, 0, 3)),
            denial(2, AUDIENCE, place=(AUDIENCE_TYPES, 0, 0, 0)),
            denial(2, AUDIENCE, place=(AUDIENCE_WHEN, 0, 0, 0)),
            denial(2, INACTIVE, next_at=T + HOUR, place=(DATES, 0, 0, 0)),
            denial(3, INACTIVE, place=(DATES, 0, 0, 0)),
            denial(3, INACTIVE, place=(ENABLED, 0, 0, 0)),
            denial(0, INACTIVE),
            denial(0, SUSPENDED),
            denial(1, COOLDOWN, next_at=T + 60000),
            denial(3, LIMIT, next_at=MIDNIGHT, place=(LIMIT_PLACE, 0, 0, 0)),
            denial(1, CAPPED, currency=1, next_at=MIDNIGHT, capped=cap(550, 550, MIDNIGHT)),
            denial(1, ZERO, currency=2),
            denial(1, EXPRESSION, currency=2, place=(AMOUNT, 1, 0, 2)),
            denial(1, EXPRESSION, place=(COUNT, 1, 0, 0)),
            denial(3, BUDGET),
        ]
    ),
    "level-up": outcome(
        grants=[
            grant(RULE, 1, 1, 20, 1020, base=10, factors=0b01, seq=61),
            grant(LADDER, 1, 2, 125, 1145, base=100, level=2, kind=BONUS, factors=0b01, seq=62),
            grant(LADDER, 1, 3, 125, 1270, base=100, level=3, kind=BONUS, factors=0b01, seq=63),
            grant(LADDER, 1, 4, 7, 1277, level=3, which=1, kind=BONUS, seq=64),
        ],
        counters=[counter(1, 1000, 61000)],
        levels=[level(1, 1, 3)],
    ),
    "adjustment": outcome(
        change=ADJUSTMENT,
        event_type=0,
        grants=[grant(MANUAL, 0, 1, -5, 15, kind=ADJUSTED, contra=ADJUSTMENT_ACCOUNT, seq=2)],
    ),
    "adjustment-level-up": outcome(
        change=ADJUSTMENT,
        event_type=0,
        grants=[
            grant(MANUAL, 0, 1, 1000, 1000, kind=ADJUSTED, contra=ADJUSTMENT_ACCOUNT),
            grant(LADDER, 1, 2, 125, 1125, base=100, level=2, kind=BONUS, factors=0b01, seq=2),
        ],
        levels=[level(1, 1, 2)],
    ),
    "retired": outcome(
        grants=[grant(RULE, 9, 1, 3, 3)],
        denials=[denial(9, CONDITION, place=(WHEN, 0, 0, 0))],
        levels=[level(9, 4, 5)],
    ),
    "nothing": outcome(event_type=0),
}


def main():
    check = sys.argv[1:] == ["--check"]
    bad = 0
    for name, data in CASES.items():
        text = "\n".join(textwrap.wrap(data.hex(), 128)) + "\n"
        path = HERE / f"{name}.hex"
        if not check:
            path.write_text(text)
        elif not path.exists() or path.read_text() != text:
            print(f"{path.name} differs")
            bad = 1
    return bad


if __name__ == "__main__":
    sys.exit(main())
