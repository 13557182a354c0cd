"""What stands beside trouble in a worker goes on unharmed and unhurried: sets, silent and slow peers, clients that left, items that fell
workers, locks that somebody holds, a pool that stands still (DESIGN 11, MECHANICS 4; invariant 3)."""
import json
import os
import re
import signal
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from accolade import SLOW, config, currency, parallel, rule, var
from fastcgi import Connection, Master, ask, message, send
from wire import DatabaseProxy, wait_for

pytestmark = pytest.mark.usefixtures("stack")
# Seconds. What stands beside trouble takes some tenths, and a second where it waits for a lock or for an answer to be taken; who is held up by
# trouble waits for the 4 s of a deadline, for a second per silent or locked one, or for ever. Between them there is room for a busy machine.
HELD_UP = 2.5 + SLOW
PAYS = config(currency(), rule("r", pays=3, count=[{"metric": "n", "by": 1}]))


@pytest.fixture
def t(make_tenant):
    return make_tenant(PAYS)


@pytest.fixture
def master(stack, tmp_path):
    """One worker in each pool, with traps of its own."""
    (tmp_path / "traps").mkdir()
    with Master(stack, tmp_path / "pool", trap_dir=tmp_path / "traps") as made:
        made.traps = tmp_path / "traps"
        yield made


def posting(t, id, member=None, **params):
    body = json.dumps(t.event_body(member=member or f"m{id}", id=str(id), source="raw")).encode()
    return message("POST", "/v1/events", body, t.key, **params)


@contextmanager
def gathering(master, pool="events"):
    """The worker stands still while requests gather: they are what waits when it goes on."""
    master.wait(lambda: master.workers(pool))
    worker = master.worker(pool)
    send([worker], signal.SIGSTOP)
    try:
        yield worker
    finally:
        send([worker], signal.SIGCONT)


def connect(master, *data, pool="events"):
    return [Connection(master.socket(pool), each) for each in data]


def statuses(connections):
    return [answer and answer.status for answer in (c.answer() for c in connections)]


def settled(t, *ids):
    return [t.stored_event("raw", str(id)).status for id in ids]


def sets_of(master):
    master.wait(lambda: master.text().endswith("\n"))
    return [int(line.split(" set=")[1].split()[0]) for line in master.text().splitlines() if " request status=" in line]


# ---- readings that go together ----

def reading(t, member, what, **params):
    return message(uri=f"/v1/members/{member}/{what}", key=t.key, **params)


def test_readings_at_a_glance_are_answered_together_each_with_its_own_member(master, t, make_tenant):
    """Eight at once, of two tenants with the same ids, one member twice, one that nobody knows, one path that is none."""
    other = make_tenant(config(currency(), rule("r", pays=5)))
    for member in ("ann", "bob"):
        t.event(member=member)
    t.event(member="bob", id="again")
    other.event(member="ann")
    asked = [(t, "ann", "points"), (other, "ann", "points"), (t, "bob", "points"), (t, "bob", "points"), (other, "bob", "points"),
             (t, "ann", "profile"), (t, "bob", "levels"), (t, "bob", "")]
    alone = [ask(master.socket("api"), reading(*each)) for each in asked]
    with gathering(master, "api"):
        waiting = connect(master, *[reading(*each) for each in asked], pool="api")
    together = [c.answer() for c in waiting]
    assert [a.status for a in together] == [200, 200, 200, 200, 404, 200, 200, 404]
    assert [a.body for a in together[:4]] == [a.body for a in alone[:4]] and together[5].body == alone[5].body
    assert [json.loads(a.body)["currencies"][0]["balance"] for a in together[:4]] == [3, 5, 6, 6]
    assert together[6].body == alone[6].body
    master.wait(lambda: len(sets_of(master)) == 16)
    assert sets_of(master) == [1] * 8 + [8] * 8


def test_behind_readings_that_go_together_at_most_one_other_request_is_taken(master, t):
    """The next one is left to the other workers; the readings come first, also before a change of the very member."""
    t.join("ann")
    change = message("PATCH", "/v1/members/ann", b'{"display_name":"Ann"}', t.key)
    with gathering(master, "api"):
        waiting = connect(master, reading(t, "ann", "points"), reading(t, "ann", "profile"), change, reading(t, "ann", "profile"),
                          pool="api")
    answers = [c.answer() for c in waiting]
    assert [a.status for a in answers] == [200] * 4
    assert json.loads(answers[1].body)["display_name"] is None and json.loads(answers[3].body)["display_name"] == "Ann"
    master.wait(lambda: len(sets_of(master)) == 4)
    assert sets_of(master) == [3, 3, 3, 1]


# ---- sets ----

def test_MECHANICS4_sets_of_what_waits_are_the_default(master, t):
    with gathering(master):
        waiting = connect(master, *[posting(t, i) for i in range(40)])
    assert statuses(waiting) == [200] * 40
    master.wait(lambda: len(sets_of(master)) == 40)
    assert max(sets_of(master)) == 16
    assert t.stack.sql("SELECT MAX(rows_of) FROM outcome WHERE tenant_id = %s", t.id) == ((16,),)


def test_inv3_one_transaction_per_request_still_gives_the_same(stack, t, tmp_path):
    with Master(stack, tmp_path / "ones", set_requests_max=1) as master:
        with gathering(master):
            waiting = connect(master, *[posting(t, i % 8, member="m") for i in range(24)])
        answers = [c.answer() for c in waiting]
    assert [a.status for a in answers] == [200] * 24
    assert all(answers[i].body == answers[i % 8].body for i in range(24))
    assert t.balance() == 24
    assert t.stack.sql("SELECT MAX(rows_of) FROM outcome WHERE tenant_id = %s", t.id) == ((1,),)


@pytest.mark.parametrize("what", ["lose_answer", "lose_commit"])
def test_inv3_MECHANICS2_a_lost_COMMIT_of_a_set_is_settled_one_by_one(stack, t, tmp_path, what):
    place = tmp_path / "database.sock"
    place.symlink_to(stack.env["ACCOLADE_DB_SOCKET"])
    with DatabaseProxy(place) as proxy, Master(stack, tmp_path / "pool", db_socket=place) as master:
        assert ask(master.socket("events"), posting(t, "first")).status == 200
        with gathering(master):
            waiting = connect(master, *[posting(t, i, member=f"m{i % 3}") for i in range(12)])
        proxy.arm(what)
        answers = [c.answer() for c in waiting]
        assert proxy.lost == 1 and [a.status for a in answers] == [200] * 12
        again = [ask(master.socket("events"), posting(t, i, member=f"m{i % 3}")) for i in range(12)]
        assert [a.body for a in again] == [a.body for a in answers]
    assert [t.balance(f"m{i}") for i in range(3)] == [12] * 3


# ---- one event's failure never touches another's answer ----

def test_refusals_of_every_kind_within_a_set_leave_their_neighbours_alone(master, t):
    other = t.new_key("members:read")
    ask(master.socket("events"), posting(t, "known", member="m"))
    reused = json.dumps(t.event_body(member="someone", id="known", source="raw")).encode()
    late = json.dumps(t.event_body(member="m", id="late", source="raw", time="2020-01-01T00:00:00.000Z")).encode()
    event = posting(t, "bad", member="m")
    bad = [(message("POST", "/v1/events", b"{", t.key), 400), (message("POST", "/v1/events", b"{}", t.key), 422),
           (message("POST", "/v1/events", b"{}", None), 401), (message("POST", "/v1/events", b"{}", other), 403),
           (message("POST", "/v1/events", reused, t.key), 422), (message("POST", "/v1/events", late, t.key), 422),
           (event.replace(b"application/json", b"application/nosj"), 415), (message("POST", "/v1/nowhere", b"{}", t.key), 404)]
    with gathering(master):
        waiting = connect(master, *[x for i, (data, _) in enumerate(bad) for x in (data, posting(t, i, member="m"))])
    assert statuses(waiting) == [x for _, status in bad for x in (status, 200)]
    assert t.balance("m") == 3 * (1 + len(bad))
    master.wait(lambda: sets_of(master)[-16:] == [16] * 16)


@contextmanager
def locked(t, *members, identity=None):
    """As a worker that was stopped in its transaction holds them."""
    other = t.stack.db()
    other.begin()
    if identity:
        other.cursor().execute("UPDATE event_identity SET lane = lane WHERE tenant_id = %s AND identity = %s", (t.id, identity))
    for member in members:
        other.cursor().execute("UPDATE member_state s JOIN member_key k USING (tenant_id, member_no) SET s.version = s.version "
                               "WHERE k.tenant_id = %s AND k.external_id = %s", (t.id, member))
    try:
        yield
    finally:
        other.rollback()
        other.close()


def test_MECHANICS2_members_whose_locks_are_held_elsewhere_cost_only_their_own_events(master, t):
    """The neighbours wait once, for the one second of a lock, however many are locked. Those get 409, or 503 once their 4 s are over."""
    for i in range(12):
        t.join(f"m{i}")
    blocked = {0, 3, 4, 7, 9}
    with locked(t, *(f"m{i}" for i in blocked)):
        with gathering(master):
            waiting = connect(master, *[posting(t, i) for i in range(12)])
            began = time.monotonic()
        assert statuses([waiting[i] for i in range(12) if i not in blocked]) == [200] * 7
        assert time.monotonic() - began < HELD_UP
        answers = [waiting[i].answer() for i in sorted(blocked)]
        assert time.monotonic() - began < 5 + HELD_UP
    codes = [json.loads(a.body)["code"] for a in answers]
    assert codes == sorted(codes) and set(codes) <= {"in-progress", "unavailable"} and codes.count("in-progress") >= 2, codes
    assert all(int(a.headers["retry-after"]) >= 1 for a in answers)
    assert statuses(connect(master, *[posting(t, i) for i in sorted(blocked)])) == [200] * 5
    assert t.stack.sql("SELECT COUNT(*) FROM entry WHERE tenant_id = %s", t.id) == ((12,),)


def test_MECHANICS2_a_locked_member_of_an_array_costs_only_its_own_item(master, t):
    t.join("a"), t.join("b")
    bodies = [t.event_body(m, id=f"{m}{i}", source="raw") for i in range(2) for m in "aba"]
    bodies[5] = bodies[2] = bodies[0]
    with locked(t, "b"):
        items = json.loads(ask(master.socket("bulk"), message("POST", "/v1/events", json.dumps(bodies).encode(), t.key)).body)["data"]
    assert [i["status"] for i in items] == ["processed", "rejected", "processed", "processed", "rejected", "processed"]
    assert items[1]["problem"]["code"] == "in-progress"
    assert t.balance("a") == 6 and t.show("b")["counters"] == []


LEVELS = config(currency(), currency("xp"), rule("r", pays=var("event.data.n")),
                {"kind": "level_ladder", "code": "long", "currency": "points", "formula": {"to_next": 10, "max_level": 1000},
                 "grant_each": [{"currency": "xp", "amount": 1}]})


def test_MECHANICS2_an_event_that_the_engine_refuses_leaves_the_set_which_runs_again(master, make_tenant):
    """900 levels at once do not fit into an outcome: known only when the set's identities and members are written already."""
    t = make_tenant(LEVELS)
    sizes = [5, 5, 9000, 5, 9000, 5, 5, 5]  # of three members: the last three events are of those that were refused before
    with gathering(master):
        bodies = [t.event_body(f"m{i % 3}", id=f"e{i}", source="raw", data={"n": n}) for i, n in enumerate(sizes)]
        waiting = connect(master, *[message("POST", "/v1/events", json.dumps(body).encode(), t.key) for body in bodies])
    answers = [c.answer() for c in waiting]
    assert [a.status for a in answers] == [200 if n == 5 else 422 for n in sizes]
    assert {json.loads(a.body)["code"] for a in answers if a.status == 422} == {"state-too-large"}
    master.wait(lambda: sets_of(master) == [8] * 8)
    assert [t.balance(f"m{i}") for i in range(3)] == [15, 10, 5]
    assert settled(t, *(f"e{i}" for i in range(8))) == [200 if n == 5 else 404 for n in sizes]
    assert t.stack.sql("SELECT rows_of, COUNT(*) FROM outcome WHERE tenant_id = %s GROUP BY rows_of", t.id) == ((6, 6),)
    t.verify()


def retries(master, why):
    page = ask(master.socket("api"), message(uri="/metrics", ACCOLADE_LISTENER="admin")).body.decode()
    return int(re.search(rf'^accolade_retries_total{{why="{why}"}} (\d+)$', page, re.M)[1])


def test_MECHANICS2_a_deadlock_reaches_no_client(master, t):
    """1213: somebody else has the second member's row and wants the first one's. That one has written more: the worker has to give way."""
    t.join("a"), t.join("b")
    t.events([t.event_body("other") for _ in range(100)])
    low, high = sorted(no for (no,) in t.stack.sql("SELECT member_no FROM member_key WHERE tenant_id = %s AND external_id IN ('a', 'b')", t.id))
    other = t.stack.db()
    cursor = other.cursor()
    cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
    other.begin()
    cursor.execute("DELETE FROM entry WHERE tenant_id = %s AND member_no NOT IN (%s, %s)", (t.id, low, high))
    lock = "UPDATE member_state SET version = version + 1 WHERE tenant_id = %s AND member_no = %s"
    cursor.execute(lock, (t.id, high))
    with gathering(master):
        waiting = connect(master, *[posting(t, i, member=m) for i, m in enumerate("aabb")])
    master.wait(lambda: t.stack.sql("SHOW GLOBAL STATUS LIKE 'Innodb_row_lock_current_waits'")[0][1] == "1")
    cursor.execute(lock, (t.id, low))
    other.rollback()
    other.close()
    assert statuses(waiting) == [200] * 4
    assert retries(master, "changed") == 1
    assert (t.balance("a"), t.balance("b"), t.balance("other")) == (6, 6, 300)
    t.verify()


@contextmanager
def refusing(t, table, member, error=1644):
    """The server itself refuses rows of this member, in the midst of the transaction: an error that no lock and no lost connection is."""
    ((number,),) = t.stack.sql("SELECT member_no FROM member_key WHERE tenant_id = %s AND external_id = %s", t.id, member)
    t.stack.sql(f"CREATE TRIGGER trouble BEFORE INSERT ON {table} FOR EACH ROW IF NEW.tenant_id = {t.id} AND NEW.member_no = {number} "
                f"THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'trouble', MYSQL_ERRNO = {error}; END IF")
    try:
        yield
    finally:
        t.stack.sql("DROP TRIGGER trouble")


@pytest.mark.parametrize("table", ["entry", "outcome"])
def test_MECHANICS2_inv3_a_set_that_the_database_refuses_is_halved_down_to_the_one(master, t, table):
    """Steps 5 and 6 of the transaction, when others of the set are written already. 16 at once: 8, 4, 2 and 1 of them pass."""
    for i in range(16):
        t.join(f"m{i}")
    before = t.stack.sql("SELECT COUNT(*) FROM outcome WHERE tenant_id = %s", t.id)[0][0]
    with refusing(t, table, "m5"):
        with gathering(master):
            waiting = connect(master, *[posting(t, i) for i in range(16)])
            began = time.monotonic()
        answers = [c.answer() for c in waiting]
        assert time.monotonic() - began < HELD_UP
    assert [a.status for a in answers] == [200] * 5 + [500] + [200] * 10
    assert json.loads(answers[5].body)["code"] == "internal" and b"trouble" not in answers[5].body
    master.wait(lambda: sets_of(master) == [16] * 16)
    assert "what=died" not in master.text()
    sizes = t.stack.sql("SELECT rows_of, COUNT(*) FROM outcome WHERE tenant_id = %s AND rows_of > 1 GROUP BY rows_of ORDER BY rows_of", t.id)
    assert sizes == ((2, 2), (4, 4), (8, 8))
    assert t.stack.sql("SELECT COUNT(*) FROM outcome WHERE tenant_id = %s", t.id)[0][0] - before == 15
    assert settled(t, *range(16)) == [200] * 5 + [404] + [200] * 10
    again = [ask(master.socket("events"), posting(t, i)) for i in range(16)]
    assert [a.status for a in again] == [200] * 16
    assert [a.body for i, a in enumerate(again) if i != 5] == [a.body for i, a in enumerate(answers) if i != 5]
    assert [t.balance(f"m{i}") for i in range(16)] == [3] * 16
    t.verify()


def test_MECHANICS2_a_set_that_meets_deadlocks_all_the_time_is_halved_too(master, t):
    """1213 each time that one member's row is touched: three tries more, then halves, down to the one that gets 503."""
    for i in range(8):
        t.join(f"m{i}")
    with refusing(t, "entry", "m2", error=1213):
        with gathering(master):
            waiting = connect(master, *[posting(t, i) for i in range(8)])
            began = time.monotonic()
        answers = [c.answer() for c in waiting]
        assert time.monotonic() - began < HELD_UP
    assert [a.status for a in answers] == [200] * 2 + [503] + [200] * 5
    assert json.loads(answers[2].body)["code"] == "unavailable" and int(answers[2].headers["retry-after"]) >= 1
    assert retries(master, "changed") == 4 * 4  # of 8, 4, 2 and 1
    assert ask(master.socket("events"), posting(t, 2)).status == 200
    assert [t.balance(f"m{i}") for i in range(8)] == [3] * 8
    t.verify()


def test_MECHANICS2_an_item_of_an_array_that_the_database_refuses_is_rejected_alone(master, t):
    t.join("bad")
    bodies = [t.event_body("bad" if i in (3, 70) else f"m{i % 7}", id=f"a{i}", source="raw") for i in range(100)]
    data = message("POST", "/v1/events", json.dumps(bodies).encode(), t.key)
    with refusing(t, "entry", "bad"):
        first = json.loads(ask(master.socket("bulk"), data).body)["data"]
    again = json.loads(ask(master.socket("bulk"), data).body)["data"]
    assert [i for i, item in enumerate(first) if item["status"] != "processed"] == [3, 70]
    assert {item["problem"]["code"] for item in first if item["status"] == "rejected"} == {"internal"}
    assert [item.pop("replayed", False) for item in again] == [i not in (3, 70) for i in range(100)]
    assert [item for i, item in enumerate(again) if i not in (3, 70)] == [item for i, item in enumerate(first) if i not in (3, 70)]
    assert t.balance("bad") == 6 and sum(t.balance(f"m{i}") for i in range(7)) == 3 * 98
    t.verify()


# ---- the order of an array ----

ONCE = config(currency(), rule("once", pays=var("event.data.n"), limits=[{"count": 1, "per": "day"}]))


def two_sets(t):
    """An array of two sets: member m stands in both, and only its first event is paid, with 1 point."""
    bodies = [t.event_body(f"f{i % 7}", id=f"f{i}", data={"n": 3}, source="raw") for i in range(110)]
    for n, at in enumerate((1, 50, 104, 108), 1):
        bodies[at] = t.event_body("m", id=f"m{n}", data={"n": n}, source="raw")
    return message("POST", "/v1/events", json.dumps(bodies).encode(), t.key)


def paid(answer):
    """How much each event of m earned, in the array's order."""
    return [[g["amount"] for g in i["grants"]] for i in json.loads(answer.body)["data"] if i["member"] == "m"]


def test_SEMANTICS6_what_a_lock_put_off_is_not_overtaken_by_the_same_members_later_events(master, make_tenant):
    """The lock is there for all of the first set's wait, and gone while the second set would wait for it."""
    t = make_tenant(ONCE)
    t.join("m")
    with locked(t, "m"):
        (waiting,) = connect(master, two_sets(t), pool="bulk")
        time.sleep(1.5)
    assert paid(waiting.answer()) == [[1], [], [], []]
    assert t.balance("m") == 1 and t.balance("f0") == 3


def test_SEMANTICS6_what_fell_with_a_worker_is_not_overtaken_by_the_same_members_later_events(master, make_tenant):
    t = make_tenant(ONCE)
    (master.traps / "item-m2").write_text("")
    assert ask(master.socket("bulk"), two_sets(t)) is None
    (master.traps / "item-m2").unlink()
    master.wait(lambda: master.workers("bulk"))
    assert paid(ask(master.socket("bulk"), two_sets(t))) == [[1], [], [], []]
    assert t.balance("m") == 1 and t.balance("f0") == 3


# ---- peers ----

def test_silent_slow_and_cut_requests_hold_up_nobody(master, t):
    """In front of the whole ones, and between them."""
    def cut(id):
        return posting(t, id, CONTENT_LENGTH="9999")
    halves = [posting(t, f"half{i}")[:-20 * i] for i in range(1, 5)]
    with gathering(master):
        waiting, bad, slow = [], connect(master, b"", b"", *halves[:2]), connect(master, *halves[2:])
        for i in range(8):
            waiting += connect(master, posting(t, i))
            bad += connect(master, cut(f"cut{i}"), b"") if i < 2 else []
        began = time.monotonic()
    assert statuses(waiting) == [200] * 8
    assert time.monotonic() - began < HELD_UP
    for connection, half, i in zip(slow, halves[2:], (3, 4)):  # these two go on in time
        connection.socket.sendall(posting(t, f"half{i}")[len(half):])
    assert statuses(slow) == [200, 200]
    assert statuses(bad) == [None] * len(bad)
    assert settled(t, "half1", "half2", "cut0", "cut1") == [404] * 4


def test_clients_that_left_are_nobodys_business(master, t):
    with gathering(master):
        waiting = connect(master, *[posting(t, i) for i in range(16)])
        for gone in waiting[::2]:
            gone.socket.close()
        began = time.monotonic()
    assert statuses(waiting[1::2]) == [200] * 8
    assert time.monotonic() - began < HELD_UP
    assert settled(t, *range(16)) == [404, 200] * 8


def test_clients_that_leave_while_they_are_served_are_nobodys_business(master, t):
    (master.traps / "before-answer").write_text("stop")
    with gathering(master) as worker:
        waiting = connect(master, *[posting(t, i) for i in range(8)])
    master.wait(lambda: not (master.traps / "before-answer").exists() and standing(master, "events"))
    for gone in (0, 3, 4):
        waiting[gone].socket.close()
    send([worker], signal.SIGCONT)
    assert statuses([c for i, c in enumerate(waiting) if i not in (0, 3, 4)]) == [200] * 5
    assert settled(t, *range(8)) == [200] * 8
    master.wait(lambda: sets_of(master) == [8] * 8)
    assert master.workers("events") == [worker]


def test_a_client_that_does_not_take_its_answer_holds_up_others_for_a_second_at_most(master, t):
    large = json.dumps([t.event_body("m", id=f"b{i}", source="raw") for i in range(1000)]).encode()
    t.join("m")
    workers = master.workers("bulk")
    (silent,) = connect(master, message("POST", "/v1/events", large, t.key), pool="bulk")
    master.wait(lambda: t.balance("m") == 3000)
    began = time.monotonic()
    assert ask(master.socket("bulk"), posting(t, "after")).status == 200
    assert time.monotonic() - began < HELD_UP
    silent.socket.close()
    assert master.workers("bulk") == workers and t.balance("mafter") == 3
    assert 'dropped why="an answer that was not taken"' in master.text()


def test_MECHANICS2_a_request_past_its_deadline_takes_nobody_with_it(master, t):
    """Of one set, one request was accepted long before the other: only that one is too late, and nothing was done."""
    data = posting(t, "late")
    (early,) = connect(master, data[:-20])
    master.wait(lambda: master.workers("events"))
    time.sleep(0.2)  # accepted, and put aside
    with gathering(master):
        early.socket.sendall(data[-20:])
        waiting = connect(master, *[posting(t, i) for i in range(3)])
        time.sleep(4)
    refused = early.answer()
    assert statuses(waiting) == [200] * 3
    assert json.loads(refused.body)["code"] == "unavailable" and int(refused.headers["retry-after"]) >= 1
    master.wait(lambda: sets_of(master) == [4] * 4)
    assert settled(t, "late", 0, 1, 2) == [404, 200, 200, 200]


# ---- an item that fells its worker ----

def test_MECHANICS4_an_event_that_fells_its_worker_is_alone_the_second_time_and_refused_the_third(master, t):
    (master.traps / "item-poison").write_text("")
    requests = [posting(t, "poison", member="m"), *[posting(t, i) for i in range(7)]]
    answers = []
    for round in range(3):
        time.sleep(1.1 if round == 2 else 0)  # all that fell have come again: workers take several at once
        with gathering(master):
            waiting = connect(master, *requests)
            began = time.monotonic()
        answers.append([c.answer() for c in waiting])
        assert time.monotonic() - began < HELD_UP
        master.wait(lambda: master.workers("events"))
    first, second, third = [[a and a.status for a in some] for some in answers]
    assert first == [None] * 8  # nobody could know
    assert second == [None] + [200] * 7
    assert third == [503] + [200] * 7
    refusal = answers[2][0]
    assert json.loads(refusal.body)["code"] == "quarantined" and 590 <= int(refusal.headers["retry-after"]) <= 600
    assert [a.body for a in answers[1][1:]] == [a.body for a in answers[2][1:]]
    assert master.text().count("what=died") == 2
    master.wait(lambda: sets_of(master) == [1] * 7 + [8] * 8)
    assert 'what="refused from now on"' in master.text() and " quarantined suspect=" in master.text()
    (master.traps / "item-poison").unlink()
    array = json.dumps([t.event_body(member="m", id=str(id), source="raw") for id in ("x", "poison", "y")]).encode()
    items = json.loads(ask(master.socket("events"), message("POST", "/v1/events", array, t.key)).body)["data"]
    assert [i["status"] for i in items] == ["processed", "rejected", "processed"]
    assert items[1]["problem"]["code"] == "quarantined" and items[1]["problem"]["retry_after"] > 500
    assert settled(t, "poison", *range(7)) == [404] + [200] * 7


def test_MECHANICS4_an_array_with_an_event_that_fells_workers_gets_through_without_it(master, t):
    (master.traps / "item-3").write_text("")
    array = json.dumps([t.event_body(member="m", id=str(i), source="raw") for i in range(6)]).encode()
    data = message("POST", "/v1/events", array, t.key)
    for pool in ("bulk", "bulk"):
        assert ask(master.socket(pool), data) is None
        master.wait(lambda: master.workers("bulk"))
    items = json.loads(ask(master.socket("bulk"), data).body)["data"]
    assert [i["status"] for i in items] == ["processed"] * 3 + ["rejected"] + ["processed"] * 2
    assert t.balance("m") == 15


def test_MECHANICS4_arrays_run_after_the_singles_of_their_set_are_answered(master, t):
    """So that an array that fells the worker takes no single event with it, though it came first."""
    (master.traps / "item-a1").write_text("")
    array = json.dumps([t.event_body("m", id=f"a{i}", source="raw") for i in range(3)]).encode()
    with gathering(master):
        waiting = connect(master, message("POST", "/v1/events", array, t.key), *[posting(t, i) for i in range(4)])
    assert statuses(waiting) == [None] + [200] * 4
    assert settled(t, "a0", *range(4)) == [404] + [200] * 4


def test_MECHANICS4_a_request_that_fells_its_worker_before_or_after_its_event(master, t):
    """The same by request: here at the answer, of a reading one too. One that gets through is forgiven."""
    t.join("a"), t.join("b")
    reading = {m: message(uri=f"/v1/members/{m}/points", key=t.key) for m in "ab"}
    for _ in range(2):
        (master.traps / "before-answer").write_text("")
        assert ask(master.socket("api"), reading["a"]) is None
        master.wait(lambda: master.workers("api"))
        assert ask(master.socket("api"), reading["b"]).status == 200
    assert ask(master.socket("api"), reading["a"]).status == 503
    for _ in range(3):
        (master.traps / "before-answer").write_text("")
        assert ask(master.socket("events"), posting(t, "e")) is None
        master.wait(lambda: master.workers("events"))
        assert ask(master.socket("events"), posting(t, "e")).status == 200
    assert t.balance("me") == 3


def standing(master, pool):
    return [pid for pid in master.workers(pool) if "T (stopped)" in Path(f"/proc/{pid}/status").read_text()]


def fells(master, pool, data, point="before-answer"):
    """Whether the worker that takes this falls there, in the midst of it."""
    (master.traps / point).write_text("")
    answer = ask(master.socket(pool), data)
    (master.traps / point).unlink(missing_ok=True)
    master.wait(lambda: master.workers(pool))
    return answer is None


def test_MECHANICS4_a_reading_that_many_send_is_not_refused_for_kills_from_outside(stack, t, tmp_path):
    """Three workers with the same reading in hand are killed at once, and one more later: nothing says that it was the reading."""
    t.join("m")
    (tmp_path / "traps").mkdir()
    reading, trap = message(uri="/v1/members/m/points", key=t.key), tmp_path / "traps" / "before-answer"
    with Master(stack, tmp_path / "pool", trap_dir=trap.parent, api_workers=3) as master:
        for n in (3, 1):
            master.wait(lambda: len(master.workers("api")) == 3)
            waiting = []
            for i in range(n):
                trap.write_text("stop")
                waiting += connect(master, reading, pool="api")
                master.wait(lambda: len(standing(master, "api")) == i + 1)
            send(standing(master, "api"), signal.SIGKILL)
            master.wait(lambda: master.text().count("what=died") == (3 if n == 3 else 4))
            assert statuses(waiting) == [None] * n
            assert statuses(connect(master, *[reading] * 8, pool="api")) == [200] * 8
        assert "refused from now on" not in master.text()


def test_MECHANICS4_an_event_that_met_a_lock_is_not_forgiven_what_it_did(master, t):
    """It felled a worker and was not tried since: it falls alone, and once only."""
    t.join("m")
    poison, item = posting(t, "poison", member="m"), "item-poison"
    assert fells(master, "events", poison, item)
    with locked(t, "m"):
        assert ask(master.socket("events"), poison).status == 409
    assert fells(master, "events", poison, item)
    assert json.loads(ask(master.socket("events"), poison).body)["code"] == "quarantined"


def test_MECHANICS4_a_request_refused_by_a_limit_is_not_forgiven_what_it_did(master, make_tenant):
    t = make_tenant(config(*PAYS["definitions"], rate_limits=[{"limit": "reads", "count": 1, "per": "day"}]))
    t.join("m")
    reading = message(uri="/v1/members/m/points", key=t.key)
    assert fells(master, "api", reading)
    assert ask(master.socket("api"), reading).status == 429
    t.apply(PAYS)
    assert fells(master, "api", reading)
    assert json.loads(ask(master.socket("api"), reading).body)["code"] == "quarantined"


# ---- pools ----

def test_DESIGN11_single_events_pass_a_bulk_that_stands_still(master, t):
    large = json.dumps([t.event_body(member="m", id=f"b{i}", source="raw") for i in range(1000)]).encode()
    with gathering(master, "bulk"):
        (waiting,) = connect(master, message("POST", "/v1/events", large, t.key), pool="bulk")
        began = time.monotonic()
        assert statuses(connect(master, *[posting(t, i) for i in range(20)])) == [200] * 20
        assert ask(master.socket("api"), message(uri="/v1/members/m1/points", key=t.key)).status == 200
        assert time.monotonic() - began < HELD_UP
    assert waiting.answer().status == 200
    assert t.balance("m") == 3000
