"""What a worker takes and drops, byte by byte, and how a master starts, drains and ends (MECHANICS 4, DESIGN 11)."""
import json
import os
import signal
import socket
import subprocess
import time

import pytest

import cachemodes
from accolade import BUILD, SLOW
from fastcgi import ALIVE, BINARY, PARAMS, STDIN, Connection, Master, ask, children, message, pair, record, send
from wire import DatabaseProxy

pytestmark = pytest.mark.usefixtures("stack")


@pytest.fixture
def master(stack, tmp_path):
    with Master(stack, tmp_path / "pool") as made:
        yield made


@pytest.fixture
def tenant(make_tenant):
    return make_tenant()


def event(tenant, id, source="raw"):
    return tenant.event_body(member=f"m{id}", id=str(id), source=source)


def post_event(tenant, id, **params):
    body = json.dumps(event(tenant, id)).encode()
    return message("POST", "/v1/events", body, tenant.key, **params)


# ---- reading a request ----

def test_a_connection_is_closed_after_its_answer(master):
    for keep in (False, True):  # whatever the web server asks for: a kept connection would pin the worker
        began = time.monotonic()
        assert ask(master.socket("api"), message(ACCOLADE_LISTENER="admin", keep=keep)).status == 200
        assert time.monotonic() - began < 1


def test_a_silent_connection_is_put_aside_and_dropped(master):
    silent = [Connection(master.socket("api")) for _ in range(5)]
    began = time.monotonic()
    assert ask(master.socket("api"), ALIVE).status == 200
    assert time.monotonic() - began < 0.5
    assert [c.answer() for c in silent] == [None] * 5
    assert 0.8 < time.monotonic() - began < 1.9
    late = Connection(master.socket("api"))  # one that speaks in time is heard
    time.sleep(0.6)
    late.socket.sendall(ALIVE)
    assert late.answer().status == 200


def test_more_silent_connections_than_are_kept_harm_nobody(master):
    silent = [Connection(master.socket("api")) for _ in range(200)]
    began = time.monotonic()
    assert ask(master.socket("api"), ALIVE).status == 200
    assert time.monotonic() - began < 2
    assert [c.answer() for c in silent] == [None] * 200


def test_a_request_that_comes_too_slowly_is_dropped(master):
    began = time.monotonic()
    assert ask(master.socket("api"), ALIVE[:40]) is None  # half, then nothing
    assert 0.8 < time.monotonic() - began < 1.9
    slow, began = Connection(master.socket("api")), time.monotonic()
    with pytest.raises((BrokenPipeError, ConnectionResetError)):
        for i in range(len(ALIVE)):  # a byte each 0.2 s
            slow.socket.sendall(ALIVE[i:i + 1])
            time.sleep(0.2)
    assert 0.8 < time.monotonic() - began < 2
    assert ask(master.socket("api"), ALIVE).status == 200


@pytest.mark.parametrize("begun", [record(STDIN), message()[:16] + record(PARAMS, pair("X", "y")) + record(STDIN)], ids=["no-begin", "no-params"])
def test_what_only_looks_whole_and_then_drips_is_dropped_in_time(master, tenant, begun):
    """Its end is there and not what comes before: libfcgi reads on, and each byte would give it another second."""
    worker, began = master.workers("events"), time.monotonic()
    drip = Connection(master.socket("events"), begun)
    with pytest.raises((BrokenPipeError, ConnectionResetError)):
        for byte in record(STDIN, b" " * 1000):
            drip.socket.sendall(bytes([byte]))
            time.sleep(0.2)
            assert time.monotonic() - began < 8
    assert ask(master.socket("events"), post_event(tenant, 1)).status == 200
    assert master.workers("events") == worker


@pytest.mark.parametrize("pool", ["api", "events"])
def test_many_requests_that_stop_half_way_hold_up_nobody_beside_them(master, tenant, pool):
    """They are longer than what is looked at before, so they are waited for, one each time; who is whole beside them is answered first."""
    good, status = message(uri="/v1/members/nobody/points", key=tenant.key), 404
    if pool == "events":
        good, status = post_event(tenant, 1), 200
    worker = master.workers(pool)
    os.kill(worker[0], signal.SIGSTOP)
    waiting = Connection(master.socket(pool), good)
    halves = [Connection(master.socket(pool)) for _ in range(14)]
    for half in halves:
        half.socket.setblocking(False)
        half.socket.send(message("POST", "/v1/events", b" " * 200_000, tenant.key)[:70_000])
    os.kill(worker[0], signal.SIGCONT)
    began = time.monotonic()
    assert waiting.answer().status == status and time.monotonic() - began < 5  # not 14 s later, and not never
    for half in halves:
        half.socket.close()
    assert ask(master.socket(pool), good).status == status
    assert master.workers(pool) == worker


def test_a_body_that_was_cut_short_does_nothing(master, tenant):
    body = json.dumps(event(tenant, 1)).encode()
    worker = master.workers("events")
    cut = [message("POST", "/v1/events", body, tenant.key, CONTENT_LENGTH=str(len(body) + 1)),  # whole JSON, but more was announced
           message("POST", "/v1/events", body, tenant.key, CONTENT_LENGTH=str(len(body) - 1)),
           message("POST", "/v1/events", body, tenant.key, CONTENT_LENGTH="12x"),
           message("POST", "/v1/events", body, tenant.key, CONTENT_LENGTH="-1")]
    assert [ask(master.socket("events"), data) for data in cut] == [None] * 4
    ended = Connection(master.socket("events"), message("POST", "/v1/events", body, tenant.key, end=False))
    ended.socket.shutdown(socket.SHUT_WR)
    assert ended.answer() is None
    assert tenant.stored_event("raw", "1").status == 404
    assert ask(master.socket("events"), message("POST", "/v1/events", body, tenant.key, CONTENT_LENGTH=None)).status == 200
    assert master.workers("events") == worker


def test_a_refused_body_is_read_to_its_end(master, tenant):
    big = b"x" * (6 << 20)
    for key, status in ((None, 401), (tenant.key, 413)):
        assert ask(master.socket("bulk"), message("POST", "/v1/events", big, key)).status == status
    assert ask(master.socket("bulk"), message("PUT", "/nowhere", big)).status == 404


def test_what_is_no_request_is_dropped(master):
    for data in (b"GET / HTTP/1.1\r\n\r\n" * 20, b"\0" * 100, b"\x01\x01\x00\x01\xff\xff\x00\x00", b"\x01" * 9000, ALIVE[:16] + os.urandom(5000)):
        connection = Connection(master.socket("api"), data)
        connection.socket.shutdown(socket.SHUT_WR)
        assert connection.answer() is None
    assert ask(master.socket("api"), ALIVE).status == 200
    assert "signal" not in master.text()


def test_nothing_is_done_for_a_client_that_has_left(master, tenant):
    workers = master.workers("events")
    send(workers, signal.SIGSTOP)
    Connection(master.socket("events"), post_event(tenant, 1)).socket.close()
    stays = Connection(master.socket("events"), post_event(tenant, 2))
    send(workers, signal.SIGCONT)
    assert stays.answer().status == 200
    assert tenant.stored_event("raw", "1").status == 404
    master.wait(lambda: "the client has left" in master.text())


# ---- sets ----

def test_what_waits_is_one_set(stack, tenant, tmp_path):
    with Master(stack, tmp_path / "sets", set_requests_max=16) as master:
        assert ask(master.socket("events"), post_event(tenant, 0)).status == 200
        worker = master.worker("events")
        send([worker], signal.SIGSTOP)
        array = json.dumps([event(tenant, 100), event(tenant, 3), {"source": "raw"}]).encode()
        waiting = [Connection(master.socket("events"), post_event(tenant, i % 8)) for i in range(1, 13)]  # five of them are repeats
        waiting += [Connection(master.socket("events"), data) for data in
                    (message("POST", "/v1/events", b"{", tenant.key), message("POST", "/v1/events", b"{}", None),
                     message("POST", "/v1/events", array, tenant.key))]
        send([worker], signal.SIGCONT)
        answers = [c.answer() for c in waiting]
        assert [a.status for a in answers] == [200] * 12 + [400, 401, 200]
        for i, answer in enumerate(answers[:12], 1):
            assert json.loads(answer.body)["id"] == str(i % 8)  # joined by identity
        assert [answers[i].body for i in range(8, 12)] == [answers[i].body for i in range(4)]
        items = json.loads(answers[14].body)["data"]
        assert [item["status"] for item in items] == ["processed", "processed", "rejected"] and items[1]["replayed"] is True
        master.wait(lambda: " set=15 " in master.text())


def test_a_set_closes_at_sixteen(stack, tenant, tmp_path):
    with Master(stack, tmp_path / "sets", set_requests_max=16) as master:
        master.wait(lambda: master.workers("events"))
        worker = master.worker("events")
        send([worker], signal.SIGSTOP)
        waiting = [Connection(master.socket("events"), post_event(tenant, i)) for i in range(40)]
        send([worker], signal.SIGCONT)
        assert [c.answer().status for c in waiting] == [200] * 40
        master.wait(lambda: master.text().count(" request status=") == 40)  # written after the answers
        sets = [int(line.split(" set=")[1].split()[0]) for line in master.text().splitlines() if " request status=" in line]
        assert max(sets) == 16


def test_MECHANICS4_a_set_closes_at_256_KiB(stack, tenant, tmp_path):
    with Master(stack, tmp_path / "sets", set_requests_max=16) as master:
        master.wait(lambda: master.workers("events"))
        worker = master.worker("events")
        send([worker], signal.SIGSTOP)
        bodies = [json.dumps([event(tenant, f"{i}-{k}") for k in range(2)]).encode().ljust(30000) for i in range(16)]
        waiting = [Connection(master.socket("events"), message("POST", "/v1/events", body, tenant.key)) for body in bodies]
        send([worker], signal.SIGCONT)
        assert [c.answer().status for c in waiting] == [200] * 16
        master.wait(lambda: master.text().count(" request status=") == 16)
        sets = [int(line.split(" set=")[1].split()[0]) for line in master.text().splitlines() if " request status=" in line]
        assert sets == [9] * 9 + [7] * 7  # the ninth reaches 262,144 bytes


# ---- the life of workers ----

def test_MECHANICS2_an_idle_worker_renews_its_lane_and_sets_it_not_back(stack, tenant, tmp_path):
    """A server that was slow may do the renewal after the worker's next transaction, whose place in the lane has to stay."""
    with Master(stack, tmp_path / "idle") as master:
        assert ask(master.socket("events"), post_event(tenant, 1)).status == 200
        lane = int(master.text().split(" lane_claimed lane=")[1].split()[0])
        (first,) = stack.sql("SELECT n, day, lease_until FROM lane WHERE lane = %s", lane)
        stack.sql("UPDATE lane SET n = n + 1, day = day + 1 WHERE lane = %s", lane)  # as that transaction would have
        try:
            master.wait(lambda: stack.sql("SELECT lease_until FROM lane WHERE lane = %s", lane)[0][0] >= first[2] + 2000)
            assert stack.sql("SELECT n, day FROM lane WHERE lane = %s", lane) == ((first[0] + 1, first[1] + 1),)
        finally:
            stack.sql("UPDATE lane SET n = %s, day = %s WHERE lane = %s", first[0], first[1], lane)


def test_MECHANICS3_inv3_a_renewal_that_comes_late_sets_no_lane_back(stack, tenant, tmp_path):
    """The database has not answered it in time; the worker has gone on with another connection when it is done."""
    door = tmp_path / "database"
    door.symlink_to(stack.env["ACCOLADE_DB_SOCKET"])
    with DatabaseProxy(door) as proxy, Master(stack, tmp_path / "late", db_socket=door) as master:
        assert ask(master.socket("events"), post_event(tenant, 1)).status == 200
        lane = int(master.text().split(" lane_claimed lane=")[1].split()[0])
        proxy.arm("late_statement")
        master.wait(lambda: proxy.lost)
        assert [ask(master.socket("events"), post_event(tenant, i)).status for i in (2, 3)] == [200, 200]
        before = stack.sql("SELECT n FROM lane WHERE lane = %s", lane)
        proxy.let_go()
        assert stack.sql("SELECT n FROM lane WHERE lane = %s", lane) == before
        stack.verify(tenant.code, own=False)


def test_a_worker_that_dies_at_once_is_started_ever_later(master):
    for _ in range(4):
        master.wait(lambda: master.workers("bulk"))
        os.kill(master.workers("bulk")[0], signal.SIGKILL)
        master.wait(lambda: not master.workers("bulk"))
    master.wait(lambda: master.workers("bulk"))
    moments = []
    for line in master.text().splitlines():
        if " worker pool=bulk " in line and ("what=started" in line or "what=died" in line):
            hour, minute, second = line.split("T")[1].split("Z")[0].split(":")
            moments.append((int(hour) * 3600 + int(minute) * 60 + float(second)) * 1000)
    pauses = [moments[i + 1] - moments[i] for i in range(1, len(moments) - 1, 2)]  # from a death to the next start
    for pause, least in zip(pauses, (100, 200, 400, 800), strict=True):
        assert least - 2 <= pause < least + 400 * SLOW, pauses


def test_sigterm_answers_all_that_waits(stack, tenant, tmp_path):
    """Also with the only worker killed meanwhile: another one takes its place."""
    for kill in (False, True):
        with Master(stack, tmp_path / f"drain{kill}") as master:
            worker = master.worker("events")
            send([worker], signal.SIGSTOP)
            waiting = [Connection(master.socket("events"), post_event(tenant, f"{kill}-{i}")) for i in range(30)]
            master.process.terminate()
            master.wait(lambda: not master.socket("events").exists())
            with pytest.raises(FileNotFoundError):
                Connection(master.socket("events"))
            send([worker], signal.SIGKILL if kill else signal.SIGCONT)
            assert [c.answer().status for c in waiting] == [200] * 30
            assert master.process.wait(20) == 0
            assert "master what=ended" in master.text() and not (master.folder / "pid").exists()


def test_a_drain_ends_in_time(stack, tenant, tmp_path):
    with Master(stack, tmp_path / "drain", drain_ms=300) as master:
        send(master.workers("events"), signal.SIGSTOP)
        began = time.monotonic()
        master.process.terminate()
        assert master.process.wait(20) == 0
        assert 1 < time.monotonic() - began < 4 * SLOW
        assert "did not end in drain_ms" in master.text()


def test_workers_end_with_their_master(stack, tmp_path):
    with Master(stack, tmp_path / "orphans") as master:
        workers = children(master.process.pid)
        assert len(workers) == 3
        master.wait(lambda: ask(master.socket("api"), ALIVE).status == 200)
        master.process.kill()
        master.process.wait()
        master.wait(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in workers))
        assert master.socket("api").exists()
    with Master(stack, tmp_path / "orphans") as master:  # what the killed one left is in nobody's way
        assert ask(master.socket("api"), ALIVE).status == 200


# ---- starting ----

def test_a_second_master_is_refused_and_harms_nothing(master, stack):
    done = subprocess.run([BINARY, "-c", master.conf], capture_output=True, text=True, timeout=30)
    assert done.returncode == 1 and "somebody listens there already" in done.stderr
    assert ask(master.socket("api"), ALIVE).status == 200


def test_what_is_no_socket_is_never_removed(stack, tmp_path):
    (tmp_path / "pool").mkdir()
    (tmp_path / "pool" / "bulk.sock").write_text("precious")
    with Master(stack, tmp_path / "pool") as master:
        assert master.process.wait(10) == 1
        assert "is there and is no socket" in master.text()
    assert (tmp_path / "pool" / "bulk.sock").read_text() == "precious"
    assert not (tmp_path / "pool" / "events.sock").exists()


def test_sockets_are_for_user_and_group(master):
    for pool in ("events", "bulk", "api"):
        assert master.socket(pool).stat().st_mode & 0o777 == 0o660


def listening(path):
    made = socket.socket(socket.AF_UNIX)
    made.bind(str(path))
    made.listen(100)
    return made


def test_sockets_of_systemd_are_taken_by_name_and_left_alone(stack, tmp_path):
    handed = {name: listening(tmp_path / name) for name in ("api", "events")}
    fds = [s.fileno() for s in handed.values()]
    for _ in range(2):  # the file and the backlog outlive a restart
        waiting = Connection(tmp_path / "api", ALIVE)
        with Master(stack, tmp_path / "pool", fds=fds, names="api:events") as master:
            assert waiting.answer().status == 200
            assert not master.socket("api").exists() and master.socket("bulk").exists()
            assert ask(master.socket("bulk"), ALIVE).status == 200
    assert (tmp_path / "api").exists()
    with Master(stack, tmp_path / "pool", fds=fds, names="api:nonsense") as master:
        assert master.process.wait(10) == 1
        assert "nonsense" in master.text()


def run_binary(*args):
    return subprocess.run([BINARY, *args], capture_output=True, text=True, timeout=30)


def test_the_command_line_is_checked():
    assert run_binary("--help").returncode == 0 and run_binary("--help").stdout.startswith("usage: accolade-fcgi")
    for args in (("--nonsense",), ("more",), ("-c",)):
        done = run_binary(*args)
        assert done.returncode == 2 and "usage:" in done.stderr
    assert run_binary("-c", "/nonexistent").returncode == 2


# ---- what the workers depend on ----

def ready(path):
    answer = ask(path, message(uri="/readyz", ACCOLADE_LISTENER="admin"))
    return answer.status, json.loads(answer.body)["checks"]


def test_a_database_that_is_away_is_waited_for(stack, tenant, tmp_path):
    place = tmp_path / "database.sock"
    with Master(stack, tmp_path / "pool", db_socket=place) as master:
        workers = children(master.process.pid)
        answer = ask(master.socket("events"), post_event(tenant, 1))
        assert answer.status == 503 and json.loads(answer.body)["code"] == "unavailable"
        assert ready(master.socket("api")) == (503, {"database": "away", "schema": "unknown", "durability": "unknown", "memcached": cachemodes.STATE})
        assert ask(master.socket("api"), ALIVE).status == 200
        place.symlink_to(stack.env["ACCOLADE_DB_SOCKET"])
        assert ask(master.socket("events"), post_event(tenant, 1)).status == 200
        assert ready(master.socket("api"))[0] == 200
        assert children(master.process.pid) == workers


def test_readyz_without_memcached_is_ready(stack, tmp_path):
    for memcached, state in (("", "none"), (tmp_path / "nobody.sock", "away"), ("127.0.0.1:1", "away")):
        with Master(stack, tmp_path / "pool", memcached=memcached) as master:
            assert ready(master.socket("api")) == (200, {"database": "ok", "schema": "ok", "durability": "ok", "memcached": state})


@pytest.mark.skipif(cachemodes.MODE != "", reason="this test stops it itself")
def test_readyz_with_a_hung_memcached_takes_no_time(stack, master):
    hung = int(stack.env["ACCOLADE_MEMCACHED_PID"])
    assert ready(master.socket("api"))[1]["memcached"] == "ok"
    os.kill(hung, signal.SIGSTOP)
    try:
        began = time.monotonic()
        status, checks = ready(master.socket("api"))
        assert (status, checks["memcached"]) == (200, "away") and time.monotonic() - began < 0.5
    finally:
        os.kill(hung, signal.SIGCONT)
    assert ready(master.socket("api"))[1]["memcached"] == "ok"


def test_readyz_knows_a_database_without_our_tables(stack, tmp_path):
    with Master(stack, tmp_path / "pool", db_name=stack.env["ACCOLADE_DB_NAME"] + "_sqitch") as master:
        status, checks = ready(master.socket("api"))
        assert (status, checks["schema"]) == (503, "wrong")
        assert "the tables do not fit this program" in master.text()


# ---- the log ----

def test_a_request_is_one_line_without_its_path(master, tenant):
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    assert ask(master.socket("events"), post_event(tenant, "line", REQUEST_ID="abc-1", HTTP_TRACEPARENT=trace)).status == 200
    assert ask(master.socket("api"), message(uri="/v1/members/mline/points", key=tenant.key, REQUEST_ID="abc-2")).status == 200
    master.wait(lambda: "request_id=abc-2" in master.text())
    lines = master.text().splitlines()
    (line,) = [x for x in lines if "request_id=abc-1" in x and " request " in x]
    for part in ("status=200", "problem=-", "route=send_events", "method=POST", f"traceparent={trace}", "set=1", "pool=events"):
        assert f" {part}" in line, line
    assert f" tenant={tenant.id} " in line and f" key={tenant.key.split('_')[2]} " in line and " ms=" in line
    (number,) = stack_number(tenant)
    assert f" member={number} " in line
    assert "mline" not in master.text() and tenant.key.split("_")[3] not in master.text()


def stack_number(tenant):
    return tenant.stack.sql("SELECT member_no FROM member_key WHERE tenant_id = %s AND external_id = %s", tenant.id, b"mline")[0]


def test_sighup_opens_the_log_anew_and_takes_what_may_change(stack, tmp_path):
    log = tmp_path / "a.log"
    with Master(stack, tmp_path / "pool", log_file=log) as master:
        master.wait(lambda: log.exists() and log.read_text().count("what=started") == 4)
        log.rename(tmp_path / "a.log.1")
        master.conf.write_text(master.conf.read_text() + "log_level = 0\nbacklog = 2000\n")
        master.process.send_signal(signal.SIGHUP)
        master.wait(lambda: log.exists() and log.read_text().count("what=ended") == 3)
        assert 'what="settings that need a restart" names="backlog"' in (tmp_path / "a.log.1").read_text()
        master.conf.write_text("nonsense\n")
        master.process.send_signal(signal.SIGHUP)
        master.wait(lambda: "the settings stay as they were" in log.read_text())
        assert ask(master.socket("api"), ALIVE).status == 200


@pytest.mark.skipif(BUILD == "asan", reason="the sanitizer's own memory is most of it")
def test_memory_of_large_requests_is_given_back(master, tenant):
    worker = master.worker("bulk")

    def resident():
        with open(f"/proc/{worker}/statm") as statm:
            return int(statm.read().split()[1]) * 4096
    large = message("POST", "/v1/events", json.dumps([{"source": "x", "junk": "y" * 3000}] * 1000).encode(), tenant.key)
    for _ in range(5):  # the C library keeps some for the next time
        assert ask(master.socket("bulk"), large).status == 200
    first = resident()
    for _ in range(10):
        assert ask(master.socket("bulk"), large).status == 200
    assert resident() < first + (1 << 20)
    whole = [event(tenant, i, source="memory") for i in range(1000)]
    assert ask(master.socket("bulk"), message("POST", "/v1/events", json.dumps(whole).encode(), tenant.key)).status == 200
    master.wait(lambda: resident() < 24 << 20)
