"""Exactly once: repeats, arrays, the window of time (A12, A13, A18; SEMANTICS 1–6)."""
import json
from datetime import timedelta

import pytest

from accolade import NOON, amounts, at, config, currency, grant, rfc3339, rule

ONE = config(currency(), rule("r", pays=7, count=[{"metric": "n", "by": 1}]))


def test_A12_repeat_gets_first_answer_byte_for_byte(make_tenant, clock):
    t = make_tenant(ONE)
    body = t.event_body(data={"x": 1}, context={"reference": "first"})
    first = t.post(body)
    first.ok()
    assert not first.replayed
    stored = t.stack.stored()
    for again in (t.post(body), t.post({**body, "context": {"reference": "another"}}), t.post({k: v for k, v in body.items() if k != "context"})):
        assert again.body == first.body and again.status == 200
        assert again.replayed
    assert t.stack.stored() == stored
    assert t.balance() == 7


def test_A12_repeat_a_day_late_and_after_the_rule_changed_or_went(make_tenant, clock):
    t = make_tenant(ONE)
    body, timed = t.event_body(), t.event_body(time=NOON - timedelta(minutes=3))
    first, second = t.post(body), t.post(timed)
    clock.advance(days=1)
    t.apply(config(currency(name="Gold coins"), rule("r", pays=9)))
    assert t.post(body).body == first.body
    t.apply(config(currency("other"), rule("new", grant=[grant(1, "other")])))
    clock.advance(days=30)  # far beyond the window of 72 hours
    for sent, answer in ((body, first), (timed, second)):
        again = t.post(sent)
        assert again.body == answer.body and again.replayed
    assert first.json["config_version"] == second.json["config_version"] == 1
    assert [c for c in t.get("/members/m/points").ok()["currencies"] if c["balance"]][0]["balance"] == 14


@pytest.mark.parametrize("text", [
    '{"member":"m","data":{"b":[1,{"y":2,"x":1}],"a":5},"id":"same","type":"act","time":"2030-02-13T11:00:00.000Z","source":"test"}',
    ' {\n "source" : "test" , "id":"same","type":"act","member":"m","time":"2030-02-13T11:00:00Z","data":{"a":5.0,"b":[1,{"x":1,"y":2}]}}\t\r\n',
    '{"source":"test","id":"s\\u0061me","type":"act","member":"m","time":"2030-02-13T12:00:00+01:00","data":{"a":5e0,"b":[1.0,{"x":10e-1,"y":2}]}}',
    '{"source":"test","id":"same","type":"act","member":"m","time":"2030-02-13T11:00:00.0004Z","data":{"a":0.5e1,"b":[1,{"x":1,"y":2}]}}',
])
def test_A12_S2_same_event_in_other_words(make_tenant, text):
    t = make_tenant(ONE)
    first = t.send(id="same", time=at("2030-02-13T11:00"), data={"a": 5, "b": [1, {"x": 1, "y": 2}]})
    again = t.call("POST", "/events", raw=text.encode())
    assert again.body == first.body and again.replayed
    (in_array,) = t.call("POST", "/events", raw=b"[" + text.encode() + b"]").ok()["data"]
    assert in_array == {**first.json, "replayed": True}
    assert t.balance() == 7


@pytest.mark.parametrize("other", [
    {"type": "act2"}, {"member": "m2"}, {"data": {"a": 6}}, {"data": {"a": "5"}}, {"data": {"a": 5, "b": None}}, {"data": {}}, {"data": {"a": [5]}},
    {"time": rfc3339(NOON)}, {"time": rfc3339(at("2030-02-13T11:00:00.001"))},
])
def test_A12_another_event_under_the_same_id_is_refused(make_tenant, other):
    t = make_tenant(ONE)
    body = t.event_body(id="once", time=at("2030-02-13T11:00"), data={"a": 5})
    first = t.post(body)
    stored = t.stack.stored()
    t.post({**body, **other}).problem("event-id-reused")
    (item,) = t.events([{**body, **other}])
    assert (item["status"], item["problem"]["code"]) == ("rejected", "event-id-reused")
    assert t.stack.stored() == stored
    assert t.post(body).body == first.body
    assert t.balance() == 7


def test_A12_time_sent_or_not_is_part_of_the_event(make_tenant):
    t = make_tenant(ONE)
    body = t.event_body(id="once")
    t.post(body).ok()
    t.post({**body, "time": rfc3339(NOON)}).problem("event-id-reused")
    t.post({**body, "data": {}}).problem("event-id-reused")
    assert t.balance() == 7


def test_A12_the_same_id_of_another_source_or_tenant_is_another_event(make_tenant):
    t, u = make_tenant(ONE), make_tenant(ONE)
    assert [amounts(x.event(source=s, id="one")) for x, s in ((t, "a"), (t, "b"), (u, "a"))] == [[("r", "points", 7)]] * 3
    # Lengths are part of the identity: ("ab", "c") is not ("a", "bc").
    assert len({t.event(source="ab", id="c")["grants"][0]["transfer"], t.event(source="a", id="bc")["grants"][0]["transfer"]}) == 2
    assert (t.balance(), u.balance()) == (28, 7)


def test_A12_S3_a_repeat_of_what_earned_nothing_gets_the_first_answer_later(make_tenant, clock):
    t = make_tenant(config(currency(), rule("r", pays=7, cooldown_s=60)))
    t.event()
    denied = t.send(id="early")
    assert denied.json["denied"][0]["reason"] == "cooldown"
    clock.advance(minutes=10)
    again = t.send(id="early")
    assert again.body == denied.body and again.replayed
    assert t.balance() == 7


def test_A12_GET_event_is_the_first_answer(make_tenant):
    t = make_tenant(ONE)
    first = t.send(source="a/b", id="x y")
    assert t.stored_event("a/b", "x y").body == first.body
    t.stored_event("a/b", "x").problem("event-not-found")
    t.stored_event("a", "b/x y").problem("event-not-found")


# ---- A13: arrays ----

def test_A13_array_of_1000(make_tenant):
    t = make_tenant(ONE)
    bodies = [t.event_body(f"m{i % 40}") for i in range(1000)]
    answer = t.post(bodies)
    items = answer.ok()["data"]
    assert [(o["id"], o["member"]) for o in items] == [(b["id"], b["member"]) for b in bodies]
    assert all(amounts(o) == [("r", "points", 7)] and "replayed" not in o for o in items)
    assert [o["grants"][0]["balance"] for o in items] == [7 * (i // 40 + 1) for i in range(1000)]  # in array order for each member
    assert {t.balance(f"m{i}") for i in range(40)} == {175}
    # In transactions of 100 (MECHANICS 4).
    sets = t.stack.sql("SELECT rows_of, COUNT(*) FROM outcome WHERE tenant_id = %s AND rows_of > 1 GROUP BY rows_of", t.id)
    assert sets == ((100, 1000),)
    again = t.events(bodies)
    assert again == [{**o, "replayed": True} for o in items]
    assert {t.balance(f"m{i}") for i in range(40)} == {175}
    assert t.stack.sql("SELECT COUNT(*) FROM event_identity WHERE tenant_id = %s", t.id) == ((1000,),)


def test_A13_1001_items_are_too_many_and_nothing_is_written(make_tenant):
    t = make_tenant(ONE)
    stored = t.stack.stored()
    t.post([t.event_body() for _ in range(1001)]).problem("too-many-items")
    assert t.stack.stored() == stored
    assert t.events([]) == []


def test_A13_bad_items_are_rejected_alone_with_pointers_into_the_array(make_tenant):
    t = make_tenant(ONE)
    good = [t.event_body(id=f"g{i}") for i in range(3)]
    bad = {"source": "test", "id": 5, "type": "act", "member": "m", "extra": 1}
    items = t.events([good[0], bad, good[1], 17, {**good[0], "type": "other"}, t.event_body(time="2031-01-01T00:00:00Z"), good[2]])
    assert [o["status"] for o in items] == ["processed", "rejected", "processed", "rejected", "rejected", "rejected", "processed"]
    problem = items[1]["problem"]
    assert (problem["code"], problem["status"], problem["type"]) == ("validation-failed", 422, "/problems/validation-failed")
    assert sorted(e["pointer"] for e in problem["errors"]) == ["/1/extra", "/1/id"]
    assert [e["pointer"] for e in items[3]["problem"]["errors"]] == ["/3"]
    assert items[4]["problem"]["code"] == "event-id-reused"
    assert items[5]["problem"]["code"] == "too-early"
    assert [e["pointer"] for e in items[5]["problem"]["errors"]] == ["/5/time"]
    assert set(items[1]) == {"status", "problem"}
    assert t.balance() == 21
    assert t.stack.sql("SELECT COUNT(*) FROM event_identity WHERE tenant_id = %s", t.id) == ((3,),)


def test_A13_duplicates_within_an_array(make_tenant):
    t = make_tenant(ONE)
    body = t.event_body(id="twin")
    items = t.events([body, t.event_body(), body, {**body, "data": {"x": 1}}, body])
    assert [o["status"] for o in items] == ["processed", "processed", "processed", "rejected", "processed"]
    assert "replayed" not in items[0]
    assert items[2] == items[4] == {**items[0], "replayed": True}
    assert items[3]["problem"]["code"] == "event-id-reused"
    assert t.balance() == 14


def test_A13_duplicates_across_the_sets_of_one_array(make_tenant):
    t = make_tenant(ONE)
    bodies = [t.event_body(f"m{i % 7}") for i in range(250)]
    items = t.events(bodies + bodies)
    assert items[250:] == [{**o, "replayed": True} for o in items[:250]]
    assert sum(t.balance(f"m{i}") for i in range(7)) == 250 * 7


def test_A13_an_item_of_more_than_16_KiB_is_rejected_alone(make_tenant):
    t = make_tenant(ONE)
    items = t.events([t.event_body(id="a"), t.event_body(id="big", data={"x": "y" * 17000}), t.event_body(id="b", data={"x": "y" * 15000})])
    assert [o["status"] for o in items] == ["processed", "rejected", "processed"]
    assert items[1]["problem"]["code"] == "body-too-large"
    t.stored_event("test", "big").problem("event-not-found")
    assert t.balance() == 14


def test_A13_array_and_single_are_the_same_event(make_tenant):
    t = make_tenant(ONE)
    body = t.event_body()
    (item,) = t.events([body])
    single = t.post(body)
    assert json.loads(single.body) == item and single.replayed


def test_A13_an_array_in_which_all_are_rejected_is_200(make_tenant):
    t = make_tenant(ONE)
    items = t.events([{}, []])
    assert [o["status"] for o in items] == ["rejected", "rejected"]
    assert sorted(e["pointer"] for e in items[0]["problem"]["errors"]) == ["/0/id", "/0/member", "/0/source", "/0/type"]


def test_A13_one_bad_and_one_good_member_of_a_set_do_not_touch_each_other(make_tenant):
    """A fault that the engine alone can find, after the identity was written: the set runs again without the item."""
    t = make_tenant(config(currency(), rule("r", grant=[grant({"*": [1, {"var": "event.data.n"}]})])))
    t.adjust("whale", 1, body={"currency": "points", "amount": 1, "reason": "x"}).problem("member-not-found")
    items = t.events([t.event_body("a", data={"n": 5}), t.event_body("b", data={"n": 1e300}), t.event_body("a", data={"n": 6})])
    assert [len(o["grants"]) for o in items] == [1, 0, 1]
    assert items[1]["denied"][0]["reason"] == "expression"
    assert t.balance("a") == 11


# ---- A18: time ----

def test_A18_window_and_five_minutes_ahead(make_tenant, clock):
    t = make_tenant(ONE)
    clock.advance(days=10)  # so that the watermark of creation lies further back than the window
    now = clock.now()
    ok = [now + timedelta(minutes=5) - timedelta(seconds=1), now, now - timedelta(hours=72) + timedelta(seconds=30)]
    for when in ok:
        assert amounts(t.event(time=when)) == [("r", "points", 7)]
    stored = t.stack.stored()
    late = t.send(time=now - timedelta(hours=72) - timedelta(seconds=1), id="late").problem("too-late", "/time")
    assert "events are accepted whose time is after 2030-02-20T" in late["errors"][0]["detail"]
    t.send(time=now + timedelta(minutes=5) + timedelta(seconds=30), id="early").problem("too-early", "/time")
    assert t.stack.stored() == stored
    t.stored_event("test", "late").problem("event-not-found")
    clock.advance(minutes=2)
    assert amounts(t.event(time=now + timedelta(minutes=5) + timedelta(seconds=30), id="early")) == [("r", "points", 7)]  # by now it is in time


def test_A18_window_of_the_tenant(make_tenant, clock):
    t = make_tenant(config(currency(), rule("r", pays=7), late_window_s=3600))
    clock.advance(hours=5)
    now = clock.now()
    assert amounts(t.event(time=now - timedelta(minutes=59))) == [("r", "points", 7)]
    t.send(time=now - timedelta(minutes=60, seconds=1)).problem("too-late")


def test_A18_watermark_of_a_new_tenant_is_creation_minus_its_first_window(make_tenant):
    t = make_tenant(config(currency(), rule("r", pays=7), late_window_s=3600))
    t.apply(config(currency(), rule("r", pays=7), late_window_s=10 * 86400))
    assert amounts(t.event(time=NOON - timedelta(minutes=59))) == [("r", "points", 7)]
    t.send(time=NOON - timedelta(hours=2)).problem("too-late", "/time")
    ((watermark, created),) = t.stack.sql("SELECT watermark_ms, created_at FROM tenant WHERE code = %s", t.code)
    assert created - watermark == 3600 * 1000


def test_A18_watermark_of_a_tenant_that_had_no_configuration_follows_its_first(make_tenant, clock):
    """Who makes a tenant, then configures it, brought no history in: only `tenant create --preset` moved the watermark."""
    wide = config(currency(), rule("r", pays=7), late_window_s=30 * 86400)
    t, usual = make_tenant(), make_tenant()
    t.event(type="x", time=NOON - timedelta(days=2))
    clock.advance(days=1)
    t.apply(wide)
    assert amounts(t.event(time=NOON - timedelta(days=28))) == [("r", "points", 7)]
    t.send(time=NOON - timedelta(days=29, seconds=1)).problem("too-late", "/time")  # the window itself, from now
    usual.apply(config(currency(), rule("r", pays=7)))
    usual.apply(wide)  # not the first any more
    usual.send(time=NOON - timedelta(days=4)).problem("too-late", "/time")
    for tenant, days in ((t, 30), (usual, 3)):
        ((watermark, created),) = t.stack.sql("SELECT watermark_ms, created_at FROM tenant WHERE code = %s", tenant.code)
        assert created - watermark == days * 86400 * 1000


def test_A18_out_of_order_within_the_window_gives_the_same_totals(make_tenant):
    t = make_tenant(config(currency(daily_cap={"amount": 25}), rule("r", pays=10, count=[{"metric": "n", "by": 1}])))
    times = [NOON - timedelta(hours=h) for h in (1, 2, 3, 25, 26, 27)]
    for i, when in enumerate(times):
        t.event("forth", time=when)
        t.event("back", time=times[-1 - i])
    a, b = (t.points(m) for m in ("forth", "back"))
    assert a == b
    assert (a["balance"], a["earned_today"]) == (50, 25)
    assert [(c["period"], c["value"]) for c in t.show("forth")["counters"] if c["what"] == "metric"] == \
           [(c["period"], c["value"]) for c in t.show("back")["counters"] if c["what"] == "metric"]


def test_A18_repeats_come_before_the_time_check(make_tenant, clock):
    t = make_tenant(ONE)
    body = t.event_body(time=NOON)
    first = t.post(body)
    clock.advance(days=20)
    assert t.post(body).body == first.body
    t.post({**body, "data": {"x": 1}}).problem("event-id-reused")


def test_S7_context_is_shown_by_transactions_and_not_compared(make_tenant):
    t = make_tenant(ONE)
    context = {"reference": "order-7", "description": "A good deed", "actor": "boss", "ip": "192.0.2.1", "user_agent": "curl", "metadata": {"k": [1, 2]}}
    t.event(context=context)
    (line,) = t.transactions()["data"]
    assert (line["context"], line["description"]) == (context, "A good deed")
    stored = t.stack.stored()
    t.send(context={"reference": "x" * 4097}).problem("validation-failed", "/context/reference")
    t.send(context={"metadata": {"x": "y" * 4080}}).problem("validation-failed", "/context")
    t.send(context={"extra": 1}).problem("validation-failed", "/context/extra")
    t.send(context=[]).problem("validation-failed", "/context")
    assert t.stack.stored() == stored
