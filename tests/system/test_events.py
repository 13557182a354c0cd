"""Events become points: what a rule earns, and what the answer says of it (A1–A11, A15; SEMANTICS 5, 9–17, 27)."""
import re
import time
from datetime import timedelta

import pytest

from accolade import NOON, amounts, at, config, currency, grant, reasons, rfc3339, rule, var

UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
EMPTY = {"grants": [], "denied": [], "counters": [], "levels": [], "streaks": [], "goals": [], "badges": [], "pending": []}


def without_transfers(outcome):
    """The outcome with its transfers' ids taken out, each of which is looked at."""
    grants = []
    for g in outcome["grants"]:
        assert UUID7.fullmatch(g["transfer"]), g
        grants.append({k: v for k, v in g.items() if k != "transfer"})
    ids = [g["transfer"] for g in outcome["grants"]]
    assert len(set(ids)) == len(ids)
    return {**outcome, "grants": grants}


def test_A1_fixed_points_and_a_change_without_deploy(make_tenant):
    t = make_tenant(config(currency(), rule("act-done", pays=7)))
    assert amounts(t.event()) == [("act-done", "points", 7)]
    t.apply(config(currency(), rule("act-done", pays=9)))
    second = t.event()
    assert amounts(second) == [("act-done", "points", 9)]
    assert second["config_version"] == 2
    assert t.balance() == 16


def test_A15_the_whole_answer_of_design_13(make_tenant):
    t = make_tenant(config(currency(), rule(
        "call-completed", "call.completed", count=[{"metric": "calls", "by": 1}],
        grant=[grant(10, factors=[{"when": {"===": [var("event.data.rating"), 5]}, "multiply": 2, "why": "perfect call"}])]),
        rule("early-bird", "call.completed", when={"<": [{"hour": []}, 8]}, pays=5)))
    body = {"source": "dialer", "id": "c-8841", "type": "call.completed", "member": "agent-17", "time": rfc3339(NOON), "data": {"rating": 5}}
    answer = t.post(body)
    assert without_transfers(answer.ok()) == {
        "source": "dialer", "id": "c-8841", "status": "processed", "member": "agent-17", "config_version": 1,
        "grants": [{"rule": "call-completed", "currency": "points", "base": 10, "amount": 20, "balance": 20,
                    "steps": [{"why": "perfect call", "multiply": 2}]}],
        "denied": [{"rule": "early-bird", "reason": "condition", "part": "/when"}],
        "counters": [{"metric": "calls", "by": 1, "value": 1}],
        "levels": [], "streaks": [], "goals": [], "badges": [], "pending": []}
    assert not answer.replayed
    assert answer.headers["x-request-id"]


def test_A15_an_event_that_earns_nothing_says_so(make_tenant):
    t = make_tenant(config(currency(), rule("act-done", pays=7)))
    outcome = t.event(type="never.named", id="e1")
    assert outcome == {"source": "test", "id": "e1", "status": "processed", "member": "m", "config_version": 1, **EMPTY}
    assert t.balance() == 0
    assert t.stored_event("test", "e1").ok() == outcome


def test_S5_unknown_member_is_created_by_an_event_and_404_elsewhere(make_tenant):
    t = make_tenant(config(currency(), rule("act-done", pays=7)))
    for path in ("points", "levels", "transactions"):
        t.get(f"/members/newcomer/{path}").problem("member-not-found")
    t.adjust("newcomer", 5).problem("member-not-found")
    t.get("/members/newcomer/points").problem("member-not-found")
    t.join("newcomer")
    assert t.balance("newcomer") == 0


def test_A2_condition_on_event_data(make_tenant):
    t = make_tenant(config(currency(), rule("big", when={"and": [{">=": [var("event.data.sum"), 100]}, {"==": [var("event.data.ok"), True]}]}, pays=3)))
    assert amounts(t.event(data={"sum": 100, "ok": True})) == [("big", "points", 3)]
    assert t.event(data={"sum": 99, "ok": True})["denied"] == [{"rule": "big", "reason": "condition", "part": "/when/and/0"}]
    assert t.event(data={"sum": 100, "ok": False})["denied"] == [{"rule": "big", "reason": "condition", "part": "/when/and/1"}]
    assert t.event()["denied"] == [{"rule": "big", "reason": "condition", "part": "/when/and/0"}]
    assert t.balance() == 3


def test_A2_condition_on_attributes_groups_metrics_and_level_of_the_member(make_tenant):
    ladder = {"kind": "level_ladder", "code": "career", "currency": "points", "levels": [{"at": 0}, {"at": 10}]}
    t = make_tenant(config(
        currency(), ladder,
        rule("tier", "a", when={"==": [var("member.attributes.tier"), "gold"]}, pays=1),
        rule("red", "a", when={"in": ["red", var("member.groups.team")]}, pays=2),
        rule("third", "a", when={">=": [var("metric.acts"), 2]}, count=[{"metric": "acts", "by": 1}], pays=4),
        rule("senior", "a", when={">=": [var("member.level.career"), 2]}, pays=8)))
    assert reasons(t.event(type="a")) == dict.fromkeys(["tier", "red", "third", "senior"], "condition")
    t.member("set", "m", "--attributes", '{"tier":"gold"}', "--groups", '{"team":["blue","red"]}')
    assert amounts(t.event(type="a")) == [("red", "points", 2), ("tier", "points", 1)]
    assert t.counter("m", "acts") is None  # third's condition never passed, so nothing was counted
    t.adjust(amount=7).ok(201)
    assert amounts(t.event(type="a")) == [("red", "points", 2), ("senior", "points", 8), ("tier", "points", 1)]


def test_A2_factors_multiply_then_add_in_listed_order_and_one_floor_at_the_end(make_tenant):
    t = make_tenant(config(currency(), rule("r", grant=[grant(100, factors=[
        {"multiply": 1.15, "why": "weekend"},
        {"when": {"==": [var("event.data.double"), 1]}, "multiply": 2, "add": -0.5},
        {"add": 0.75, "why": "extra"}])])))
    first = t.event()["grants"][0]
    assert (first["base"], first["amount"]) == (100, 115)  # 115.75; a double would make 114 of 100 × 1.15
    assert first["steps"] == [{"why": "weekend", "multiply": 1.15}, {"why": "extra", "add": 0.75}]
    second = t.event(data={"double": 1})["grants"][0]
    assert second["amount"] == 230  # 115 × 2 − 0.5 + 0.75 = 230.25
    assert second["steps"] == [{"why": "weekend", "multiply": 1.15}, {"multiply": 2, "add": -0.5}, {"why": "extra", "add": 0.75}]
    assert t.balance() == 345


def test_S10_a_result_below_one_is_denied_zero_and_writes_no_entry(make_tenant):
    t = make_tenant(config(currency(), rule("r", grant=[grant(1, factors=[{"multiply": 0.5}])], limits=[{"count": 1, "per": "ever"}])))
    for _ in range(2):  # nor does it use the limit
        assert without_transfers(t.event())["denied"] == [{"rule": "r", "reason": "zero"}]
    assert t.transactions()["data"] == []


@pytest.mark.parametrize("hours, base, amount", [(1, 5, 5), (2.5, 12.5, 12), (0.1, 0.5, None), (7.999999, 39.999995, 39)])
def test_A3_amount_computed_from_the_event(make_tenant, hours, base, amount):
    t = make_tenant(config(currency(), rule("hours", grant=[grant({"*": [5, var("event.data.hours")]})])))
    outcome = t.event(data={"hours": hours})
    if amount is None:
        assert outcome["grants"] == [] and reasons(outcome) == {"hours": "zero"}
    else:
        assert (outcome["grants"][0]["base"], outcome["grants"][0]["amount"]) == (base, amount)
    assert t.balance() == (amount or 0)


def test_A3_points_by_complexity(make_tenant):
    by = {"if": [{"==": [var("event.data.complexity"), "high"]}, 50, {"==": [var("event.data.complexity"), "medium"]}, 25, 10]}
    t = make_tenant(config(currency(), rule("ticket", grant=[grant(by)])))
    assert [t.event(data={"complexity": c})["grants"][0]["amount"] for c in ("low", "medium", "high")] == [10, 25, 50]


def test_A4_random_is_within_bounds_the_same_for_the_same_event_and_differs_by_id(make_tenant):
    t = make_tenant(config(currency(), rule("post", grant=[grant({"random": [20, 35]})])))
    bodies = [t.event_body(id=f"p{i}") for i in range(400)]
    drawn = [o["grants"][0]["amount"] for o in t.events(bodies)]
    assert set(drawn) == set(range(20, 36))  # both ends included; 16 values, 400 draws: the chance that one is missing is 1e-10
    again = [o["grants"][0]["amount"] for o in t.events(bodies)]
    assert again == drawn
    assert t.balance() == sum(drawn)
    # The rule's code is part of what it is drawn from, the moment is not.
    t.apply(config(currency(), rule("other", grant=[grant({"random": [20, 35]})])))
    other = [o["grants"][0]["amount"] for o in t.events([t.event_body("m2", id=f"q{i}") for i in range(50)])]
    assert other != drawn[:50]


def test_A4_configuration_bounds(make_tenant):
    t = make_tenant(config(currency(), rule("post", grant=[grant({"random": [1, 1000]})])))
    assert 1 <= t.event()["grants"][0]["amount"] <= 1000
    t.apply(config(currency(), rule("post", grant=[grant({"random": [17, 17]})])))
    assert t.event()["grants"][0]["amount"] == 17


def test_A6_cooldown_by_event_time_on_either_side(make_tenant):
    t = make_tenant(config(currency(), rule("chat", pays=5, cooldown_s=60, count=[{"metric": "chats", "by": 1}])))
    start = NOON - timedelta(hours=1)

    def chat(seconds):
        outcome = t.event(time=start + timedelta(seconds=seconds))
        return outcome["denied"] or [g["amount"] for g in outcome["grants"]]

    def denied(until):
        return [{"rule": "chat", "reason": "cooldown", "next_at": rfc3339(start + timedelta(seconds=until))}]

    assert chat(0) == [5]
    assert chat(59.999) == denied(60)
    assert chat(60) == [5]  # exactly cooldown_s passes
    assert chat(119) == denied(120)
    assert chat(-59) == denied(60)  # too near before the first paid event: next_at is that event + the cooldown
    assert chat(-60) == [5]
    assert chat(-120.5) == [5]
    assert chat(-90) == denied(0)  # between −120.5 and −60: the later one says when
    assert chat(300) == [5]
    assert chat(200) == [5]  # late, more than 60 s away from 60 and from 300
    assert chat(241) == denied(360)
    assert t.balance() == 30
    assert t.counter("m", "chats") == 11  # counted whatever the cooldown says (SEMANTICS 12)


def test_A6_only_paid_events_start_a_cooldown_and_each_member_has_its_own(make_tenant):
    t = make_tenant(config(currency(), rule("chat", pays=5, cooldown_s=60, when={"!=": [var("event.data.bot"), True]})))
    start = NOON - timedelta(hours=1)
    assert reasons(t.event(time=start, data={"bot": True})) == {"chat": "condition"}
    assert amounts(t.event(time=start + timedelta(seconds=1))) == [("chat", "points", 5)]
    assert reasons(t.event(time=start + timedelta(seconds=59))) == {"chat": "cooldown"}
    assert amounts(t.event(time=start + timedelta(seconds=61))) == [("chat", "points", 5)]  # the denied one did not prolong it
    assert amounts(t.event("other", time=start + timedelta(seconds=2))) == [("chat", "points", 5)]


@pytest.mark.parametrize("per, first, last, after", [
    ("hour", "2030-02-13T10:00", "2030-02-13T10:59:59.999", "2030-02-13T11:00"),
    ("day", "2030-02-12T00:00", "2030-02-12T23:59:59.999", "2030-02-13T00:00"),
    ("week", "2030-02-04T00:00", "2030-02-10T23:59:59.999", "2030-02-11T00:00"),  # Monday to Sunday
    ("month", "2030-01-01T00:00", "2030-01-31T23:59:59.999", "2030-02-01T00:00"),
])
def test_A7_limit_per_calendar_period(make_tenant, per, first, last, after):
    t = make_tenant(config(currency(), rule("r", pays=1, limits=[{"count": 2, "per": per}]), late_window_s=60 * 86400))
    first, last, after = map(at, (first, last, after))
    assert amounts(t.event(time=last)) == [("r", "points", 1)]
    assert amounts(t.event(time=first)) == [("r", "points", 1)]
    assert t.event(time=first)["denied"] == [{"rule": "r", "reason": "limit", "next_at": rfc3339(after), "part": "/limits/0"}]
    assert amounts(t.event(time=after)) == [("r", "points", 1)]
    assert t.event(time=last)["denied"] == [{"rule": "r", "reason": "limit", "next_at": rfc3339(after), "part": "/limits/0"}]
    assert amounts(t.event(time=first - timedelta(milliseconds=1))) == [("r", "points", 1)]
    assert amounts(t.event("other", time=first)) == [("r", "points", 1)]
    assert t.balance() == 4


def test_A7_limit_ever_has_no_next_at(make_tenant):
    t = make_tenant(config(currency(), rule("welcome", pays=50, limits=[{"count": 1, "per": "ever"}])))
    assert t.event()["grants"][0]["amount"] == 50
    assert t.event()["denied"] == [{"rule": "welcome", "reason": "limit", "part": "/limits/0"}]


def test_A7_of_several_limits_the_one_that_holds_longest_says_when(make_tenant):
    t = make_tenant(config(currency(), rule("r", pays=1, limits=[{"count": 1, "per": "hour"}, {"count": 2, "per": "day"}])))
    nine, ten = at("2030-02-13T09:30"), at("2030-02-13T10:30")
    t.event(time=nine)
    assert t.event(time=nine)["denied"] == [{"rule": "r", "reason": "limit", "next_at": "2030-02-13T10:00:00.000Z", "part": "/limits/0"}]
    t.event(time=ten)
    assert t.event(time=ten)["denied"] == [{"rule": "r", "reason": "limit", "next_at": "2030-02-14T00:00:00.000Z", "part": "/limits/1"}]


def test_A7_limit_in_a_zone_of_its_own(make_tenant):
    t = make_tenant(config(currency(), rule("r", pays=1, limits=[{"count": 1, "per": "day", "zone": "America/New_York"}])))
    assert amounts(t.event(time=at("2030-02-13T04:59:59"))) == [("r", "points", 1)]  # 23:59:59 of the 12th there
    assert t.event(time=at("2030-02-13T04:00"))["denied"][0]["next_at"] == "2030-02-13T05:00:00.000Z"
    assert amounts(t.event(time=at("2030-02-13T05:00"))) == [("r", "points", 1)]


def test_S16_A9_first_of_the_day_by_limit_and_priority(make_tenant):
    t = make_tenant(config(currency(), rule("act", pays=10), rule("first", pays=5, priority=10, limits=[{"count": 1, "per": "day"}])))
    assert amounts(t.event(time=at("2030-02-12T09:00"))) == [("first", "points", 5), ("act", "points", 10)]
    assert amounts(t.event(time=at("2030-02-12T10:00"))) == [("act", "points", 10)]
    assert amounts(t.event(time=at("2030-02-13T00:00"))) == [("first", "points", 5), ("act", "points", 10)]
    assert t.balance() == 40


# ---- A8: the daily cap ----

CAREER = {"kind": "level_ladder", "code": "career", "currency": "points",
          "levels": [{"at": 0}, {"at": 1000}, {"at": 2000}]}


def capped(amount=500, plus=50, **more):
    return config(currency(daily_cap={"amount": amount, "plus_per_level": plus, "ladder": "career", **more}), CAREER,
                  rule("work", grant=[grant({"if": [var("event.data.n"), var("event.data.n"), 1]})], count=[{"metric": "works", "by": 1}],
                       cooldown_s=1))


def test_A8_partial_grant_up_to_the_cap_then_denied(make_tenant):
    t = make_tenant(capped())
    day, reset = at("2030-02-13T08:00"), "2030-02-14T00:00:00.000Z"
    assert amounts(t.event(time=day, data={"n": 495})) == [("work", "points", 495)]
    (partial,) = t.event(time=day + timedelta(seconds=5), data={"n": 20})["grants"]
    del partial["transfer"]
    assert partial == {"rule": "work", "currency": "points", "base": 20, "amount": 5, "balance": 500, "steps": [], "uncapped": 20,
                       "reason": "capped", "cap": {"amount": 500, "used": 500, "resets_at": reset}}
    whole = t.event(time=day + timedelta(seconds=10), data={"n": 20})
    assert whole["grants"] == []
    assert whole["denied"] == [{"rule": "work", "reason": "capped", "next_at": reset, "cap": {"amount": 500, "used": 500, "resets_at": reset}}]
    assert whole["counters"] == [{"metric": "works", "by": 1, "value": 3}]
    # Wholly capped starts no cooldown: half a second later the reason is the cap again.
    assert reasons(t.event(time=day + timedelta(seconds=10.5), data={"n": 1})) == {"work": "capped"}
    assert t.points() == {"currency": "points", "balance": 500, "held": 0, "available": 500, "lifetime_earned": 500, "lifetime_spent": 0,
                          "earned_today": 500, "daily_cap": {"amount": 500, "used": 500, "left": 0, "resets_at": reset}}


def test_A8_exactly_the_cap_is_no_partial_grant(make_tenant):
    t = make_tenant(capped())
    (g,) = t.event(data={"n": 500})["grants"]
    assert g["amount"] == 500 and "uncapped" not in g and "cap" not in g and "reason" not in g


def test_A8_cap_rises_by_50_per_level_as_before_the_event(make_tenant):
    t = make_tenant(capped())
    t.join()
    t.adjust(amount=999).ok(201)  # an adjustment is not capped, and is lifetime earned (SEMANTICS 15, 18)
    day = at("2030-02-13T08:00")
    first = t.event(time=day, data={"n": 600})
    assert first["grants"][0]["amount"] == 500  # level 1 before it
    assert first["levels"] == [{"ladder": "career", "from": 1, "to": 2, "name": None, "privileges": []}]
    second = t.event(time=day + timedelta(seconds=2), data={"n": 600})["grants"][0]
    assert (second["amount"], second["cap"]) == (50, {"amount": 550, "used": 550, "resets_at": "2030-02-14T00:00:00.000Z"})
    t.adjust(amount=500).ok(201)  # level 3
    third = t.event(time=day + timedelta(seconds=4), data={"n": 600})["grants"][0]
    assert (third["amount"], third["cap"]["amount"], third["cap"]["used"]) == (50, 600, 600)


def test_A8_late_events_of_yesterday_use_yesterdays_room(make_tenant):
    t = make_tenant(capped(plus=0))
    today, yesterday = at("2030-02-13T08:00"), at("2030-02-12T08:00")
    assert t.event(time=yesterday, data={"n": 300})["grants"][0]["amount"] == 300
    assert t.event(time=today, data={"n": 500})["grants"][0]["amount"] == 500
    late = t.event(time=yesterday + timedelta(hours=1), data={"n": 300})["grants"][0]
    assert (late["amount"], late["cap"]) == (200, {"amount": 500, "used": 500, "resets_at": "2030-02-13T00:00:00.000Z"})
    assert reasons(t.event(time=yesterday + timedelta(hours=2), data={"n": 1})) == {"work": "capped"}
    assert reasons(t.event(time=today + timedelta(hours=2), data={"n": 1})) == {"work": "capped"}
    assert t.points()["earned_today"] == 500
    assert t.points()["lifetime_earned"] == 1000


def test_A8_cap_in_a_named_zone(make_tenant):
    t = make_tenant(capped(zone="Asia/Tokyo"))
    late_evening = at("2030-02-12T14:59:59")  # 23:59:59 in Tokyo
    (g,) = t.event(time=late_evening, data={"n": 501})["grants"]
    assert g["cap"]["resets_at"] == "2030-02-12T15:00:00.000Z"
    assert t.event(time=at("2030-02-12T15:00"), data={"n": 500})["grants"][0]["amount"] == 500


def test_A8_cap_is_shared_by_the_rules_of_one_event_in_their_order(make_tenant):
    t = make_tenant(config(currency(daily_cap={"amount": 15}), rule("b", pays=10), rule("a", pays=10), rule("c", pays=10, priority=1)))
    outcome = t.event()
    assert amounts(outcome) == [("c", "points", 10), ("a", "points", 5)]
    assert reasons(outcome) == {"b": "capped"}


# ---- A10 and the rest of the reasons ----

def test_A10_starts_at_and_ends_at(make_tenant):
    t = make_tenant(config(currency(), rule("r", pays=1, starts_at="2030-02-12T00:00:00Z", ends_at="2030-02-13T00:00:00Z")))
    ms = timedelta(milliseconds=1)
    start, end = at("2030-02-12"), at("2030-02-13")
    assert t.event(time=start - ms)["denied"] == [{"rule": "r", "reason": "inactive", "part": "/starts_at"}]
    assert amounts(t.event(time=start)) == [("r", "points", 1)]
    assert amounts(t.event(time=end - ms)) == [("r", "points", 1)]
    assert t.event(time=end)["denied"] == [{"rule": "r", "reason": "inactive", "part": "/ends_at"}]


def test_A10_disabled_rule_and_disabled_tenant_S27(make_tenant):
    rules = [currency(), rule("off", pays=1, enabled=False, count=[{"metric": "n", "by": 1}]), rule("on", pays=2)]
    t = make_tenant(config(*rules))
    outcome = t.event()
    assert outcome["denied"] == [{"rule": "off", "reason": "inactive", "part": "/enabled"}]
    assert (amounts(outcome), outcome["counters"]) == ([("on", "points", 2)], [])
    t.apply(config(*rules, enabled=False))
    first = t.event(id="closed")
    assert first["denied"] == [{"rule": "off", "reason": "inactive"}, {"rule": "on", "reason": "inactive"}]
    assert t.event(type="never.named")["denied"] == [{"reason": "inactive"}]
    t.apply(config(*rules))
    assert t.send(id="closed").ok() == first  # stored, never paid later
    assert t.balance() == 2


def test_A10_audience_by_type_and_by_expression(make_tenant):
    t = make_tenant(config(currency(), rule("paid", pays=1, audience={"types": ["paid", "vip"]}, count=[{"metric": "n", "by": 1}]),
                           rule("de", pays=2, audience={"when": {"==": [var("member.attributes.country"), "de"]}})))
    first = t.event()
    assert first["denied"] == [{"rule": "de", "reason": "audience", "part": "/audience/when"},
                               {"rule": "paid", "reason": "audience", "part": "/audience/types"}]
    assert first["counters"] == []
    t.member("set", "m", "--type", "paid")
    assert amounts(t.event()) == [("paid", "points", 1)]
    t.member("set", "m", "--type", "free", "--attributes", '{"country":"de"}')
    assert amounts(t.event()) == [("de", "points", 2)]


def test_A11_what_a_client_suggests_is_ignored(make_tenant):
    t = make_tenant(config(currency(), rule("r", pays=7)))
    assert amounts(t.event(data={"amount": 1000, "points": 1000, "grants": [{"currency": "points", "amount": 1000}], "rule": "r"})) == [("r", "points", 7)]
    t.send(amount=1000).problem("validation-failed", "/amount")
    t.send(grants=[]).problem("validation-failed", "/grants")
    assert t.balance() == 7


def test_S10_order_is_priority_then_code_and_all_see_the_state_before(make_tenant):
    counts = [{"metric": "n", "by": 1}]
    t = make_tenant(config(
        currency(), rule("z", pays=1, priority=5, count=counts), rule("b", pays=2, count=counts), rule("a", pays=4), rule("y", pays=8, priority=-1),
        rule("sees", pays=16, priority=-2, when={"==": [var("metric.n"), 0]})))
    outcome = t.event()
    assert amounts(outcome) == [("z", "points", 1), ("a", "points", 4), ("b", "points", 2), ("y", "points", 8), ("sees", "points", 16)]
    assert [g["balance"] for g in outcome["grants"]] == [1, 5, 7, 15, 31]
    assert outcome["counters"] == [{"metric": "n", "by": 2, "value": 2}]
    assert reasons(t.event()) == {"sees": "condition"}


def test_S12_count_applies_whatever_the_limit_says_unless_count_when_paid(make_tenant):
    once = [{"count": 1, "per": "ever"}]
    t = make_tenant(config(currency(), rule("always", pays=1, limits=once, count=[{"metric": "tries", "by": 1}, {"metric": "hours", "by": 0.125}]),
                           rule("paid", pays=1, limits=once, count=[{"metric": "wins", "by": {"*": [2, var("event.data.n")]}}], count_when="paid")))
    first = t.event(data={"n": 1.5})
    assert first["counters"] == [{"metric": "tries", "by": 1, "value": 1}, {"metric": "hours", "by": 0.125, "value": 0.125},
                                 {"metric": "wins", "by": 3, "value": 3}]
    second = t.event(data={"n": 1.5})
    assert second["counters"] == [{"metric": "tries", "by": 1, "value": 2}, {"metric": "hours", "by": 0.125, "value": 0.25}]
    assert (t.counter("m", "tries"), t.counter("m", "hours"), t.counter("m", "wins")) == (2, 0.25, 3)


def test_S9_metric_periods_in_expressions(make_tenant):
    t = make_tenant(config(currency(), rule("day3", "a", pays=1, when={"==": [var("metric.acts.day"), 2]}, count=[{"metric": "acts", "by": 1}]),
                           rule("n", "a", count=[{"metric": "acts", "by": 1}])))
    days = [at("2030-02-12T09:00"), at("2030-02-12T10:00"), at("2030-02-12T11:00"), at("2030-02-13T09:00"), at("2030-02-12T12:00")]
    assert [len(t.event(type="a", time=d)["grants"]) for d in days] == [0, 0, 1, 0, 0]
    # 2 events of the 12th; the third paid and counted twice; one today; the late one saw 4 of the 12th.
    assert t.counter("m", "acts") == 6
    assert t.counter("m", "acts", "day") == 1


def test_S9_expression_fault_denies_its_rule_alone(make_tenant):
    t = make_tenant(config(currency(), rule("bad-when", when={">": [{"/": [1, var("event.data.zero")]}, 0]}, pays=1),
                           rule("bad-amount", grant=[grant({"-": [var("event.data.text"), 1]})], count=[{"metric": "n", "by": 1}]),
                           rule("good", pays=2)))
    outcome = t.event(data={"zero": 0, "text": "abc"})
    assert amounts(outcome) == [("good", "points", 2)]
    assert outcome["denied"] == [
        {"rule": "bad-amount", "reason": "expression", "part": "/grant/0/amount"},
        {"rule": "bad-when", "reason": "expression", "part": "/when/>/0"}]
    assert outcome["counters"] == [{"metric": "n", "by": 1, "value": 1}]


def test_S9_an_expression_that_takes_too_many_steps_denies_its_rule(make_tenant):
    loop = {"reduce": [var("event.data.list"), {"+": [{"reduce": [var("current"), {"+": [var("accumulator"), 1, 1, 1]}, 0]}, var("accumulator")]}, 0]}
    t = make_tenant(config(currency(), rule("heavy", when={">=": [loop, 0]}, pays=1), rule("light", pays=2)))
    assert amounts(t.event(data={"list": [[1, 2], [3]]})) == [("heavy", "points", 1), ("light", "points", 2)]
    outcome = t.event(data={"list": [[1] * 70] * 80})
    assert amounts(outcome) == [("light", "points", 2)]
    assert reasons(outcome) == {"heavy": "expression"}


def test_S5_suspended_member_is_processed_denied_and_never_paid_later(make_tenant):
    t = make_tenant(config(currency(), rule("r", pays=7, count=[{"metric": "n", "by": 1}], limits=[{"count": 1, "per": "ever"}])))
    t.join()
    assert t.member("suspend", "m")["status"] == "suspended"
    outcome = t.event(id="while")
    assert outcome["denied"] == [{"rule": "r", "reason": "suspended"}]
    assert (outcome["grants"], outcome["counters"]) == ([], [])
    assert t.event(type="never.named")["denied"] == [{"reason": "suspended"}]
    t.member("restore", "m")
    repeat = t.send(id="while")
    assert (repeat.ok(), repeat.replayed) == (outcome, True)
    assert t.balance() == 0
    assert amounts(t.event()) == [("r", "points", 7)]  # the denied one used no limit
    assert t.counter("m", "n") == 1


def test_S41_suspended_tenant_is_403_for_all_its_keys(make_tenant):
    t = make_tenant(config(currency(), rule("r", pays=7)))
    other = t.new_key("members:read")
    t.event(id="before")
    t.stack.cli("tenant", "suspend", t.code)
    t.send(id="x").problem("tenant-suspended")
    t.post([t.event_body(id="y")]).problem("tenant-suspended")
    t.send(id="before").problem("tenant-suspended")
    t.call("GET", "/members/m/points", headers={"Authorization": f"Bearer {other}"}).problem("tenant-suspended")
    t.adjust(amount=1).problem("tenant-suspended")
    t.stack.cli("tenant", "restore", t.code)
    t.join("someone")  # a write sees it at once
    time.sleep(0.6)  # a read may use a record of 500 ms
    assert t.balance() == 7
    t.stored_event("test", "x").problem("event-not-found")
    t.stored_event("test", "y").problem("event-not-found")


def test_A15_several_currencies_in_one_rule(make_tenant):
    t = make_tenant(config(currency(), currency("xp", spendable=False, daily_cap={"amount": 10}),
                           rule("r", grant=[grant(3), grant(8, "xp")])))
    assert amounts(t.event()) == [("r", "points", 3), ("r", "xp", 8)]
    second = t.event()
    assert amounts(second) == [("r", "points", 3), ("r", "xp", 2)]
    third = t.event()
    assert amounts(third) == [("r", "points", 3)]
    assert third["denied"] == [{"rule": "r", "reason": "capped", "currency": "xp", "next_at": "2030-02-14T00:00:00.000Z",
                                "cap": {"amount": 10, "used": 10, "resets_at": "2030-02-14T00:00:00.000Z"}}]
    assert (t.balance(), t.balance("m", "xp")) == (9, 10)


def test_S1_ids_with_slashes_and_unicode_are_compared_bytewise(make_tenant):
    t = make_tenant(config(currency(), rule("r", pays=1)))
    cases = [("urn:x/y//z", "a/b", "agent/17"), ("ä ö", "% 2F", "m%41"), ("A", "Ä", "…"), ("a", "a\u0308", "M"), ("Case", "x?y#z&", "m+ m")]
    for source, id, member in cases:
        outcome = t.event(member, source=source, id=id)
        assert (outcome["source"], outcome["id"], outcome["member"]) == (source, id, member)
        assert t.stored_event(source, id).ok() == outcome
        assert t.balance(member) == 1
        assert t.transactions(member)["data"][0]["source"]["event"] == {"source": source, "id": id, "type": "act"}
    t.stored_event("case", "x?y#z&").problem("event-not-found")
    t.get("/members/AGENT%2F17/points").problem("member-not-found")


def test_S1_ids_of_128_bytes(make_tenant):
    t = make_tenant(config(currency(), rule("r", pays=1)))
    longest = "é" * 64
    assert t.event(longest, source=longest, id=longest)["member"] == longest
    assert t.stored_event(longest, longest).status == 200
    before = t.stack.stored()
    for field in ("source", "id", "member"):
        t.post({**t.event_body(), field: longest + "x"}).problem("validation-failed", f"/{field}")
    assert t.stack.stored() == before
