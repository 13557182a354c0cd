"""Cursors that a client has made itself: the checksum guards against mistakes, and everybody can make it (invariants 7 and 13)."""
import base64
import hashlib
import json
import random
import struct

import pytest

from accolade import config, currency, grant, rule

CONFIG = config(currency(), currency("xp"), rule("r", pays=10), rule("x", "other", grant=[grant(3, "xp")]))
EXTREMES = [b"", b"\0", b"\1", b"\xff" * 40, b"\1" + b"\0" * 8, b"\1" + b"\xff" * 8, b"\1" + b"\x7f" + b"\xff" * 7, b"\1\0\xff\xff" + b"x" * 300,
            b"\1\1" + b"\0" * 8, b"\1\1" + b"\xff" * 8, b"\1\0\4\0a\0'b", b"\1\0\2\0\xc3\x28", b"\1" * 3000]


def open_up(cursor):
    return base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))[4:]


def seal(payload):
    return base64.urlsafe_b64encode(hashlib.sha256(payload).digest()[:4] + payload).rstrip(b"=").decode()


def forged(payload, n, r):
    """The payload with a few bytes changed, cut or put in."""
    yield from EXTREMES
    for _ in range(n):
        bytes_ = bytearray(payload)
        for _ in range(r.randrange(1, 4)):
            at = r.randrange(len(bytes_) + 1)
            what = r.randrange(4)
            if what == 0 and at < len(bytes_):
                bytes_[at] = r.choice([0, 1, 2, 0x7f, 0x80, 0xff, r.randrange(256)])
            elif what == 1:
                bytes_[at:at] = bytes([r.choice([0, 1, 0xff])]) * r.choice([1, 2, 8])
            elif what == 2:
                del bytes_[at:at + r.randrange(1, 9)]
            else:
                bytes_ = bytearray(bytes_[:at] or payload)
        yield bytes(bytes_)


@pytest.mark.parametrize("path", ["/members", "/members?type=agent", "/members?search=m", "/members/m1/transactions", "/members/m1/transactions?currency=xp",
                                  "/members/m1/events"])
def test_inv7_inv13_a_forged_cursor_is_refused_or_shows_what_the_list_shows(make_tenant, path):
    t, other = make_tenant(CONFIG), make_tenant(CONFIG)
    for who in (t, other):
        for m in ("m1", "m2", "m3"):
            who.call("POST", "/members", {"member": m, "type": "agent"}, headers={"Idempotency-Key": m})
            who.events([who.event_body(m), *[who.event_body(m, "other") for _ in range(2)]])
    more = path + ("&" if "?" in path else "?")
    shown = {json.dumps(row, sort_keys=True) for row in t.call("GET", path).ok()["data"]}
    cursor = t.call("GET", more + "limit=1").ok()["next_cursor"]
    assert seal(open_up(cursor)) == cursor and len(shown) >= 2
    seen = set()
    for payload in forged(open_up(cursor), 60, random.Random(path)):
        answer = t.call("GET", f"{more}limit=100&cursor={seal(payload)}")
        seen.add(answer.status)
        if answer.status == 200:
            assert {json.dumps(row, sort_keys=True) for row in answer.json["data"]} <= shown, payload
        else:
            answer.problem("invalid-cursor")
    assert 400 in seen


@pytest.mark.parametrize("earned, spent, count", [(-2**63, 1, 1), (2**63 - 1, -1, 1), (-1, 0, 1), (0, -1, 1), (3, 0, 2**64 - 1)])
def test_inv7_sums_of_a_forged_cursor_that_no_history_has_are_refused(make_tenant, earned, spent, count):
    t = make_tenant(CONFIG)
    t.events([t.event_body("m1", "other") for _ in range(2)])
    payload = open_up(t.transactions("m1", currency="xp", limit=1)["next_cursor"])
    assert payload[9:33] == struct.pack(">qqQ", 6, 0, 2) or payload[9:33] == struct.pack("<qqQ", 6, 0, 2)
    order = ">" if payload[9:33] == struct.pack(">qqQ", 6, 0, 2) else "<"
    forged_payload = payload[:9] + struct.pack(order + "qqQ", earned, spent, count) + payload[33:]
    t.get("/members/m1/transactions", currency="xp", cursor=seal(forged_payload)).problem("invalid-cursor")
