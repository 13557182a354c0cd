"""Processes: the pool, signals, what stands when a part is gone (DESIGN 11; MECHANICS 2, 4; M11). On a stack of its own, whose workers
settle each request in a transaction of its own; those of the other one take what waits."""
import os
import signal
import socket
import subprocess
import threading
import time
from http.client import HTTPException
from pathlib import Path

import pytest

import cachemodes
from accolade import BUILD, NOON, ROOT, SLOW, Failed, Http, Port, Stack, config, currency, parallel, rule
from wire import DatabaseProxy, wait_for

ONE = config(currency(), rule("r", pays=3, count=[{"metric": "n", "by": 1}]))
FCGI = ROOT / "build" / BUILD / "accolade-fcgi"


@pytest.fixture(scope="module")
def own(recorder, stack):
    """The second stack; the first one runs beside it all the time."""
    made = Stack("process", workers=2, recorder=recorder, set_requests_max=1)
    made.start()
    made.clock.set(NOON)
    yield made
    try:
        made.verify()
    finally:
        made.stop()
    assert made.sanitizer_reports() == []


@pytest.fixture
def t(own):
    """A tenant on a stack that is whole, whatever the test before left."""
    own.mend()
    made = own.tenant(ONE)
    yield made
    own.mend()
    made.verify()


class Load:
    """Threads that send one event after the other; what came of each is kept."""
    def __init__(self, t, threads=4):
        self.t, self.results, self.ending = t, [], threading.Event()
        self.threads = [threading.Thread(target=self.run) for _ in range(threads)]

    def run(self):
        http = Http(self.t.stack.url, timeout=20, recorder=self.t.stack.recorder)
        while not self.ending.is_set():
            body = self.t.event_body(f"m{len(self.results) % 5}")
            try:
                answer = self.t.post(body, http=http)
            except (OSError, HTTPException) as error:
                answer = error
            self.results.append((body, answer))

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        wait_for(lambda: len(self.results) > 20)
        return self

    def __exit__(self, *_):
        self.ending.set()
        for thread in self.threads:
            thread.join()

    def more(self, n=30):
        seen = len(self.results)
        wait_for(lambda: len(self.results) >= seen + n, 10 * SLOW)

    def statuses(self):
        return {getattr(answer, "status", answer) for _, answer in self.results}

    def paid(self):
        return sum(3 for _, answer in self.results if getattr(answer, "status", 0) == 200)


def balances(t):
    return sum(int(row[0]) for row in t.stack.sql("SELECT COALESCE(SUM(amount), 0) FROM entry WHERE tenant_id = %s", t.id))


def sockets(stack):
    return [Path(stack.env[f"ACCOLADE_{name}_SOCKET"]) for name in ("EVENTS", "BULK", "API")]


# ---- signals ----

def test_SIGHUP_replaces_the_workers_one_by_one_without_a_failed_request(t):
    own = t.stack
    before, fewest = own.pool_workers(), []
    with Load(t) as load:
        os.kill(own.pool_pid(), signal.SIGHUP)

        def replaced():
            now = own.pool_workers()
            fewest.append(len(now))
            return not now & before and len(now) == len(before)
        wait_for(replaced, 20 * SLOW, every=0.01)
        load.more()
    assert load.statuses() == {200}
    assert min(fewest) >= len(before) and max(fewest) <= len(before) + 3  # a new one beside the old, in each pool one at a time
    assert balances(t) == load.paid()
    assert own.pool_log().count("replaces all workers") == 1


def test_SIGHUP_reads_the_settings_again(t):
    own = t.stack
    conf = own.dir / "accolade.conf"
    kept = conf.read_text()
    try:
        conf.write_text(kept + "log_level = 3\n")
        before = own.pool_workers()
        os.kill(own.pool_pid(), signal.SIGHUP)
        wait_for(lambda: own.renewed(before), 20 * SLOW)
        lines = own.pool_log().count(" request ")
        t.event()
        assert own.pool_log().count(" request ") == lines
        conf.write_text(kept + "events_workers = 3\nnonsense = 1\n")
        os.kill(own.pool_pid(), signal.SIGHUP)
        wait_for(lambda: "the settings stay as they were" in own.pool_log())
        assert t.event()["grants"]
    finally:
        conf.write_text(kept)
        before = own.pool_workers()
        os.kill(own.pool_pid(), signal.SIGHUP)
        wait_for(lambda: own.renewed(before), 20 * SLOW)
    lines = own.pool_log().count(" request ")
    t.event()
    wait_for(lambda: own.pool_log().count(" request ") == lines + 1)


def test_SIGTERM_answers_what_waits_and_ends(t):
    own = t.stack
    master = own.pool_pid()
    with Load(t, threads=8) as load:
        os.kill(master, signal.SIGTERM)
        wait_for(lambda: not Path(f"/proc/{master}").exists(), 12 * SLOW)
        load.more(20)
    assert load.statuses() == {200, 502}  # 502: the socket was gone, nobody took the request
    assert not any(s.exists() for s in sockets(own))
    assert own.pool_log().rstrip().endswith("what=ended")
    own.script()
    own.read_env()
    assert balances(t) == load.paid()  # nothing was done without its answer
    refused = [body for body, answer in load.results if answer.status == 502]
    answer = load.results[-1][1]
    assert answer.problem("bad-gateway") and answer.headers["retry-after"] == "1"
    for body in refused[:10]:
        t.stored_event(body["source"], body["id"]).problem("event-not-found")
        t.post(body).ok()


def test_a_worker_killed_by_9_is_replaced_and_its_events_are_settled_once(t):
    own = t.stack
    with Load(t) as load:
        for _ in range(3):
            victim = min(own.pool_workers())
            os.kill(victim, signal.SIGKILL)
            wait_for(lambda: own.renewed({victim}), 10 * SLOW)
            load.more()
    assert load.statuses() <= {200, 502}
    lost = [body for body, answer in load.results if answer.status == 502]
    again = [t.post(body).ok() for body in lost]  # the client sends it again: done now, or done then
    assert balances(t) == load.paid() + 3 * len(again)
    assert own.pool_log().count("signal_name=KILL") == 3


def test_MECHANICS4_a_worker_that_hangs_in_a_set_is_killed_and_its_neighbours_do_not_notice(t):
    """The heartbeat. It stops within its transaction, as by SIGSTOP: other members are served by the others all the time."""
    own = t.stack
    before, stuck = own.pool_workers(), []
    trap, body = own.plant("item-stuck", "stop"), t.event_body("stuck", id="stuck")
    client = threading.Thread(target=lambda: stuck.append(t.post(body)))
    client.start()
    began, slowest = time.monotonic(), 0
    while own.pool_workers() == before and time.monotonic() - began < 15 + 5 * SLOW:
        answer, seconds = timed(lambda: t.event(f"m{len(stuck)}"))
        slowest = max(slowest, seconds)
        time.sleep(0.1)
    assert slowest < 1 * SLOW, slowest
    assert 9 < time.monotonic() - began
    client.join()
    assert stuck[0].status in (502, 504)
    trap.unlink()
    wait_for(lambda: len(own.pool_workers()) == len(before))
    assert 'why="no sign of life" in_set=1' in own.pool_log()
    assert t.post(body).ok()["grants"][0]["balance"] == 3  # rolled back by the server; now settled, alone


def test_an_orphaned_pool_ends_by_itself_and_run_mends_it(t):
    own = t.stack
    workers, master = own.pool_workers(), own.pool_pid()
    os.kill(master, signal.SIGKILL)
    wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers), 15 * SLOW)
    own.script()
    own.read_env()
    assert own.pool_pid() != master and len(own.pool_workers()) == len(workers)
    t.event()


# ---- health ----

def test_M11_healthz_and_readyz(t):
    own = t.stack
    assert own.admin.send("GET", "/healthz").ok() == {"status": "ok"}
    assert own.admin.send("GET", "/readyz").ok() == \
        {"status": "ready", "checks": {"database": "ok", "schema": "ok", "durability": "ok", "memcached": cachemodes.STATE}}
    own.admin.send("POST", "/healthz").problem("method-not-allowed")


@pytest.mark.skipif(cachemodes.MODE != "", reason="this test stops it itself")
def test_inv8_M11_memcached_stopped_is_named_and_nothing_else_changes(t):
    own = t.stack
    first = t.event()
    pid = int(own.env["ACCOLADE_MEMCACHED_PID"])
    os.kill(pid, signal.SIGTERM)
    wait_for(lambda: own.admin.send("GET", "/readyz").ok()["checks"]["memcached"] == "away")
    assert own.admin.send("GET", "/readyz").status == 200
    began = time.monotonic()
    assert t.event()["grants"][0]["balance"] == first["grants"][0]["balance"] + 3
    assert t.balance() == 6 and t.levels() == [] and len(t.transactions()["data"]) == 2
    assert time.monotonic() - began < 1 * SLOW
    pids = own.pool_workers()
    own.script()
    own.read_env()
    wait_for(lambda: own.admin.send("GET", "/readyz").ok()["checks"]["memcached"] == "ok")
    assert own.pool_workers() == pids


def test_M11_a_database_that_may_lose_what_it_acknowledged_is_not_ready(t):
    own = t.stack
    own.sql("SET GLOBAL innodb_flush_log_at_trx_commit = 2")
    try:
        problem = own.admin.send("GET", "/readyz").problem("unavailable")
        assert problem["checks"]["durability"] == "unsafe" and problem["checks"]["database"] == "ok"
        assert own.admin.send("GET", "/healthz").status == 200
    finally:
        own.sql("SET GLOBAL innodb_flush_log_at_trx_commit = 1")
    assert own.admin.send("GET", "/readyz").status == 200


# ---- the database goes ----

def timed(call):
    began = time.monotonic()
    answer = call()
    return answer, time.monotonic() - began


def test_database_stopped_503_with_Retry_After_and_recovery_without_a_restart(t):
    own = t.stack
    t.event()
    pids, database = own.pool_workers(), int(own.env["ACCOLADE_DB_PID"])
    os.kill(database, signal.SIGTERM)
    wait_for(lambda: not Path(f"/proc/{database}").exists(), 30 * SLOW)
    body, array = t.event_body(), [t.event_body(), t.event_body()]
    calls = {"event": lambda: t.post(body), "array": lambda: t.post(array), "points": lambda: t.get("/members/m/points"),
             "adjustment": lambda: t.adjust(amount=1, idempotency_key="gone")}
    for name, call in calls.items():
        answer, seconds = timed(call)
        answer.problem("unavailable")
        assert int(answer.headers["retry-after"]) >= 1, name
        assert seconds < 2 * SLOW, (name, seconds)
    assert own.admin.send("GET", "/healthz").status == 200
    assert own.admin.send("GET", "/readyz").problem("unavailable")["checks"]["database"] == "away"
    with pytest.raises(Failed):
        own.cli("tenant", "list")
    own.script()
    own.read_env()
    assert own.pool_workers() == pids
    # The very next request of each kind succeeds: connecting again is silent.
    assert t.post(body).ok()["grants"][0]["balance"] == 6
    assert [o["grants"][0]["balance"] for o in t.post(array).ok()["data"]] == [9, 12]
    assert t.adjust(amount=1, idempotency_key="gone").ok(201)["balance_after"] == 13
    assert t.balance() == 13
    assert own.pool_workers() == pids


def test_MECHANICS4_a_database_that_hangs_opens_the_breaker_for_all_that_wait_and_come(t):
    """Far more requests than workers: those that queue behind the first are answered with them, not one time-out after the other."""
    own = t.stack
    t.event()
    pids, database = own.pool_workers(), int(own.env["ACCOLADE_DB_PID"])
    bodies = [t.event_body(f"m{i % 3}") for i in range(40)]
    calls = [lambda: t.get("/members/m/points"), lambda: t.adjust(amount=1, idempotency_key="hung"), lambda: t.post([t.event_body()] * 2)]
    calls += [lambda body=body: t.post(body) for body in bodies]
    limit = 2 if b"MariaDB" in own.sql("SELECT VERSION()")[0][0].encode() else 3  # MySQL may wait for a lock for 2 s
    os.kill(database, signal.SIGSTOP)
    try:
        answers = parallel(len(calls), lambda i: timed(calls[i]))
        for answer, seconds in answers:
            answer.problem("unavailable")
            assert int(answer.headers["retry-after"]) >= 1 and seconds < limit * SLOW, seconds
        for i in range(4):  # also while somebody looks whether it is back
            answer, seconds = timed(calls[i])
            answer.problem("unavailable")
            assert seconds < 0.5 * SLOW, seconds
            time.sleep(0.2)
        assert own.admin.send("GET", "/readyz").problem("unavailable")["checks"]["database"] == "away"
    finally:
        os.kill(database, signal.SIGCONT)
    wait_for(lambda: t.post(bodies[0]).status == 200, 1.5 * SLOW)
    assert [t.post(body).status for body in bodies] == [200] * 40
    assert t.adjust(amount=1, idempotency_key="hung").status == 201
    assert balances(t) == 3 * 41 + 1
    assert own.pool_workers() == pids
    assert own.pool_log().count("breaker what=opened") == own.pool_log().count("breaker what=closed") == 1


def test_MECHANICS4_a_database_that_only_waits_for_locks_opens_no_breaker(t):
    """Three locks, each held for less than the second that one lock is waited for: the statement takes longer than db_timeout_ms."""
    own, members = t.stack, ["m1", "m2", "m3"]
    t.events([t.event_body(m) for m in members])
    pids, marks = own.pool_workers(), ["breaker what=opened", "connection lost"]
    before = [own.pool_log().count(mark) for mark in marks]
    held = []
    for member in members:
        other = own.db()
        other.begin()
        other.cursor().execute("UPDATE member_state s JOIN member_key k USING (tenant_id, member_no) SET s.version = s.version "
                               "WHERE k.tenant_id = %s AND k.external_id = %s", (t.id, member))
        held.append(other)

    def release():
        for other in held:
            time.sleep(0.8)
            other.rollback()
            other.close()

    releasing = threading.Thread(target=release)
    releasing.start()
    items, seconds = timed(lambda: t.events([t.event_body(m) for m in members]))
    releasing.join()
    assert [i["status"] for i in items] == ["processed"] * 3
    assert 1.8 < seconds < 4 * SLOW, seconds
    assert [own.pool_log().count(mark) for mark in marks] == before
    assert t.event()["status"] == "processed" and own.pool_workers() == pids


def test_connections_killed_by_the_server_are_made_anew_silently(t):
    own = t.stack
    for _ in range(3):
        for (connection,) in own.sql("SELECT id FROM information_schema.processlist WHERE user = 'accolade'"):
            own.sql(f"KILL {connection}")
        assert {o["status"] for o in parallel(6, lambda i: t.event())} == {"processed"}
        t.balance(), t.events([t.event_body()])
        assert t.adjust(amount=1).status == 201
    assert t.balance() == 3 * (6 * 3 + 3 + 1)


# ---- COMMIT without an answer ----

@pytest.fixture
def proxy(t):
    """Between the workers and the database; every worker has its connection through it."""
    with DatabaseProxy(t.stack.env["ACCOLADE_DB_SOCKET"]) as made:
        before = t.stack.pool_workers()
        os.kill(t.stack.pool_pid(), signal.SIGHUP)
        wait_for(lambda: t.stack.renewed(before), 20 * SLOW)
        yield made
    before = t.stack.pool_workers()
    os.kill(t.stack.pool_pid(), signal.SIGHUP)
    wait_for(lambda: t.stack.renewed(before), 20 * SLOW)


@pytest.mark.parametrize("what", ["lose_answer", "lose_commit", "late_commit"])
def test_inv3_MECHANICS2_a_lost_COMMIT_is_settled_by_asking_the_identity(t, proxy, what):
    """late_commit: it is not to be seen yet when the event is tried again, and has its position when the claim has waited for it. No
    position is sent to COMMIT twice: another transaction takes another lane."""
    t.join()
    for round in range(3):
        body, before = t.event_body(), [t.stack.pool_log().count(line) for line in ("lane_claimed", "lane_lost")]
        proxy.arm(what)
        answer = t.post(body)
        assert proxy.lost == round + 1
        claimed, lost = (t.stack.pool_log().count(line) for line in ("lane_claimed", "lane_lost"))
        assert lost == before[1] and (claimed > before[0] or what == "lose_answer")
        outcome = answer.ok()
        assert outcome["grants"][0]["balance"] == outcome["counters"][0]["value"] * 3 == 3 * (round + 1)
        assert not answer.replayed  # it is the first answer
        again = t.post(body)
        assert again.body == answer.body and again.replayed
    assert t.balance() == 9
    assert t.counter("m", "n") == 3


@pytest.mark.parametrize("what", ["lose_answer", "lose_commit"])
def test_inv3_a_lost_COMMIT_of_an_array(t, proxy, what):
    bodies = [t.event_body(f"m{i % 5}") for i in range(150)]
    t.events([t.event_body(f"m{i}") for i in range(5)])
    proxy.arm(what)
    items = t.events(bodies)
    assert proxy.lost == 1
    assert [o["status"] for o in items] == ["processed"] * 150
    assert not any("replayed" in o for o in items)
    assert balances(t) == 155 * 3
    assert t.events(bodies) == [{**o, "replayed": True} for o in items]


@pytest.mark.parametrize("what", ["lose_answer", "lose_commit"])
def test_inv3_a_lost_COMMIT_of_an_adjustment(t, proxy, what):
    t.event()
    proxy.arm(what)
    answer = t.adjust(amount=10, idempotency_key="lost")
    assert proxy.lost == 1
    assert answer.ok(201)["balance_after"] == 13
    assert t.adjust(amount=10, idempotency_key="lost").body == answer.body
    assert t.balance() == 13


def test_inv3_COMMITs_lost_again_and_again_end_in_503_and_its_repeat_gets_the_answer(t, proxy):
    t.join()
    body = t.event_body()
    proxy.arm("lose_answer", times=1)
    first = t.post(body)
    proxy.arm("lose_commit", times=50)
    other = t.event_body()
    t.post(other).problem("unavailable")
    proxy.arm(None)
    assert t.post(other).ok()["grants"][0]["balance"] == first.json["grants"][0]["balance"] + 3
    assert t.balance() == 6


def test_inv3_lost_COMMITs_under_load(t, proxy):
    with Load(t, threads=6) as load:
        for i in range(10):
            proxy.arm("lose_answer" if i % 2 else "lose_commit")
            load.more(10)
    assert proxy.lost >= 9
    assert load.statuses() <= {200, 503}
    for body, answer in load.results:
        if answer.status == 503:
            t.post(body).ok()
    assert balances(t) == 3 * len(load.results)


# ---- two stacks, settings ----

def test_two_stacks_side_by_side(t, stack):
    own = t.stack
    assert own.dir != stack.dir and own.port != stack.port and own.pool_pid() != stack.pool_pid()
    key = {"Authorization": f"Bearer {t.key}"}
    assert own.http.send("GET", "/v1/members/m/points", headers=key).status == 404
    stack.http.send("GET", "/v1/members/m/points", headers=key).problem("unauthenticated")  # another database
    own.tenant(ONE, "only-here")
    assert ["only-here" in [x["tenant"] for x in each.cli_json("tenant", "list")] for each in (own, stack)] == [True, False]
    for each in (own, stack):
        lines = each.script("--status", check=not cachemodes.MODE).stdout.splitlines()
        assert [line.split()[2] for line in lines if not (cachemodes.MODE and line.startswith("memcached"))] == ["up"] * (4 + (not cachemodes.MODE))
        assert oct((each.dir / "installation.key").stat().st_mode & 0o777) == "0o600"
        assert oct((each.dir / "demo.env").stat().st_mode & 0o777) == "0o600"
    assert (own.dir / "installation.key").read_bytes() != (stack.dir / "installation.key").read_bytes()


def test_no_two_stacks_take_one_port():
    """Also of two runs: what holds a port for one that does not listen there yet is a lock, which knows no processes."""
    held = [Port() for _ in range(3)]
    assert len({port.number for port in held}) == 3
    freed = held[0].number
    del held[0]
    assert Port().number == freed
    with socket.create_server(("127.0.0.1", freed)):
        assert Port().number not in [freed, *(port.number for port in held)]


@pytest.mark.skipif(cachemodes.MODE not in ("", "flushed"), reason="it would mend memcached")
def test_run_again_leaves_everything_alone(t):
    own = t.stack
    before = (own.pool_workers(), dict(own.env))
    own.script()
    own.read_env()
    assert (own.pool_workers(), own.env) == before


def fcgi(*args, conf=None, **env):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("ACCOLADE_")}
    done = subprocess.run([FCGI, *args, *(["-c", str(conf)] if conf else [])], capture_output=True, text=True, timeout=30, env={**environment, **env})
    return done


def test_T_prints_the_effective_settings_and_masks_secrets(tmp_path, own):
    conf = tmp_path / "accolade.conf"
    conf.write_text("# a comment\ndb_password = hunter2-secret\nevents_workers = 7\n\n  env = test  \n")
    done = fcgi("-T", conf=conf, ACCOLADE_API_WORKERS="5")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert "db_password = ******" in lines and "hunter2" not in done.stdout
    assert "events_workers = 7" in lines and "api_workers = 5" in lines and "env = test" in lines
    assert "bulk_workers = 1" in lines  # a default
    names = [line.split(" = ")[0] for line in lines if not line.startswith("#")]
    assert names == [line.split("(")[1].split(",")[0] for line in (ROOT / "base" / "settings.def").read_text().splitlines()
                     if line.startswith(("SETTING_TEXT(", "SETTING_NUMBER("))]
    done = fcgi("-T", conf=conf, ACCOLADE_DB_PASSWORD="another-secret")
    assert "another-secret" not in done.stdout


@pytest.mark.parametrize("text, line, word", [
    ("events_workers = 0\n", 1, "events_workers"), ("\n# x\nevents_workers = many\n", 3, "events_workers"), ("events_workers = 65\n", 1, "events_workers"),
    ("no_such_setting = 1\n", 1, "no_such_setting"), ("db_name = a\ndb_name = b\n", 2, "db_name"), ("env = x\njust words\n", 2, "name = value"),
    ("log_level = -1\n", 1, "log_level"), ("db_name = a\x01b\n", 1, "db_name"), ("db_name = " + "x" * 1025 + "\n", 1, "db_name"),
    ("events_workers = 99999999999999999999\n", 1, "events_workers"), ("events_workers =\n", 1, "events_workers"),
])
def test_bad_settings_are_refused_with_file_and_line(tmp_path, own, text, line, word):
    conf = tmp_path / "bad.conf"
    conf.write_text(text)
    for done in (fcgi("-T", conf=conf), fcgi(conf=conf)):
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith(f"accolade-fcgi: {conf}:{line}: ") and word in done.stderr
    command = subprocess.run([ROOT / "build" / BUILD / "accolade", "-c", str(conf), "tenant", "list"], capture_output=True, text=True, timeout=30)
    assert command.returncode == 2 and f"{conf}:{line}: " in command.stderr


def test_all_bad_settings_are_told_at_once(tmp_path, own):
    conf = tmp_path / "bad.conf"
    conf.write_text("env = x\nno_such_setting = 1\nevents_workers = 0\n")
    lines = fcgi("-T", conf=conf, ACCOLADE_LOG_LEVEL="x").stderr.splitlines()
    assert len(lines) == 3 and lines[0] == f"accolade-fcgi: {conf}:2: unknown setting 'no_such_setting'"
    assert lines[1].startswith(f"{conf}:3: 'events_workers'") and lines[2].startswith("environment ACCOLADE_LOG_LEVEL: ")


def test_bad_settings_of_the_environment_and_missing_files(tmp_path, own):
    done = fcgi("-T", ACCOLADE_EVENTS_WORKERS="x")
    assert done.returncode == 2 and "environment ACCOLADE_EVENTS_WORKERS" in done.stderr
    done = fcgi("-T", conf=tmp_path / "none.conf")
    assert done.returncode == 2 and "none.conf" in done.stderr
    secret = tmp_path / "secret.conf"
    secret.write_text("db_pasword = hunter2\nevents_workers hunter3\n")
    assert "hunter" not in fcgi("-T", conf=secret).stderr  # a value is never printed: it may be a secret in the wrong place
    key = tmp_path / "short.key"
    key.write_bytes(b"x" * 31)
    conf = tmp_path / "short.conf"
    conf.write_text(f"installation_key_file = {key}\n")
    done = fcgi(conf=conf)
    assert done.returncode == 2 and "short.key" in done.stderr
    assert fcgi("--nonsense").returncode == 2
    assert fcgi("--help").returncode == 0
