"""M11: /metrics, what all workers of all pools have counted together, in Prometheus' text format, by the private listener alone."""
import json
import re
import socket
import time

from accolade import ROOT, SLOW, config, currency, rule
from fastcgi import Connection, Master, ask, message
from wire import wait_for

TYPE = "text/plain; version=0.0.4; charset=utf-8"
SAMPLE = re.compile(r'^(accolade_[a-z_]+)(?:\{((?:[a-z]+="[^"\\]*",?)+)\})? (-?[0-9.]+)$')
CONFIG = config(currency(), rule("paid", pays=1))


def families(text):
    """name → (type, {labels: value}); every line must be of the format, and each name's lines stand together below its HELP and TYPE."""
    found, name = {}, None
    assert text.endswith("\n")
    for line in text.splitlines():
        if line.startswith("# HELP "):
            name, help = line[7:].split(" ", 1)
            assert name not in found and help[0].isupper() and help.endswith("."), line
            found[name] = (None, {})
        elif line.startswith("# TYPE "):
            assert line.split()[2] == name and found[name] == (None, {}), line
            found[name] = (line.split()[3], {})
        else:
            sample, labels, value = SAMPLE.match(line).groups()
            kind, values = found[name]
            suffix = sample.removeprefix(name)
            assert suffix in (("_bucket", "_sum", "_count") if kind == "histogram" else ("",)), line
            assert (kind == "counter") == name.endswith("_total"), line
            key = (suffix, *re.findall(r'([a-z]+)="([^"]*)"', labels or ""))
            assert key not in values, line
            values[key] = float(value)
    return found


def scrape(stack):
    answer = stack.admin.send("GET", "/metrics")
    assert answer.status == 200 and answer.headers["content-type"] == TYPE, answer
    return families(answer.body.decode())


def scrape_master(master):
    return families(ask(master.socket("api"), message(uri="/metrics", ACCOLADE_LISTENER="admin")).body.decode())


def value(found, name, suffix="", **labels):
    return found[name][1].get((suffix, *labels.items()), 0)


def counted(stack, before, name, by, suffix="", **labels):
    """Waits until it has grown by so much: a request is counted just after its answer was sent."""
    for _ in range(100):
        now = scrape(stack)
        grown = value(now, name, suffix, **labels) - value(before, name, suffix, **labels)
        if grown >= by:
            break
        time.sleep(0.02)
    assert grown == by, (name, labels, grown)
    return now


def test_M11_requests_by_route_and_status_of_all_pools(make_tenant):
    t = make_tenant(CONFIG)
    requests = "accolade_requests_total"
    before = scrape(t.stack)
    for _ in range(3):
        t.event("m")
    t.send("m", data="x" * 17000)  # goes to bulk, and is refused there
    t.get("/members/m/points").ok()
    t.get("/members/nobody/points").problem("member-not-found")
    t.call("GET", "/nowhere").problem("not-found")
    t.stack.http.send("BREW", "/v1/events").problem("method-not-allowed")
    counted(t.stack, before, requests, 3, route="send_events", method="POST", status="200")
    counted(t.stack, before, requests, 1, route="send_events", method="POST", status="413")
    counted(t.stack, before, requests, 1, route="get_member_points", method="GET", status="200")
    counted(t.stack, before, requests, 1, route="get_member_points", method="GET", status="404")
    counted(t.stack, before, requests, 1, route="none", method="", status="404")
    counted(t.stack, before, requests, 1, route="none", method="", status="405")
    counted(t.stack, before, "accolade_events_total", 3, pool="events")


def test_M11_durations_and_sets_are_histograms(make_tenant):
    t = make_tenant(CONFIG)
    before = scrape(t.stack)
    for _ in range(5):
        t.event("m")
    t.post([t.event_body() for _ in range(7)]).ok()
    counted(t.stack, before, "accolade_request_duration_seconds", 6, "_count", route="send_events")
    now = counted(t.stack, before, "accolade_set_requests", 6, "_sum", pool="events")
    counted(t.stack, before, "accolade_events_total", 12, pool="events")
    bounds = {"accolade_request_duration_seconds": "0.0005 0.001 0.0025 0.005 0.01 0.025 0.05 0.1 0.2 0.5 1 2.5 5 +Inf",
              "accolade_set_requests": "1 2 4 8 16 +Inf"}
    for name, expected in bounds.items():
        kind, values = now[name]
        assert kind == "histogram"
        series = {key[1] for key in values}
        for of in series:
            buckets = [(key[2][1], v) for key, v in values.items() if key[:2] == ("_bucket", of)]
            assert " ".join(le for le, _ in buckets) == expected
            assert [v for _, v in buckets] == sorted(v for _, v in buckets)
            assert buckets[-1][1] == values["_count", of]
            assert values["_sum", of] >= 0
    took = value(now, "accolade_request_duration_seconds", "_sum", route="send_events")
    took -= value(before, "accolade_request_duration_seconds", "_sum", route="send_events")
    assert 0.0005 < took < 60


def test_M11_limits_and_database(make_tenant):
    t = make_tenant(config(currency(), rule("paid", pays=1), rate_limits=[{"limit": "reads", "count": 1, "per": "day"}]))
    before = scrape(t.stack)
    assert [t.get("/config").status for _ in range(4)] == [200, 429, 429, 429]
    t.event("m")
    counted(t.stack, before, "accolade_rate_limited_total", 3, limit="reads")
    now = counted(t.stack, before, "accolade_requests_total", 3, route="get_config", method="GET", status="429")
    assert value(now, "accolade_database_results_total", result="ok") >= value(before, "accolade_database_results_total", result="ok") + 12
    assert value(now, "accolade_database_results_total", result="fatal") == value(before, "accolade_database_results_total", result="fatal")
    assert value(now, "accolade_database_connections_total") >= 1
    assert value(now, "accolade_server_up", server="database") == 1
    assert {key[1][1] for key in now["accolade_retries_total"][1]} == {"changed", "lost", "unknown", "busy", "fault", "write"}


def test_M11_the_pool(stack):
    found = scrape(stack)
    for pool, wanted in (("events", stack.workers), ("bulk", 1), ("api", (stack.workers + 1) // 2)):
        assert value(found, "accolade_workers", pool=pool, state="wanted") == wanted
        assert value(found, "accolade_workers", pool=pool, state="ready") == wanted
        assert value(found, "accolade_worker_starts_total", pool=pool) >= wanted
        assert value(found, "accolade_connections_waiting", pool=pool) >= 0
    assert value(found, "accolade_workers", pool="api", state="busy") >= 1  # the one that answers this
    assert value(found, "accolade_connections_held", pool="api") >= 1
    assert 0 < value(found, "accolade_start_time_seconds")


def test_M11_a_busy_row_is_counted_as_retried(make_tenant):
    """Another session holds the member's row for longer than a lock is waited for."""
    t = make_tenant(CONFIG)
    t.event("m")
    before = scrape(t.stack)
    connection = t.stack.db()
    try:
        connection.autocommit(False)
        with connection.cursor() as cursor:
            cursor.execute("SELECT version FROM member_state WHERE tenant_id = %s FOR UPDATE", (t.id,))
            t.send("m").problem("in-progress")
    finally:
        connection.close()
    now = scrape(t.stack)
    assert value(now, "accolade_retries_total", why="busy") > value(before, "accolade_retries_total", why="busy")
    assert value(now, "accolade_database_results_total", result="busy") > value(before, "accolade_database_results_total", result="busy")


def test_M11_workers_that_die_and_what_they_died_of(make_tenant, tmp_path):
    """An event that fells whoever settles it: twice, then it is refused."""
    t = make_tenant(CONFIG)
    body = t.event_body()
    (tmp_path / "traps").mkdir()
    (tmp_path / "traps" / f"item-{body['id']}").write_text("kill")
    with Master(t.stack, tmp_path / "pool", trap_dir=tmp_path / "traps", memcached="") as master:
        before = scrape_master(master)
        assert value(before, "accolade_quarantined") == 0 == value(before, "accolade_worker_deaths_total", pool="events")
        for _ in range(2):
            assert Connection(master.socket("events"), message("POST", "/v1/events", json.dumps(body).encode(), key=t.key)).answer() is None
        answer = ask(master.socket("events"), message("POST", "/v1/events", json.dumps(body).encode(), key=t.key))
        assert answer.status == 503 and json.loads(answer.body)["code"] == "quarantined"
        found = scrape_master(master)
        assert value(found, "accolade_quarantined") == 1
        assert {k[1][1]: v for k, v in found["accolade_worker_deaths_total"][1].items()} == {"events": 2, "bulk": 0, "api": 0}
        assert value(found, "accolade_worker_starts_total", pool="events") == 3
        wait_for(lambda: value(scrape_master(master), "accolade_requests_total", route="send_events", method="POST", status="503") == 1)
        assert ("", ("server", "memcached")) not in found["accolade_server_up"][1]


def test_M11_a_database_that_hangs_and_one_that_is_back(stack, make_tenant, tmp_path):
    """Somebody listens in its place and says nothing; then the database is there."""
    t, path = make_tenant(CONFIG), tmp_path / "database.sock"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen(64)
    with Master(stack, tmp_path / "pool", db_socket=path) as master:
        request = message("POST", "/v1/events", json.dumps(t.event_body()).encode(), key=t.key)
        assert ask(master.socket("events"), request).status == 503
        found = scrape_master(master)
        assert value(found, "accolade_database_breaker_open") == 1 == value(found, "accolade_database_breaker_trips_total")
        wait_for(lambda: value(scrape_master(master), "accolade_database_results_total", result="gone") >= 1, 10 * SLOW)
        wait_for(lambda: value(scrape_master(master), "accolade_server_up", server="database") == 0, 10 * SLOW)
        path.unlink()
        path.symlink_to(stack.env["ACCOLADE_DB_SOCKET"])
        listener.close()  # the looks that wait end with it
        wait_for(lambda: value(scrape_master(master), "accolade_database_breaker_open") == 0, 10 * SLOW)
        assert ask(master.socket("events"), request).status == 200
        wait_for(lambda: value(scrape_master(master), "accolade_database_connections_total") >= 1, 10 * SLOW)
        assert value(scrape_master(master), "accolade_database_breaker_trips_total") == 1
        wait_for(lambda: value(scrape_master(master), "accolade_server_up", server="database") == 1, 10 * SLOW)


def test_M11_only_by_the_private_listener_and_nothing_of_tenants_in_it(make_tenant):
    t = make_tenant(CONFIG)
    t.event("a-member-of-no-metric")
    for headers in ({}, {"Authorization": "Bearer " + t.key}, {"Accolade-Listener": "admin"}):
        t.stack.http.send("GET", "/metrics", headers=headers).problem("not-found")
        t.stack.http.send("GET", "/v1/metrics", headers=headers).problem("not-found")
    t.stack.admin.send("POST", "/metrics").problem("method-not-allowed")
    text = t.stack.admin.send("GET", "/metrics").body.decode()
    for secret in (t.code, t.key, t.key.split("_")[2], "a-member-of-no-metric"):
        assert secret not in text


def test_M11_every_name_is_documented_with_its_type(stack):
    """Names are what dashboards and alerts hang on: the document has all of them and no others."""
    page = (ROOT / "docs" / "OPERATIONS.md").read_text()
    documented = dict(re.findall(r"^\| `(accolade_[a-z_]+)` \| (\w+) \|", page, re.M))
    assert documented == {name: kind for name, (kind, _) in scrape(stack).items()}
