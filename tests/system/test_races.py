"""The same thing at the same instant: one effect, equal answers, never beyond a cap (invariants 3 and 4)."""
import json
import random
import signal
import threading
import time
from pathlib import Path

import pytest

from accolade import SLOW, config, currency, grant, parallel, rule, var
from fastcgi import Connection, Master, ask, message, send


@pytest.mark.parametrize("round", range(4))
def test_A12_the_same_event_32_times_at_once_is_one_effect_and_32_equal_bodies(make_tenant, round):
    t = make_tenant(config(currency(), rule("r", grant=[grant({"random": [1, 1000]})], count=[{"metric": "n", "by": 1}])))
    if round % 2:
        t.event(type="never.named")  # in the other rounds the member is new, too
    body = t.event_body()
    answers = parallel(32, lambda i: t.post(body))
    assert {a.status for a in answers} == {200}
    assert len({a.body for a in answers}) == 1
    assert [a.replayed for a in answers].count(False) == 1
    assert t.balance() == answers[0].json["grants"][0]["amount"]
    assert t.counter("m", "n") == 1
    assert t.stack.sql("SELECT COUNT(*) FROM outcome WHERE tenant_id = %s", t.id) == ((1 + round % 2,),)


def test_A12_the_same_event_among_others_in_sets(make_tenant):
    t = make_tenant(config(currency(), rule("r", pays=3)))
    body = t.event_body()
    answers = parallel(48, lambda i: t.post(body if i % 3 else t.event_body(f"m{i % 4}")))
    assert {a.status for a in answers} == {200}
    same = [a for i, a in enumerate(answers) if i % 3]
    assert len({a.body for a in same}) == 1 and [a.replayed for a in same].count(False) == 1
    assert sum(t.balance(m) for m in ("m", "m0", "m1", "m2", "m3")) == 3 * (1 + 16)


def test_A12_single_and_array_at_once(make_tenant):
    t = make_tenant(config(currency(), rule("r", pays=1)))
    bodies = [t.event_body(f"m{i % 3}") for i in range(12)]

    def one(i):
        if i % 2:
            return [a.json for a in (t.post(b) for b in bodies)]
        return t.events(bodies if i % 4 else bodies[::-1])[::1 if i % 4 else -1]

    answers = parallel(8, one)
    plain = [[{k: v for k, v in o.items() if k != "replayed"} for o in answer] for answer in answers]
    assert all(p == plain[0] for p in plain)
    assert sum(t.balance(f"m{i}") for i in range(3)) == 12


def test_inv3_an_item_settled_elsewhere_meanwhile_leaves_the_rest_of_its_set_whole(make_tenant):
    """Between the first look at the identities and their claim: a new member of the set is held up by another transaction."""
    t = make_tenant(config(currency(), rule("r", pays=1)))
    t.join("old")
    bodies, results = [t.event_body("old"), t.event_body("new"), t.event_body("old")], []
    other = t.stack.db()
    other.begin()
    other.cursor().execute("INSERT INTO member_key (tenant_id, external_id, member_no, sealing_key, state) VALUES (%s, 'new', 7, %s, 0)", (t.id, b"k" * 16))
    array = threading.Thread(target=lambda: results.extend(t.events(bodies)))
    array.start()
    time.sleep(0.3)
    first = t.event(**{k: bodies[0][k] for k in ("member", "source", "id")})
    other.rollback()
    other.close()
    array.join()
    assert results[0] == {**first, "replayed": True}
    assert [("replayed" in o, o["grants"][0]["balance"]) for o in results] == [(True, 1), (False, 1), (False, 2)]
    assert t.events(bodies) == [{**o, "replayed": True} for o in results]
    assert t.stack.sql("SELECT COUNT(*), SUM(rows_of), MAX(i) FROM outcome WHERE tenant_id = %s AND rows_of = 2", t.id) == ((2, 4, 2),)


def test_A8_inv4_32_threads_on_one_member_with_cap_are_exact(make_tenant):
    t = make_tenant(config(currency(daily_cap={"amount": 100}), rule("r", pays=7, count=[{"metric": "n", "by": 1}])))
    outcomes = parallel(32, lambda i: t.event())
    paid = sorted((g["balance"], g["amount"]) for o in outcomes for g in o["grants"])
    assert paid == [(7 * i, 7) for i in range(1, 15)] + [(100, 2)]
    assert [d["reason"] for o in outcomes for d in o["denied"]] == ["capped"] * 17
    assert t.balance() == 100
    assert t.counter("m", "n") == 32


def test_A7_inv4_limit_and_cooldown_race(make_tenant):
    t = make_tenant(config(currency(), rule("limited", "a", pays=1, limits=[{"count": 5, "per": "day"}]), rule("cool", "a", pays=10, cooldown_s=3600)))
    when = t.stack.clock.now()
    outcomes = parallel(24, lambda i: t.event(type="a", time=when))
    assert sum(g["rule"] == "limited" for o in outcomes for g in o["grants"]) == 5
    assert sum(g["rule"] == "cool" for o in outcomes for g in o["grants"]) == 1
    assert t.balance() == 15


def test_inv4_32_clients_on_one_member_cap_cooldown_limit_level_and_balance_are_exact(make_tenant):
    """All at once, in sets and alone: what is paid is what one after the other would have been."""
    ladder = {"kind": "level_ladder", "code": "career", "currency": "points", "first_level": 1,
              "levels": [{"at": 0}, {"at": 50}, {"at": 100}, {"at": 1000}], "grant_each": [{"currency": "gems", "amount": 1}]}
    t = make_tenant(config(currency(daily_cap={"amount": 120}), currency("gems"), ladder,
                           rule("open", "a", pays=7, count=[{"metric": "n", "by": 1}]),
                           rule("limited", "a", grant=[grant(5, "gems")], limits=[{"count": 4, "per": "day"}]),
                           rule("cool", "a", grant=[grant(100, "gems")], cooldown_s=3600)))
    when = t.stack.clock.now()
    outcomes = [o for some in parallel(32, lambda i: [t.event(type="a", time=when) for _ in range(3)]) for o in some]
    paid = {code: [g for o in outcomes for g in o["grants"] if g.get("rule") == code] for code in ("open", "limited", "cool")}
    assert sorted((g["balance"], g["amount"]) for g in paid["open"]) == [(7 * i, 7) for i in range(1, 18)] + [(120, 1)]
    assert [g["amount"] for g in paid["limited"]] == [5] * 4 and [g["amount"] for g in paid["cool"]] == [100]
    assert sorted((x["from"], x["to"]) for o in outcomes for x in o["levels"]) == [(1, 2), (2, 3)]
    assert (t.balance(), t.balance(currency="gems"), t.levels(ladder="career")["level"]) == (120, 4 * 5 + 100 + 2, 3)
    assert sorted(c["value"] for o in outcomes for c in o["counters"] if c["metric"] == "n") == list(range(1, 97))
    assert t.counter("m", "n") == 96


def test_inv1_two_sets_with_the_same_members_in_other_orders_show_no_deadlock(stack, make_tenant, tmp_path):
    """Singles that gather before two workers that stand still: each takes a set of 16, with the same members the other way round; some of
    them are new."""
    t = make_tenant(config(currency(), rule("r", pays=1)))
    with Master(stack, tmp_path / "pool", events_workers=2) as master:
        path = master.socket("events")
        master.wait(lambda: len(master.workers("events")) == 2)
        for round in range(4):
            order = [f"r{round // 2}m{i}" for i in range(16)]
            bodies = [t.event_body(m, id=f"{round}-{i}", source="raw") for i, m in enumerate(order + order[::-1])]
            workers = master.workers("events")
            send(workers, signal.SIGSTOP)
            waiting = [Connection(path, message("POST", "/v1/events", json.dumps(b).encode(), t.key)) for b in bodies]
            send(workers, signal.SIGCONT)
            assert [c.answer().status for c in waiting] == [200] * 32
    assert all(t.balance(f"r{r}m{i}") == 4 for r in range(2) for i in range(16))


def test_inv1_many_members_many_threads(make_tenant):
    """Arrays that hold the same members in different orders: no deadlock shows, every sum is right."""
    t = make_tenant(config(currency(), rule("r", grant=[grant(var("event.data.n"))])))
    rng = random.Random(7)
    members = [f"m{i}" for i in range(30)]
    batches = []
    for _ in range(12):
        rng.shuffle(members)
        batches.append([t.event_body(m, data={"n": rng.randint(1, 9)}) for m in members * 2])
    results = parallel(12, lambda i: t.events(batches[i]))
    assert all(o["status"] == "processed" for r in results for o in r)
    expected = {m: sum(b["data"]["n"] for batch in batches for b in batch if b["member"] == m) for m in members}
    assert {m: t.balance(m) for m in members} == expected


def test_A1_configuration_changed_under_load_every_event_used_exactly_one_version(make_tenant):
    """SEMANTICS 26: an outcome names the version that it used."""
    def pays(n):
        return config(currency(), rule("r", pays=n))
    t = make_tenant(pays(1))

    def one(i):
        if i == 0:
            return [t.apply(pays(n))["version"] for n in range(2, 7)]
        return [t.event(f"m{i}") for _ in range(25)]

    versions, *outcomes = parallel(6, one)
    assert versions == [2, 3, 4, 5, 6]
    seen = [(o["config_version"], o["grants"][0]["amount"]) for some in outcomes for o in some]
    assert all(version == amount for version, amount in seen)
    assert all([o["config_version"] for o in some] == sorted(o["config_version"] for o in some) for some in outcomes)
    assert t.event()["config_version"] == 6


def test_MECHANICS3_a_lane_that_was_taken_meanwhile_is_given_up(make_tenant, clock):
    """Leases run out while the workers are silent; the command takes a lane and writes in it; its former owner goes on with another."""
    t = make_tenant(config(currency(), rule("r", pays=1)))
    t.join("other")
    for round in range(1, 4):
        parallel(8, lambda i: t.event())  # every worker has a lane
        t.adjust(amount=1).ok(201)
        t.events([t.event_body() for _ in range(300)])
        clock.advance(minutes=5)
        for i in range(3):
            t.member("set", "other", "--display-name", f"{round}-{i}")
        assert t.adjust(amount=1).status == 201
        assert {o["status"] for o in t.events([t.event_body() for _ in range(300)])} == {"processed"}
        assert all(o["grants"] for o in parallel(8, lambda i: t.event()))
        assert t.balance() == round * 618


def test_MECHANICS1_a_table_that_is_locked_as_a_whole_is_waited_for_a_second_at_a_time(make_tenant):
    """As somebody's ALTER TABLE or DROP PARTITION does it: lock_wait_timeout, which is a day where nobody sets it."""
    t = make_tenant(config(currency(), rule("r", pays=1)))
    t.join("m")
    other = t.stack.db()
    try:
        other.cursor().execute("LOCK TABLES member_state WRITE")
        began = time.monotonic()
        t.send(id="e").problem("in-progress")
        assert time.monotonic() - began < 3.5 + SLOW
    finally:
        other.close()
    assert t.send(id="e").status == 200 and t.balance() == 1


def test_MECHANICS2_S39_an_event_whose_member_is_erased_before_its_lock_goes_back_to_the_front(stack, make_tenant, tmp_path):
    """Its member is known by then: it is settled for the next one of that name, and nothing more is written of the erased one."""
    t, trap = make_tenant(config(currency(), rule("r", pays=1))), tmp_path / "traps" / "before-identity"
    t.event()
    body = json.dumps(t.event_body()).encode()
    ((erased,),) = t.stack.sql("SELECT member_no FROM member_key WHERE tenant_id = %s", t.id)
    outcomes = "SELECT COUNT(*) FROM outcome WHERE tenant_id = %s AND member_no = %s"
    trap.parent.mkdir()
    with Master(stack, tmp_path / "pool", trap_dir=trap.parent) as master:
        master.wait(lambda: master.workers("events"))
        trap.write_text("stop")
        waiting, worker = Connection(master.socket("events"), message("POST", "/v1/events", body, t.key)), master.worker("events")
        master.wait(lambda: "T (stopped)" in Path(f"/proc/{worker}/status").read_text())
        t.member("erase", "m", "--yes")
        before = t.stack.sql(outcomes, t.id, erased)
        send([worker], signal.SIGCONT)
        assert waiting.answer().status == 200
    assert t.stack.sql(outcomes, t.id, erased) == before == ((2,),)
    assert t.balance() == 1
    t.verify()


def test_a_member_is_never_shown_half_changed(make_tenant, stack, tmp_path):
    """The type is of one row, the name and the attributes of another: both stand in an answer as one PUT of another worker wrote them."""
    t = make_tenant(config(currency()))
    done = threading.Event()

    def write(master, i):
        now = {"type": f"v{i}", "display_name": f"v{i}", "attributes": {"a": f"v{i}"}}
        assert ask(master.socket("api"), message("PUT", "/v1/members/m", json.dumps(now).encode(), key=t.key)).status in (200, 201)

    def work(i):
        if i == 0:
            for k in range(1, 150):
                write(master, k)
            done.set()
            return []
        seen = []
        while not done.is_set():
            shown = t.get("/members/m" + ("/profile" if i == 1 else "")).ok()
            seen.append((shown["type"], shown["display_name"], shown["attributes"]["a"]))
        return seen

    with Master(stack, tmp_path / "pool") as master:
        write(master, 0)
        seen = [each for some in parallel(3, work) for each in some]
    assert len(seen) > 100 and {len(set(each)) for each in seen} == {1}
    for shown in (t.get("/members/m").ok(), t.get("/members/m/profile").ok()):  # nor is a mixture kept
        assert (shown["type"], shown["display_name"], shown["attributes"]) == ("v149", "v149", {"a": "v149"})
