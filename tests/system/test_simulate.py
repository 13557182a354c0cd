"""Simulation (A17): the exact outcome that an event would have, now, at a given time, or under a proposed configuration; nothing is written."""
from datetime import timedelta

import pytest

from accolade import DATABASE, NOON, config, currency, grant, parallel, reasons, rfc3339, rule, var

RULES = config(
    currency(daily_cap={"amount": 25}), currency("xp"),
    {"kind": "level_ladder", "code": "career", "currency": "points", "levels": [{"at": 0}, {"at": 20, "name": "Two"}],
     "grant_each": [grant(100, "xp")]},
    rule("act", pays=10, count=[{"metric": "acts", "by": 1}], cooldown_s=60),
    rule("lucky", grant=[{"currency": "xp", "amount": {"random": [1, 1000]}}]),
    rule("agents", audience={"types": ["agent"]}, when={"in": ["red", var("member.groups.team")]}, grant=[grant(7, "xp")]),
    rule("rated", "call", when={"==": [var("event.data.rating"), 5]}, grant=[grant(3, "xp")]))


@pytest.fixture
def t(make_tenant):
    return make_tenant(RULES)


def simulate(t, event, **more):
    return t.call("POST", "/events/simulate", {"event": event, **more})


def without_ids(outcome):
    """An outcome without what only something that happened has."""
    grants = [{**g, "transfer": None} for g in outcome["grants"]]
    return {**{k: v for k, v in outcome.items() if k != "simulated"}, "grants": grants}


def test_a17_what_is_simulated_is_what_then_happens(t, clock):
    t.member("set", "m", "--type", "agent", "--groups", '{"team":["red"]}')
    seen = set()
    for step in range(16):
        clock.set(NOON + timedelta(seconds=40 * step))
        event = t.event_body("m", "call" if step % 5 == 4 else "act", data={"rating": 5})
        told = simulate(t, event).ok()
        assert told["simulated"] is True and "replayed" not in told
        assert all(g["transfer"] is None for g in told["grants"])
        happened = t.post(event).ok()
        assert without_ids(told) == without_ids(happened)
        assert all(g["transfer"] for g in happened["grants"])
        seen |= {g.get("rule") or g["ladder"] for g in told["grants"]} | set(reasons(told).values())
    assert seen >= {"act", "lucky", "agents", "rated", "career", "cooldown", "capped"}


def test_a17_of_nobody_yet_it_is_settled_as_a_new_member(t):
    before = t.stack.stored()
    told = simulate(t, t.event_body("nobody")).ok()
    assert told["grants"][0]["balance"] == 10 and reasons(told) == {"agents": "audience"}
    t.call("GET", "/members/nobody").problem("member-not-found")
    assert t.stack.stored() == before


def test_a17_an_event_that_was_settled_gives_its_first_answer(t):
    event = t.event_body("m")
    first = t.post(event).ok()
    told = simulate(t, event).ok()
    assert told == {**first, "replayed": True}
    assert simulate(t, event, config=config(currency())).ok() == told  # sent again it would be a repeat whatever the configuration
    simulate(t, {**event, "data": {"other": 1}}).problem("event-id-reused")
    t.member("erase", "m", "--yes")
    simulate(t, event).problem("erased")


def test_a17_at_a_given_time(t):
    t.event("m", time=NOON)
    assert reasons(simulate(t, t.event_body("m")).ok())["act"] == "cooldown"
    told = simulate(t, t.event_body("m"), at=rfc3339(NOON + timedelta(seconds=60))).ok()
    assert [g["amount"] for g in told["grants"] if g.get("rule") == "act"] == [10]
    tomorrow = rfc3339(NOON + timedelta(days=1))
    for _ in range(3):
        t.stack.clock.advance(seconds=61)
        t.event("m")
    assert reasons(simulate(t, t.event_body("m"), at=rfc3339(t.stack.clock.now() + timedelta(seconds=61))).ok())["act"] == "capped"
    assert "act" not in reasons(simulate(t, t.event_body("m"), at=tomorrow).ok())


def test_a17_times_are_judged_from_the_given_moment(t):
    late = t.event_body("m", time=NOON - timedelta(days=4))
    simulate(t, late).problem("too-late", "/event/time")
    simulate(t, t.event_body("m", time=NOON + timedelta(hours=1))).problem("too-early", "/event/time")
    simulate(t, t.event_body("m", time=NOON + timedelta(hours=1)), at=rfc3339(NOON + timedelta(hours=1))).ok()
    simulate(t, t.event_body("m", time=NOON - timedelta(hours=1)), at=rfc3339(NOON + timedelta(days=30))).problem("too-late", "/event/time")


def test_a17_under_a_proposed_configuration(t):
    for _ in range(2):
        t.event("m")
        t.stack.clock.advance(seconds=61)
    proposed = config(currency(), currency("gems"), rule("act", pays=1000, limits=[{"count": 2, "per": "day"}]),
                      rule("new", when={">": [var("metric.acts"), 1]}, count=[{"metric": "acts", "by": 1}], grant=[grant(5, "gems")]))
    before = t.stack.stored()
    event = t.event_body("m")
    told = simulate(t, event, config=proposed).ok()
    assert told["config_version"] == 2
    assert [(g["rule"], g["currency"], g["amount"]) for g in told["grants"]] == [("act", "points", 1000), ("new", "gems", 5)]
    assert told["counters"] == [{"metric": "acts", "by": 1, "value": 3}]
    assert simulate(t, event, config=t.export()).ok()["config_version"] == 1  # nothing would change
    assert t.stack.stored() == before
    t.apply(proposed)
    assert without_ids(t.post(event).ok()) == without_ids(told)


def test_a17_a_changed_zone_counts_from_midnight_in_what_is_proposed_too(t):
    capped = [currency(daily_cap={"amount": 10}), rule("act", pays=10)]
    t.apply(config(*capped, zone="UTC"))
    t.event("m", time=NOON)
    tokyo = config(*capped, zone="Asia/Tokyo")
    tonight = rfc3339(NOON + timedelta(hours=4))  # already tomorrow in Tokyo
    assert reasons(simulate(t, t.event_body("m"), at=tonight, config=tokyo).ok()) == {"act": "capped"}


def test_inv13_what_is_wrong_has_its_place(t):
    event = t.event_body("m")
    before = t.stack.stored()
    t.call("POST", "/events/simulate", {}).problem("validation-failed", "/event")
    t.call("POST", "/events/simulate", [event]).problem("validation-failed", "")
    simulate(t, {**event, "id": 5, "more": 1}, at="now", unknown=1).problem("validation-failed", "/event/id", "/event/more", "/at", "/unknown")
    simulate(t, event, config={"definitions": [rule("act", pays=1)]}).problem("invalid-definition", "/config/definitions/0/grant/0/currency")
    simulate(t, event, config={}).problem("validation-failed", "/config/definitions")
    simulate(t, {**event, "data": {"x": "y" * 16384}}).problem("body-too-large")
    assert t.stack.stored() == before


MYSQL = DATABASE == "mysqld"  # it counts no rows by table


def contents(stack):
    """{table: checksum or, on MariaDB, rows changed since the counters were reset}, without the lanes, whose leases are renewed."""
    name = stack.env["ACCOLADE_DB_NAME"]
    if not MYSQL:
        rows = stack.sql("SELECT table_name, rows_changed FROM information_schema.table_statistics WHERE table_schema = %s", name)
    else:
        tables = stack.sql("SELECT table_name FROM information_schema.tables WHERE table_schema = %s", name)
        rows = [(table.partition(".")[2], n) for table, n in stack.sql("CHECKSUM TABLE " + ", ".join(table for (table,) in tables))]
    return {table: n for table, n in rows if table != "lane" and n}


WRITES = ("Com_insert", "Com_delete", "Com_replace") + (("Innodb_rows_inserted", "Innodb_rows_deleted") if MYSQL else
                                                        ("Handler_write", "Handler_delete"))


def counters(stack):
    """The server's own counts of writes, of updates of rows, and of changes of lanes (MySQL: of commands that update, and do no more)."""
    status = dict(stack.sql("SHOW GLOBAL STATUS"))
    writes = {name: int(status[name]) for name in WRITES}
    if MYSQL:
        return writes, int(status["Innodb_rows_updated"]), int(status["Com_update"])
    lanes = stack.sql("SELECT rows_changed FROM information_schema.table_statistics WHERE table_name = 'lane' AND table_schema = %s",
                      stack.env["ACCOLADE_DB_NAME"])
    return writes, int(status["Handler_update"]), sum(int(n) for (n,) in lanes)


def count_rows_by_table(stack, on):
    if not MYSQL:
        stack.sql(f"SET GLOBAL userstat = {on:d}")
        stack.sql("FLUSH TABLE_STATISTICS")


def test_a17_the_databases_own_counters_say_that_nothing_is_written(t):
    t.member("set", "m", "--type", "agent", "--groups", '{"team":["red"]}')
    known = t.event_body("m")
    t.post(known).ok()
    count_rows_by_table(t.stack, True)
    try:
        before = contents(t.stack)
        writes, updates, lanes = counters(t.stack)
        parallel(4, lambda i: [simulate(t, t.event_body("m" if i % 2 else f"new-{i}")).ok() for _ in range(10)])
        simulate(t, known).ok()
        simulate(t, t.event_body("m"), at=rfc3339(NOON + timedelta(days=2)), config=config(currency("new"), rule("n", grant=[grant(1, "new")]))).ok()
        t.get("/members/m/why", rule="act").ok()
        t.get("/members", search="m").ok()
        t.get("/members/m/events").ok()
        t.get("/members/m/profile").ok()
        writes_after, updates_after, lanes_after = counters(t.stack)
        assert contents(t.stack) == before
        assert writes_after == writes
        # Idle workers renew their lanes meanwhile, one perhaps between the two readings.
        assert abs((updates_after - updates) - (lanes_after - lanes)) <= 1
        t.event("m")  # these counters do see what is written
        assert contents(t.stack)["outcome"] != before.get("outcome")
    finally:
        count_rows_by_table(t.stack, False)
