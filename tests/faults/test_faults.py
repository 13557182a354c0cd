"""Services that stop, end and lie, one after the other (DESIGN 12, invariants 3 and 8; M11). The storm does all of it at once."""
import os
import re
import signal
import time

import pytest

import small_disk
from accolade import DATABASE, SLOW, parallel
from keeper import send, stat_of
from load import CONFIG, Load
from storm import Storm
from wire import wait_for


def paid(t):
    return int(t.stack.sql("SELECT COALESCE(SUM(amount), 0) FROM entry WHERE tenant_id = %s", t.id)[0][0])


def under_load(t, threads=4):
    return Load(t, seed=7, threads=threads, rate=20)


def finished(load):
    """Every operation had its answer in the end, the tables hold what the answers say, and `verify` finds nothing."""
    load.check_every_answer(threads=2)
    load.check_sums()
    assert load.violations == []
    load.t.verify()


# ---- SIGSTOP of each ----

CALM = {200, 201, 404, 409}  # nobody is refused who would not be otherwise


@pytest.mark.parametrize("what, seen", [("worker", CALM), ("master", CALM), ("memcached", CALM), ("nginx", CALM), ("mariadbd", CALM | {503})])
def test_inv3_a_process_that_stands_still_for_a_while(stack, keeper, what, seen):
    """Nobody is refused but for the database: who waits for the one that stands still is answered when it goes on."""
    service = {"worker": "pool", "master": "pool", "mariadbd": "database"}.get(what, what)
    t = stack.tenant(CONFIG)
    with under_load(t) as load:
        wait_for(lambda: len(load.book.answers) > 10, 10 * SLOW)
        pid = min(keeper.under(service)) if what in ("worker", "nginx") else keeper.pids[service]
        send(pid, signal.SIGSTOP)
        time.sleep(0.8)
        send(pid, signal.SIGCONT)
        wait_for(lambda n=len(load.book.answers): len(load.book.answers) > n + 20, 10 * SLOW)
    finished(load)
    assert set(load.statuses) <= seen, load.statuses
    assert load.slowest_s < 3 * SLOW


# ---- kill -9 of each; of the database below ----

KILLED = {"worker": CALM | {502}, "master ends": CALM | {502}, "master killed": CALM | {502}, "master removed": CALM | {502},
          "memcached": CALM, "nginx": CALM | {"no answer"}, "nginx's worker": CALM | {"no answer"}}


def kill(keeper, what):
    kind, _, way = what.partition(" ")
    if kind == "master":
        keeper.kill_pool(way)
    elif kind in ("worker", "nginx's"):
        send(min(keeper.under("pool" if kind == "worker" else "nginx")), signal.SIGKILL)
    else:
        keeper.kill(kind)


@pytest.mark.parametrize("what", KILLED)
def test_inv3_a_killed_process_costs_no_more_than_what_it_had_in_hand(stack, keeper, what):
    """Whoever sends again has the answer; nobody else notices, memcached nobody at all; the pool is whole by itself."""
    t = stack.tenant(CONFIG)
    with under_load(t) as load:
        wait_for(lambda: len(load.book.answers) > 20, 10 * SLOW)
        kill(keeper, what)
        keeper.wait_for("pool", "nginx", "memcached")
        wait_for(lambda n=len(load.book.answers): len(load.book.answers) > n + 20, 10 * SLOW)
        wait_for(lambda: stack.renewed(set()), 10 * SLOW)
    finished(load)
    assert set(load.statuses) <= KILLED[what], load.statuses
    assert stack.admin.send("GET", "/readyz").ok()["checks"]["memcached"] == "ok"


# ---- the database ----

def test_inv3_a_killed_database_is_503_within_2_s_and_comes_back_without_a_restart(stack, keeper):
    t = stack.tenant(CONFIG)
    with under_load(t, threads=2) as load:
        wait_for(lambda: len(load.book.answers) > 10, 10 * SLOW)
        workers, refused = keeper.members("pool"), []

        def while_away():
            deadline = time.monotonic() + 1.5
            for call in (lambda: t.send(), lambda: t.get("/members/m1/points"), lambda: t.adjust(amount=1), lambda: t.post([t.event_body()] * 2)):
                began = time.monotonic()
                answer = call()
                refused.append((answer, time.monotonic() - began))
            time.sleep(max(0, deadline - time.monotonic()))
        keeper.kill("database", before_start=while_away)
        for answer, seconds in refused:
            answer.problem("unavailable")
            assert int(answer.headers["retry-after"]) >= 1 and seconds < 2
        keeper.wait_for("database", "pool")
        wait_for(lambda n=len(load.book.answers): len(load.book.answers) > n + 20, 10 * SLOW)
    finished(load)
    assert set(load.statuses) <= CALM | {503}
    assert keeper.members("pool") == workers


@pytest.mark.skipif(DATABASE != "mariadbd", reason="written for MariaDB")
@pytest.mark.skipif(not small_disk.is_possible(), reason="a small disk takes root, to mount it")
def test_inv3_a_full_disk_for_the_database_is_503_until_there_is_room(stack, keeper):
    """What writes is refused for a while, and may be sent again; nothing acknowledged is lost, and nothing has to be started. MariaDB ends itself
    where a page of its own finds no room: it is started again, as by systemd."""
    t = stack.tenant(CONFIG)
    said = stack.pool_log().count("the server's disk is full")
    with small_disk.SmallDisk(keeper, free=48) as disk, under_load(t, threads=2) as load:
        wait_for(lambda: len(load.book.answers) > 10, 10 * SLOW)
        workers = keeper.members("pool")
        disk.fill()
        large, refused, slowest = {"x": "x" * 3000}, [], 0.0
        deadline = time.monotonic() + 20 * SLOW
        while len(refused) < 20 and time.monotonic() < deadline:
            began = time.monotonic()
            answer = t.send(type="large", member="m2", data=large)
            slowest = max(slowest, time.monotonic() - began)
            refused += [answer] if answer.status not in (200, 409) else []  # 409: the load has the member locked, and waits itself
        assert len(refused) == 20
        for answer in refused:
            answer.problem("unavailable")
            assert int(answer.headers["retry-after"]) >= 1
        assert slowest < 5 * SLOW
        disk.make_room()
        keeper.wait_for("database", "pool")
        wait_for(lambda n=len(load.book.answers): len(load.book.answers) > n + 20, 15 * SLOW)
        assert keeper.members("pool") == workers
    load.check_every_answer(threads=2)
    assert load.violations == [] and set(load.statuses) <= CALM | {503}, (load.violations, load.statuses)
    t.verify()
    assert stack.pool_log().count("the server's disk is full") > said
    keeper.deaths[:] = [death for death in keeper.deaths if not death.startswith("database ")]


# ---- the log ----

def restarted(keeper, conf, text):
    """The pool, with other settings."""
    new = conf.with_name("accolade.conf.new")
    new.write_text(text)
    os.chmod(new, conf.stat().st_mode)
    new.rename(conf)
    keeper.kill_pool("killed")
    keeper.wait_for("pool")


def lines_lost(stack):
    """M11: a log that cannot be written tells nobody of itself; the metric does."""
    page = stack.admin.send("GET", "/metrics").body.decode()
    return int(re.search(r"^accolade_log_lines_lost_total (\d+)$", page, re.M)[1])


def test_a_full_disk_for_the_log_stops_nobody(t, keeper):
    """/dev/full refuses each write as a full disk does. Requests, replacing workers, and the death of one go on."""
    own, conf = t.stack, t.stack.dir / "accolade.conf"
    kept = conf.read_text()
    try:
        restarted(keeper, conf, kept + "log_file = /dev/full\n")
        assert {o["status"] for o in parallel(8, lambda i: t.event(f"m{i % 3}"))} == {"processed"}
        send(min(keeper.under("pool")), signal.SIGKILL)
        before = own.pool_workers()
        send(keeper.pids["pool"], signal.SIGHUP)
        wait_for(lambda: own.renewed(before), 20 * SLOW)
        t.event(), t.events([t.event_body()]), t.adjust(amount=1).ok(201)
        assert t.balance() == 3 + 3 + 1
        t.call("GET", "/nothing").problem("not-found")
        wait_for(lambda: lines_lost(own) >= 3, 5 * SLOW)
        pid = keeper.pids["pool"]
        own.script("--status")
        assert stat_of(pid), "the master ended"
    finally:
        restarted(keeper, conf, kept)
    assert paid(t) == 8 * 3 + 7


# ---- the clock ----

def test_the_clock_steps_forth_and_back_under_load(stack, keeper):
    """By a day: leases of lanes run out at once, or seem to last for a day; a lane's day never goes back (MECHANICS 1 and 3)."""
    t = stack.tenant(CONFIG)
    with under_load(t) as load:
        for days in (1, -1, 1, -1):
            wait_for(lambda n=len(load.book.answers): len(load.book.answers) > n + 15, 10 * SLOW)
            stack.clock.advance(days=days)
            send(min(keeper.under("pool")), signal.SIGKILL)  # its successor claims a lane by the stepped clock
        wait_for(lambda n=len(load.book.answers): len(load.book.answers) > n + 15, 10 * SLOW)
    finished(load)
    assert set(load.statuses) <= CALM | {502, "no answer"}, load.statuses


# ---- all at once ----

def test_inv3_a_storm(stack):
    """Everything at random moments, for a few seconds; scripts/storm does it for hours."""
    storm = Storm(stack, seed=41)
    assert storm.run(kills=1, seconds=8, threads=6, gap=(0.0, 0.3)) == []
    assert sum(storm.done.values()) >= 3 and storm.again > 20
