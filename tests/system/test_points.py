"""Points as money: currencies, balances, history (B1–B5; SEMANTICS 18, 21)."""
from datetime import timedelta

import pytest

from accolade import NOON, at, config, currency, grant, rfc3339, rule, var

CAREER = {"kind": "level_ladder", "code": "career", "currency": "points", "levels": [{"at": 0, "name": "Bronze"}, {"at": 100, "name": "Silver"}],
          "grant_each": [grant(10, factors=[{"multiply": 2.5}])]}


def row(balance, earned=None, spent=0, today=0, code="points"):
    return {"currency": code, "balance": balance, "held": 0, "available": balance, "lifetime_earned": balance if earned is None else earned,
            "lifetime_spent": spent, "earned_today": today}


def test_B1_several_currencies_all_listed_spendable_or_not(make_tenant):
    t = make_tenant(config(currency("xp", spendable=False), currency("points"), rule("r", grant=[grant(5, "xp")])))
    t.event()
    assert t.get("/members/m/points").ok() == {"member": "m", "currencies": [row(0), row(5, today=5, code="xp")]}


def test_B4_current_lifetime_and_earned_today(make_tenant):
    t = make_tenant(config(currency(), rule("r", grant=[grant(var("event.data.n"))])))
    t.event(data={"n": 50}, time=NOON - timedelta(hours=13))  # yesterday, 23:00
    t.event(data={"n": 30}, time=NOON - timedelta(hours=12))  # today, 00:00
    assert t.points() == row(80, today=30)
    t.adjust(amount=20).ok(201)
    assert t.points() == row(100, today=30)  # an adjustment is lifetime earned, not earned today
    t.adjust(amount=-60).ok(201)
    assert t.points() == row(40, earned=100, today=30)  # SEMANTICS 18: taking does not lower it; nor is it spent


def test_B4_earned_today_ends_at_midnight_of_the_tenants_zone(make_tenant, clock):
    t = make_tenant(config(currency(), rule("r", pays=5), zone="America/New_York"))
    t.event()
    clock.set(at("2030-02-14T04:59:50"))
    assert t.points() == row(5, today=5)
    clock.set(at("2030-02-14T05:00:01"))
    assert t.points() == row(5, today=0)
    t.event(time=at("2030-02-14T05:02:00"))
    t.event(time=at("2030-02-14T04:00:00"))  # late, of yesterday
    assert t.points() == row(15, today=5)


def test_B4_an_event_ahead_of_midnight_does_not_hide_todays(make_tenant, clock):
    t = make_tenant(config(currency(), rule("r", pays=5)))
    clock.set(at("2030-02-13T23:58:00"))
    t.event(time=at("2030-02-13T23:57:00"))
    t.event(time=at("2030-02-14T00:01:00"))
    assert t.points() == row(10, today=5)
    clock.set(at("2030-02-14T00:00:30"))
    assert t.points() == row(10, today=5)


def test_B4_a_level_up_bonus_counts_as_earned_today(make_tenant):
    t = make_tenant(config(currency(), CAREER, rule("r", pays=100)))
    t.event()
    assert t.points() == row(125, today=125)


def test_A8_the_daily_cap_and_what_is_left_of_it(make_tenant, clock):
    t = make_tenant(config(currency(daily_cap={"amount": 20, "plus_per_level": 5, "ladder": "career", "zone": "Asia/Tokyo"}), CAREER,
                           rule("r", grant=[grant(var("event.data.n"))])))

    def cap():
        return t.points()["daily_cap"]

    t.join()
    assert cap() == {"amount": 20, "used": 0, "left": 20, "resets_at": "2030-02-13T15:00:00.000Z"}
    t.event(data={"n": 12})
    assert cap() == {"amount": 20, "used": 12, "left": 8, "resets_at": "2030-02-13T15:00:00.000Z"}
    t.adjust(amount=88).ok(201)  # level 2: more room; adjustments use none
    assert cap() == {"amount": 25, "used": 12, "left": 13, "resets_at": "2030-02-13T15:00:00.000Z"}
    clock.set(at("2030-02-13T14:58:00"))
    t.event(time=at("2030-02-13T15:01:00"), data={"n": 7})  # ahead: of tomorrow in Tokyo
    assert cap() == {"amount": 25, "used": 12, "left": 13, "resets_at": "2030-02-13T15:00:00.000Z"}
    clock.set(at("2030-02-13T15:00:30"))
    assert cap() == {"amount": 25, "used": 7, "left": 18, "resets_at": "2030-02-14T15:00:00.000Z"}
    t.adjust(amount=-70).ok(201)  # lifetime earned stays, and with it the level
    assert cap()["amount"] == 25


def test_B1_all_retired_currencies_that_are_held_are_shown(make_tenant):
    t = make_tenant(config(currency("a"), currency("b"), currency("c"), rule("r", grant=[grant(1, "a"), grant(2, "b"), grant(3, "c")])))
    t.event()
    t.apply(config(currency("new")))
    assert [(c["currency"], c["balance"]) for c in t.get("/members/m/points").ok()["currencies"]] == [("new", 0), ("a", 1), ("b", 2), ("c", 3)]


def test_B2_every_transfer_has_two_sides(make_tenant):
    t = make_tenant(config(currency(), CAREER, rule("r", pays=100)))
    t.event()
    t.adjust(amount=30).ok(201)
    t.adjust(amount=-5).ok(201)
    entries = t.stack.sql("SELECT part, seq, amount, balance_after, kind, contra, LENGTH(transfer), LENGTH(hash) FROM entry "
                          "WHERE tenant_id = %s ORDER BY seq", t.id)
    earned, bonus, adjustment, issuance, adjusting = 1, 2, 5, 1, 5  # base/numbers.def
    assert entries == ((1, 1, 100, 100, earned, issuance, 16, 16), (1, 2, 25, 125, bonus, issuance, 16, 16),
                       (1, 3, 30, 155, adjustment, adjusting, 16, 16), (1, 4, -5, 150, adjustment, adjusting, 16, 16))
    t.stack.cli("job", "roll-up")
    rollups = dict(t.stack.sql("SELECT account, balance FROM rollup WHERE tenant_id = %s", t.id))
    assert rollups == {issuance: -125, adjusting: -25}
    assert sum(rollups.values()) + t.balance() == 0


def test_B3_lines_of_the_history(make_tenant):
    t = make_tenant(config(currency(), CAREER, rule("r", name="A rule", pays=100), rule("plain", "other", pays=1)))
    first = t.event(source="crm", id="e-1")
    third = t.event(type="other", source="crm", id="e-2")
    adjusted = t.adjust(amount=-26, body={"currency": "points", "amount": -26, "reason": "too many", "actor": "boss"}).ok(201)
    lines = t.transactions()["data"]
    for line in lines:
        assert at("2030-02-13T12:00").isoformat()[:16] == line.pop("created_at")[:16]
    ids = [line.pop("id") for line in lines]
    assert len(set(ids)) == 4 and all(isinstance(i, str) and i for i in ids)
    event_1, event_2 = ({"source": "crm", "id": f"e-{n}", "type": kind} for n, kind in ((1, "act"), (2, "other")))
    common = {"currency": "points", "context": None}
    assert lines == [
        {**common, "seq": 4, "transfer": adjusted["id"], "amount": -26, "balance_before": 126, "balance_after": 100, "held_after": 0, "kind": "adjustment",
         "source": {"adjustment": True, "actor": "boss"}, "description": "too many"},
        {**common, "seq": 3, "transfer": third["grants"][0]["transfer"], "amount": 1, "balance_before": 125, "balance_after": 126, "held_after": 0, "kind": "earned",
         "source": {"rule": "plain", "event": event_2}, "description": "plain"},
        {**common, "seq": 2, "transfer": first["grants"][1]["transfer"], "amount": 25, "balance_before": 100, "balance_after": 125, "held_after": 0, "kind": "bonus",
         "source": {"ladder": "career", "level": 2, "event": event_1}, "description": "Level 2: Silver"},
        {**common, "seq": 1, "transfer": first["grants"][0]["transfer"], "amount": 100, "balance_before": 0, "balance_after": 100, "held_after": 0, "kind": "earned",
         "source": {"rule": "r", "event": event_1}, "description": "A rule"}]
    assert adjusted["transaction"] == ids[0]


def history(make_tenant, clock):
    """120 entries and a few: 100 of points earned one a minute in the first 100 minutes, 15 of xp, 5 adjustments of points at the end."""
    t = make_tenant(config(currency(), currency("xp"), rule("r", pays=2), rule("x", "play", grant=[grant(3, "xp")])))
    for minute in range(10):
        t.events([t.event_body() for _ in range(10)])
        clock.advance(minutes=1)
    for _ in range(15):
        t.event(type="play")
    clock.advance(minutes=1)
    for amount in (5, -7, 11, -13, 17):
        t.adjust(amount=amount).ok(201)
    return t


def test_B5_pages_by_cursor_equal_the_whole_and_filters(make_tenant, clock):
    t = history(make_tenant, clock)
    whole = t.all_transactions(limit=200)
    assert len(whole) == 120
    for limit in (1, 7, 50, 119, 120):
        assert t.all_transactions(limit=limit) == whole, limit
    assert t.all_transactions() == whole
    assert len(t.transactions()["data"]) == 50  # the default
    times = [line["created_at"] for line in whole]
    assert times == sorted(times, reverse=True)
    points = [line for line in whole if line["currency"] == "points"]
    assert [line["seq"] for line in points] == list(range(105, 0, -1))
    assert all(a["balance_before"] == b["balance_after"] for a, b in zip(points, points[1:]))
    assert points[0]["balance_after"] == 213 and points[-1]["balance_before"] == 0

    assert t.all_transactions(currency="xp") == [line for line in whole if line["currency"] == "xp"]
    assert t.all_transactions(currency="points", limit=20) == points
    assert t.all_transactions(kind="adjustment") == points[:5]
    assert t.all_transactions(kind="adjustment,earned", limit=9) == whole
    assert t.all_transactions(kind="spent") == []
    start, end = NOON + timedelta(minutes=3), NOON + timedelta(minutes=6)
    middle = t.all_transactions(from_=rfc3339(start), to=rfc3339(end), limit=13)
    assert middle == [line for line in whole if rfc3339(start) <= line["created_at"] < rfc3339(end)] and len(middle) == 30
    assert t.all_transactions(from_=rfc3339(start), currency="xp", kind="earned") == [line for line in whole if line["currency"] == "xp"]
    swapped = t.get("/members/m/transactions", from_=rfc3339(end), to=rfc3339(start)).problem("bad-request")
    assert swapped["detail"] == "the query parameter from must be no later than to"
    assert t.all_transactions(from_=rfc3339(start), to=rfc3339(start)) == []


def test_B5_summary_of_the_whole_filter_in_one_currency_else_null(make_tenant, clock):
    t = history(make_tenant, clock)
    assert t.transactions(limit=3)["summary"] is None
    assert t.transactions(limit=3, currency="points")["summary"] == {"currency": "points", "earned": 233, "spent": 20, "net": 213, "count": 105}
    assert t.transactions(limit=3, currency="points", kind="adjustment")["summary"] == {"currency": "points", "earned": 33, "spent": 20, "net": 13, "count": 5}
    start, end = NOON + timedelta(minutes=3), NOON + timedelta(minutes=6)
    assert t.transactions(currency="points", from_=rfc3339(start), to=rfc3339(end))["summary"] == \
        {"currency": "points", "earned": 60, "spent": 0, "net": 60, "count": 30}
    assert t.transactions(currency="xp", limit=1)["summary"] == {"currency": "xp", "earned": 45, "spent": 0, "net": 45, "count": 15}
    page = t.transactions(limit=3, currency="points")
    second = t.transactions(limit=3, currency="points", cursor=page["next_cursor"])
    assert page["summary"]["count"] == 105 and second["summary"] == page["summary"]


def test_S21_every_page_has_the_summary_of_the_first(make_tenant):
    t = make_tenant(config(currency(), rule("r", pays=2)))
    t.events([t.event_body() for _ in range(5)])
    t.adjust(amount=-3).ok(201)
    wanted = {"currency": "points", "earned": 10, "spent": 3, "net": 7, "count": 6}
    pages, cursor = [], {}
    while not pages or pages[-1]["next_cursor"]:
        pages.append(t.transactions(currency="points", limit=2, **cursor))
        t.event()  # what is earned meanwhile stands neither on a later page nor in its sums
        cursor = {"cursor": pages[-1]["next_cursor"]}
    assert [page["summary"] for page in pages] == [wanted] * 3
    lines = [line["amount"] for page in pages for line in page["data"]]
    assert (sum(lines), len(lines)) == (7, 6)
    assert t.transactions(currency="points", limit=2)["summary"]["count"] == 9


def test_B5_what_is_earned_meanwhile_moves_nothing(make_tenant):
    t = make_tenant(config(currency(), rule("r", pays=2)))
    t.events([t.event_body() for _ in range(30)])
    whole = t.all_transactions()
    page = t.transactions(limit=10)
    t.events([t.event_body() for _ in range(5)])
    second = t.transactions(limit=10, cursor=page["next_cursor"])
    third = t.transactions(limit=10, cursor=second["next_cursor"])
    assert page["data"] + second["data"] + third["data"] == whole
    assert third["next_cursor"] is None


def test_B5_no_entries_yet(make_tenant):
    t = make_tenant(config(currency()))
    t.join()
    assert t.transactions() == {"data": [], "summary": None, "next_cursor": None}
    assert t.transactions(currency="points") == {"data": [], "next_cursor": None,
                                                 "summary": {"currency": "points", "earned": 0, "spent": 0, "net": 0, "count": 0}}


@pytest.mark.parametrize("query, code", [
    ({"limit": 0}, "bad-request"), ({"limit": 201}, "bad-request"), ({"limit": "x"}, "bad-request"), ({"limit": "1.5"}, "bad-request"),
    ({"limit": ""}, "bad-request"), ({"kind": "stolen"}, "bad-request"), ({"kind": "earned,"}, "bad-request"), ({"currency": "gold"}, "bad-request"),
    ({"currency": "a b"}, "bad-request"), ({"from_": "yesterday"}, "bad-request"), ({"to": "2030-02-30T00:00:00Z"}, "bad-request"),
    ({"cursor": "x"}, "invalid-cursor"), ({"cursor": ""}, "invalid-cursor"), ({"cursor": "AQAB"}, "invalid-cursor"), ({"offset": 3}, "bad-request"),
])
def test_B5_bad_queries(shared_tenant, query, code):
    shared_tenant.event()
    shared_tenant.get("/members/m/transactions", **query).problem(code)


CONFIG = config(currency(), rule("r", pays=2))


def test_B5_a_parameter_given_twice(shared_tenant):
    shared_tenant.event()
    shared_tenant.get("/members/m/transactions?limit=1&limit=2").problem("bad-request")
    shared_tenant.get("/members/m/transactions?limit=%zz").problem("bad-request")
    shared_tenant.get("/members/m/points?limit=1").problem("bad-request")


def test_S25_a_currency_with_balances_is_only_retired(make_tenant):
    t = make_tenant(config(currency("old"), rule("r", grant=[grant(5, "old")])))
    t.event()
    t.apply(config(currency("new"), rule("r", grant=[grant(1, "new")])))
    t.event()
    assert t.get("/members/m/points").ok()["currencies"] == [row(1, today=1, code="new"), row(5, today=5, code="old")]
    assert [(x["currency"], x["amount"]) for x in t.transactions()["data"]] == [("new", 1), ("old", 5)]
    assert t.transactions(currency="old")["summary"]["net"] == 5
    t.adjust(amount=1, currency="old").problem("validation-failed", "/currency")
