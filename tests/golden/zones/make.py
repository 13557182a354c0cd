#!/usr/bin/python3
"""Makes zones.json: periods of ten zones at chosen and drawn instants, by Python's zoneinfo and by trying every minute.

Only years that are over: what a government decides tomorrow must not break a test. Written from base/zone.h, not from the code.
A row is [zone, t, offset in s, hour of the wall clock, day of the week, then start and end of hour, day, week, month], times in ms.

    make.py            write the file
    make.py --check    write nothing; fail where the file differs (another IANA database may differ rightly)
"""
import functools
import json
import random
import sys
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
MINUTE, HOUR, DAY = 60, 3600, 86400

ZONES = {  # with instants (UTC) around which something happens
    "America/Sao_Paulo": ["2018-11-04T03:00", "2018-02-18T02:00", "2019-02-17T02:00"],  # midnight skipped; 24:00 -> 23:00
    "Asia/Beirut": ["2023-03-29T22:00", "2022-03-26T22:00", "2022-10-29T21:00"],  # midnight skipped; 24:00 -> 23:00
    "Australia/Lord_Howe": ["2024-04-06T15:00", "2024-10-05T15:30"],  # half an hour
    "Europe/Berlin": ["2024-03-31T01:00", "2024-10-27T01:00", "2020-12-31T23:00"],
    "America/New_York": ["2023-03-12T07:00", "2023-11-05T06:00"],
    "Asia/Kathmandu": ["2024-01-01T00:00", "2020-02-29T18:15"],  # +05:45
    "America/St_Johns": ["2009-11-01T02:31", "2010-03-14T03:31", "2011-03-13T03:31"],  # 00:01 -> 23:01: midnight comes twice
    "Pacific/Apia": ["2011-12-30T10:00", "2011-12-01T10:00", "2012-03-31T14:00"],  # no 30 December 2011
    "Africa/Casablanca": ["2023-03-19T02:00", "2023-04-23T02:00", "2018-10-28T02:00"],
    "America/Caracas": ["2007-12-09T07:00", "2016-05-01T07:00"],  # half an hour back, half an hour forward
}


def offset(zone, t):
    delta = (EPOCH + timedelta(seconds=t)).astimezone(ZoneInfo(zone)).utcoffset()
    return delta.days * DAY + delta.seconds


def local(zone, t):
    return t + offset(zone, t)


@functools.lru_cache(None)
def first_instant(zone, wall):
    """The first minute at which the wall clock shows `wall` or later."""
    t = wall - 27 * HOUR
    while local(zone, t) < wall:
        t += MINUTE
    return t


def days_period(zone, t, first, following):
    day = first(EPOCH.date() + timedelta(days=local(zone, t) // DAY))
    while True:
        start, after = ((x - EPOCH.date()).days * DAY for x in (day, following(day)))
        if first_instant(zone, after) > t:
            return first_instant(zone, start), first_instant(zone, after)
        day = following(day)


def is_hour_border(zone, t):
    now, before = local(zone, t), local(zone, t - MINUTE)
    jumped_over = now - before > MINUTE and now // HOUR > before // HOUR
    return now % HOUR == 0 or jumped_over


def hour(zone, t):
    start = t - t % MINUTE
    while not is_hour_border(zone, start):
        start -= MINUTE
    end = t - t % MINUTE + MINUTE
    while not is_hour_border(zone, end):
        end += MINUTE
    return start, end


def next_month(d):
    return date(d.year + d.month // 12, d.month % 12 + 1, 1)


def row(zone, ms):
    t = ms // 1000
    wall = local(zone, t)
    weekday = (EPOCH.date() + timedelta(days=wall // DAY)).isoweekday()
    periods = [
        hour(zone, t),
        days_period(zone, t, lambda d: d, lambda d: d + timedelta(days=1)),
        days_period(zone, t, lambda d: d - timedelta(days=d.weekday()), lambda d: d + timedelta(days=7)),
        days_period(zone, t, lambda d: d.replace(day=1), next_month),
    ]
    for start, end in periods:
        assert start <= t < end
    return [zone, ms, offset(zone, t), wall % DAY // HOUR, weekday] + [x * 1000 for p in periods for x in p]


def main():
    drawn, rows = random.Random(20), []
    first, last = (int((datetime(y, 1, 1, tzinfo=timezone.utc) - EPOCH).total_seconds()) for y in (2000, 2025))
    for zone, marks in ZONES.items():
        instants = {drawn.randrange(first * 1000, last * 1000) for _ in range(30)} | {first * 1000}
        for mark in marks:
            at = int((datetime.fromisoformat(mark + "+00:00") - EPOCH).total_seconds()) * 1000
            minutes = (-24 * 60, -121, -90, -61, -60, -31, -30, -1, 0, 1, 29, 30, 45, 59, 60, 75, 90, 119, 120, 24 * 60)
            instants |= {at + m * 60000 for m in minutes} | {at - 1, at + 60 * 60000 - 1}
        rows += [row(zone, t) for t in sorted(instants)]
    text = "[\n" + ",\n".join(json.dumps(r) for r in rows) + "\n]\n"
    path = Path(__file__).resolve().parent / "zones.json"
    if "--check" not in sys.argv[1:]:
        path.write_text(text, encoding="utf-8")
    elif path.read_text(encoding="utf-8") != text:
        print("zones.json differs", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
