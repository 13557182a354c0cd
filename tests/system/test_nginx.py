"""nginx in front: which pool takes a request, its own refusals as problems, what it never logs (MECHANICS 4 and 5)."""
import json
import os
import re
import signal
import socket
import time

import pytest

from accolade import Http
from wire import connect, raw, read_response

EVENT = {"source": "test", "type": "act", "member": "nginx-member"}


def pool_of(stack, response):
    """The pool whose worker logged the request that was answered."""
    wanted = f"request_id={response.headers['x-request-id']} "
    for _ in range(50):
        for line in stack.pool_log().splitlines():
            if wanted in line:
                return re.search(r"\bpool=(\w+)", line).group(1)
        time.sleep(0.02)
    raise AssertionError("not logged: " + wanted)


def padded(n, id):
    """An event of exactly n bytes."""
    body = json.dumps({**EVENT, "id": id}).encode()
    return body + b" " * (n - len(body))


@pytest.mark.parametrize("target, size, pool", [
    ("/v1/events", 200, "events"), ("/v1/events?x=1", 200, "events"), ("/v1/events", 9999, "events"), ("/v1/events", 10000, "events"),
    ("/v1/events", 16384, "events"), ("/v1/events", 16385, "bulk"), ("/v1/events", 99999, "bulk"), ("/v1/events", 1000000, "bulk"),
    ("/v1/members/m/adjustments", 200, "api"), ("/v1/eventsx", 200, "api"), ("/v1//events", 200, "api"), ("/v1/eventS", 200, "api"),
    ("/v1/%65vents", 200, "events"), ("/%761/ev%65%6Et%73", 16385, "bulk"), ("/%76%31/%65%76%65%6e%74%73?x=1", 200, "events"),
])
def test_the_pool_is_chosen_by_raw_target_and_length(make_tenant, target, size, pool):
    t = make_tenant()
    answer = t.stack.http.send("POST", target, padded(size, f"{size}"), {"Authorization": "Bearer " + t.key,
                                                                        "Content-Type": "application/json"})
    assert pool_of(t.stack, answer) == pool


def test_a_body_without_length_goes_to_bulk(make_tenant):
    t = make_tenant()
    body = padded(200, "chunked")
    head = f"POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {t.key}\r\nContent-Type: application/json\r\n"
    answer = raw(t.stack.url, head.encode() + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))
    assert answer.status == 200 and pool_of(t.stack, answer) == "bulk"


@pytest.mark.parametrize("method, target", [("GET", "/v1/events"), ("DELETE", "/v1/events"), ("GET", "/v1/events/a/b"), ("GET", "/")])
def test_everything_else_goes_to_api(stack, method, target):
    assert pool_of(stack, stack.http.send(method, target)) == "api"


REFUSED = {
    "bad-request": [b"NONSENSE\r\n\r\n", b"GET / x HTTP/1.1\r\nHost: x\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"GET /../x HTTP/1.1\r\nHost: x\r\n\r\n",
                    b"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", b"GET / HTTP/9.0\r\nHost: x\r\n\r\n",
                    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"],
    "method-not-allowed": [b"TRACE / HTTP/1.1\r\nHost: x\r\n\r\n"],
    "body-too-large": [b"POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 4194305\r\n\r\n"],
    "uri-too-long": [b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n"],
    "headers-too-large": [b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 9000 + b"\r\n\r\n"],
    "not-found": [b"GET /.problem/413 HTTP/1.1\r\nHost: x\r\n\r\n"],
}


@pytest.mark.parametrize("code, request_", [(code, r) for code, requests in REFUSED.items() for r in requests],
                         ids=lambda v: v if isinstance(v, str) else v[:20].decode())
def test_what_nginx_refuses_is_a_problem_too(stack, code, request_):
    said = raw(stack.url, request_).problem(code)["detail"]
    limits = {"body-too-large": "4194304 bytes", "headers-too-large": "8 KiB"}
    assert limits.get(code, "") in said


def test_a_key_has_so_many_connections(make_tenant):
    """One tenant cannot fill the backlog: the 513th request at once gets 429, however the scheme is written; another tenant is served."""
    one, other = make_tenant(), make_tenant()
    head = f"POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 200\r\nAuthorization: Bearer {one.key}\r\n\r\n".encode()
    held = []
    try:
        for _ in range(512):
            held.append(connect(one.stack.url))
            held[-1].sendall(head)
        for spelling in (b"Bearer ", b"BEARER ", b"bearer   ", b"Bearer \t", b"\tBearer "):
            answer = raw(one.stack.url, head.replace(b"Bearer ", spelling))
            answer.problem("rate-limited")
            assert answer.headers["retry-after"] == "1"
        assert other.send(type="unknown").status == 200
    finally:
        for s in held:
            s.close()


def test_a_pool_that_is_gone_is_502(stack, tmp_path):
    """The socket's file is away for a moment: nobody could be reached, nothing was done, the next request is served."""
    path = stack.env["ACCOLADE_API_SOCKET"]
    os.rename(path, path + ".away")
    try:
        answer = stack.http.send("GET", "/v1/members/m/points")
    finally:
        os.rename(path + ".away", path)
    answer.problem("bad-gateway")
    assert answer.headers["retry-after"] == "1"
    stack.http.send("GET", "/v1/members/m/points").problem("unauthenticated")


def test_a_pool_that_hangs_is_504(stack):
    """Behind the socket somebody accepts and never answers: nginx gives up after 10 s."""
    path = stack.env["ACCOLADE_API_SOCKET"]
    os.rename(path, path + ".away")
    try:
        with socket.socket(socket.AF_UNIX) as hanging:
            hanging.bind(path)
            hanging.listen(8)
            began = time.monotonic()
            answer = Http(stack.url, recorder=stack.recorder).send("GET", "/v1/members/m/points")
            assert 9 < time.monotonic() - began < 13
    finally:
        os.rename(path + ".away", path)
    answer.problem("timeout")
    assert answer.headers["retry-after"] == "1"


def test_the_private_listener_answers_three_paths_and_the_public_one_none(stack):
    assert stack.admin.send("GET", "/healthz").ok() == {"status": "ok"}
    assert stack.admin.send("GET", "/readyz").ok()["status"] == "ready"
    assert stack.admin.send("GET", "/metrics").status == 200
    stack.admin.send("GET", "/v1/members/m/points").problem("not-found")
    for path in ("/healthz", "/readyz", "/metrics"):
        stack.http.send("GET", path).problem("not-found")


def test_a_client_cannot_claim_to_come_by_the_private_listener(stack):
    for name in ("Accolade-Listener", "ACCOLADE_LISTENER", "Http-Accolade-Listener"):
        stack.http.send("GET", "/readyz", headers={name: "admin"}).problem("not-found")


def test_no_log_of_nginx_has_a_members_path_or_a_key(make_tenant):
    t = make_tenant()
    secret = "member-of-no-log"
    t.get(f"/members/{secret}/points")
    t.call("GET", f"/events/{secret}/{secret}")
    raw(t.stack.url, f"GET /{secret} x HTTP/1.1\r\nHost: {secret}\r\n\r\n".encode())
    raw(t.stack.url, f"GET /{secret}{'a' * 9000} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    time.sleep(1.3)  # the access log is written once per second
    logs = [p for p in (t.stack.dir / "log").glob("*") if "nginx" in p.name]
    assert len(logs) >= 2
    for log in logs:
        text = log.read_bytes()
        assert secret.encode() not in text and t.key.encode() not in text, log
    assert b"upstream_status=404" in (t.stack.dir / "log" / "nginx-access.log").read_bytes()
