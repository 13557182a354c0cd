#!/usr/bin/python3
"""Makes the golden file of the state row, from the description at the head of engine/state_codec.c alone: it shares no code with what it
checks. Run it only to add cases, those of a new format: an expected value that is already there must never change.

    make.py            write state.json beside this script
    make.py --check    write nothing; fail where it differs
"""
import json
import struct
import sys
from pathlib import Path

EVER, HOUR, DAY, WEEK, MONTH = range(5)
METRIC, CAP, LIMIT, COOLDOWN, EARNED = range(1, 6)


def wallet(currency, part, balance, seq, fill, created):
    return struct.pack(">HBqQ", currency, part, balance, seq) + bytes([fill]) * 16 + struct.pack(">q", created)


def counters(groups):
    out = struct.pack(">H", len(groups))
    for what, no, periods in groups:
        out += struct.pack(">BHB", what, no, sum(1 << kind for kind in periods))
        for kind in sorted(periods):
            start, value = periods[kind]
            if kind != EVER:
                out += struct.pack(">I", start)
            out += struct.pack(">q", value)
    return out


def hot(wallets, lifetimes, groups):
    out = bytes([1, len(wallets)]) + b"".join(wallet(*w) for w in wallets) + bytes([len(lifetimes)])
    return out + b"".join(struct.pack(">Hqq", *x) for x in lifetimes) + counters(groups)


def cold(status, kind, zone, following, since, leftovers, ladders):
    out = bytes([1, status, len(kind)]) + kind.encode() + struct.pack(">HHqBH", zone, following, since, leftovers, len(ladders))
    return out + b"".join(struct.pack(">Hq", *x) for x in ladders)


DAY_START, WEEK_START, MONTH_START = 1795219200, 1794787200, 1793491200  # 2026-11-21, its Monday, 2026-11-01
CASES = [
    {"name": "empty", "hot": hot([], [], []), "cold": cold(0, "", 0, 0, 0, 0, []), "closed": b"\x01" + counters([])},
    {
        "name": "full",
        "hot": hot(
            [(1, 1, 20, 2, 0xAB, 1795255200123), (1, 2, 5, 1, 0xCD, 1795255200124), (300, 1, -7, 9, 0xEF, 1795255200125)],
            [(1, 27, 2), (300, 10**18, 0)],
            [
                (METRIC, 1, {EVER: (0, 3000), DAY: (DAY_START, 1000), WEEK: (WEEK_START, 2000), MONTH: (MONTH_START, 3000)}),
                (CAP, 1, {DAY: (DAY_START, 20)}),
                (LIMIT, 7, {HOUR: (DAY_START + 36000, 1), DAY: (DAY_START, 4)}),
                (COOLDOWN, 7, {EVER: (0, 1795255200000)}),
                (EARNED, 1, {DAY: (DAY_START, 20)}),
            ],
        ),
        "cold": cold(1, "agent", 2, 3, 1795305600000, 1, [(1, 3), (2, 0), (65535, 1000)]),
        "closed": b"\x01" + counters([(METRIC, 1, {DAY: (DAY_START, 1000)}), (CAP, 1, {DAY: (DAY_START, 20)})]),
    },
]

rows = [{k: v.hex() if isinstance(v, bytes) else v for k, v in case.items()} for case in CASES]
text = "[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n"
target = Path(__file__).with_name("state.json")
if "--check" in sys.argv:
    sys.exit(None if target.read_text() == text else "state.json differs")
target.write_text(text)
