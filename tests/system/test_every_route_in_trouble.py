"""Every row of the routes table with what nginx and the workers answer in trouble: 429, 502, 503, 504. Each is a problem that says when to
try again, and what was sent is not half done."""
import json
import os
import signal
import time

import pytest

from accolade import Stack, parallel
from generated import PUBLIC, ROUTES, World
from wire import connect

CONNECTIONS = 512  # of one key (nginx/accolade-routes.conf)


@pytest.fixture(scope="module")
def world(recorder):
    stack = Stack("trouble", workers=1, recorder=recorder).start()
    yield World(stack)
    stack.start(fresh=False)  # whatever a test left behind
    stack.verify()
    stack.stop()
    assert stack.sanitizer_reports() == []


def prepared(world, routes):
    """Good requests, made while everything works: (route, path, body, headers)."""
    return [(route, *((world.path(route), json.dumps(world.good_body(route)).encode() if route["body_max"] else None, world.headers(route))
                      if route["scope"] else (route["pattern"], None, {}))) for route in routes]


def send_all(world, requests):
    """All at once; those of the private listener go there."""
    def one(i):
        route, path, body, headers = requests[i]
        http = world.stack.admin if route["admin"] else world.stack.http
        return http.send(route["method"], path, body, headers)
    return zip(requests, parallel(len(requests), one))


def again_later(answers, code):
    for (route, *_), answer in answers:
        assert answer.status >= 400 and answer.json["code"] == code, (route["name"], answer)
        answer.problem(code)
        assert int(answer.headers["retry-after"]) >= 1, route["name"]


@pytest.mark.parametrize("operator", [False, True])
def test_429_a_key_with_all_its_connections(world, operator):
    requests = prepared(world, [route for route in PUBLIC.values() if (route["scope"] == "operator") == operator])
    key = world.operator if operator else world.tenant.key
    held = [connect(world.stack.url) for _ in range(CONNECTIONS)]
    try:
        for s in held:
            s.sendall(f"POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\nAuthorization: Bearer {key}\r\n\r\n".encode())
        time.sleep(0.5)
        answers = [((route,), world.send(route, path, body, headers)) for route, path, body, headers in requests]
    finally:
        for s in held:
            s.close()
    again_later(answers, "rate-limited")


def test_503_without_a_database(world):
    requests = prepared(world, [route for route in ROUTES.values() if route["name"] not in ("healthz", "metrics")])
    pid = int(world.stack.env["ACCOLADE_DB_PID"])
    os.kill(pid, signal.SIGTERM)
    while os.path.exists(f"/proc/{pid}"):
        time.sleep(0.1)
    try:
        again_later(send_all(world, requests), "unavailable")
        assert world.stack.admin.send("GET", "/healthz").ok() == {"status": "ok"}
        assert world.stack.admin.send("GET", "/metrics").status == 200
    finally:
        world.stack.start(fresh=False)


def test_504_when_no_worker_answers(world):
    requests = prepared(world, ROUTES.values())
    stopped = [world.stack.pool_pid(), *world.stack.pool_workers()]  # the master first: it would replace workers that hang
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    try:
        again_later(send_all(world, requests), "timeout")
    finally:
        for pid in reversed(stopped):
            os.kill(pid, signal.SIGCONT)


def test_502_without_a_pool(world):
    requests = prepared(world, ROUTES.values())
    os.kill(world.stack.pool_pid(), signal.SIGKILL)
    for pid in world.stack.pool_workers():
        os.kill(pid, signal.SIGKILL)
    time.sleep(0.5)
    try:
        again_later(send_all(world, requests), "bad-gateway")
    finally:
        world.stack.start(fresh=False)
