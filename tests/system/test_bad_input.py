"""Malformed input: a 4xx problem with a pointer where there is one, nothing written, no worker lost (invariant 13)."""
import gzip
import http.client
import json
import socket

import pytest

from accolade import config, currency, rule
from wire import connect, raw, read_response

CONFIG = config(currency(), rule("r", pays=1))
GOOD = {"source": "test", "id": "bad-input", "type": "act", "member": "m"}


@pytest.fixture
def t(shared_tenant):
    """The shared tenant; afterwards nothing is stored that was not before, and every worker is the one it was."""
    stack = shared_tenant.stack
    before, workers = stack.stored(), stack.pool_workers()
    yield shared_tenant
    assert stack.stored() == before
    assert stack.pool_workers() == workers
    assert stack.http.send("GET", "/v1/members/x/points", headers={"Authorization": f"Bearer {shared_tenant.key}"}).status == 404


def text(value, **changes):
    return json.dumps({**GOOD, **changes}, ensure_ascii=False).replace('"@"', value).encode()


def with_data(value):
    """The good event with this raw text as a member of data."""
    return text(value, data={"x": "@"})


DEEP = '[' * 31 + ']' * 31  # with the event and data around it 33


@pytest.mark.parametrize("body, code, pointer", [
    (b"", "malformed-json", None),
    (b" ", "malformed-json", ""),
    (b"{", "malformed-json", ""),
    (b"[", "malformed-json", "/0"),
    (b"nul", "malformed-json", ""),
    (b"{}{}", "malformed-json", ""),
    (b"\xef\xbb\xbf" + text(""), "malformed-json", ""),
    (text("")[:-1], "malformed-json", ""),
    (text("")[:-1] + b",}", "malformed-json", ""),
    (text("").replace(b'"', b"'"), "malformed-json", ""),
    (b"// c\n" + text(""), "malformed-json", ""),
    (text("").decode().encode("utf-16"), "malformed-json", ""),
    (with_data(DEEP), "malformed-json", "/data/x" + "/0" * 30),
    (b"[" * 10000, "malformed-json", "/0" * 32),
    (b'{"a":' * 3000, "malformed-json", "/a" * 32),
    (b'{"source":"a","source":"a"}', "malformed-json", "/source"),
    (b'{"source":"a","s\\u006furce":"b"}', "malformed-json", "/source"),
    (with_data('{"k":{"a":1,"a":1}}'), "malformed-json", "/data/x/k/a"),
    (with_data("NaN"), "malformed-json", "/data/x"),
    (with_data("Infinity"), "malformed-json", "/data/x"),
    (with_data("-Infinity"), "malformed-json", "/data/x"),
    (with_data("01"), "malformed-json", "/data/x"),
    (with_data("-"), "malformed-json", "/data/x"),
    (with_data("1."), "malformed-json", "/data/x"),
    (with_data(".5"), "malformed-json", "/data/x"),
    (with_data("+1"), "malformed-json", "/data/x"),
    (with_data("1e"), "malformed-json", "/data/x"),
    (with_data("0x10"), "malformed-json", None),
    (with_data("12abc"), "malformed-json", None),
    (with_data("tru"), "malformed-json", "/data/x"),
    (with_data("True"), "malformed-json", "/data/x"),
    (with_data("undefined"), "malformed-json", "/data/x"),
    (with_data('"a\nb"'), "malformed-json", "/data/x"),
    (with_data('"a\x00b"'), "malformed-json", "/data/x"),
    (with_data('"\\x41"'), "malformed-json", "/data/x"),
    (with_data('"\\u12"'), "malformed-json", "/data/x"),
    (with_data('"\\u0000"'), "malformed-json", "/data/x"),
    (with_data('"\\ud800"'), "malformed-json", "/data/x"),
    (with_data('"\\udc00\\ud800"'), "malformed-json", "/data/x"),
    (with_data('"@').replace(b"@", b"\xff\""), "malformed-json", "/data/x"),
    (with_data('"@').replace(b"@", b"\xc0\xaf\""), "malformed-json", "/data/x"),
    (with_data('"@').replace(b"@", b"\xed\xa0\x80\""), "malformed-json", "/data/x"),
    (with_data('"@').replace(b"@", b"\xf4\x90\x80\x80\""), "malformed-json", "/data/x"),
    (with_data("9007199254740993"), "number-out-of-range", "/data/x"),
    (with_data("-9007199254740993"), "number-out-of-range", "/data/x"),
    (with_data("[1,99999999999999999999999999999999]"), "number-out-of-range", "/data/x/1"),
    (with_data("1e309"), "number-out-of-range", "/data/x"),
    (with_data("-1e999999999"), "number-out-of-range", "/data/x"),
    (b"5", "validation-failed", ""),
    (b"null", "validation-failed", ""),
    (b'"event"', "validation-failed", ""),
    (b"true", "validation-failed", ""),
])
def test_inv13_what_is_no_event_at_all(t, body, code, pointer):
    answer = t.call("POST", "/events", raw=body, headers={"Content-Type": "application/json"})
    answer.problem(code, *([] if pointer is None else [pointer]))


WRONG = {  # of each field: what it may not be
    "source": [None, 5, True, [], {}, "", "x" * 129, "é" * 65, "a\nb", "a\u007fb", "a\u0085b", ".", "..", "a/../b", "a/.", "../a"],
    "id": [None, 5, 1.5, False, ["a"], {"a": 1}, "", "x" * 129, "\t", "a/./b", ".."],
    "type": [None, 5, [], "", "x" * 129, "a\u0001b"],
    "member": [None, 17, [], "", "x" * 129, "a\rb", ".", "a/.."],
    "time": [None, 0, 1897214400000, True, "", "now", "2030-02-13", "2030-02-13T12:00:00", "2030-02-13 12:00:00Z", "2030-13-13T12:00:00Z",
             "2030-02-30T12:00:00Z", "2030-02-13T24:00:00Z", "2030-02-13T12:60:00Z", "2030-02-13T12:00:60Z", "2030-02-13T12:00:00.Z",
             "2030-02-13T12:00:00+1:00", "1999-12-31T23:59:59Z", "2100-01-02T00:00:00Z", "+2030-02-13T12:00:00Z", "2030-02-13T12:00:00Z "],
    "data": [None, 5, "x", [], [{}], True],
    "context": [None, 5, "x", []],
}


@pytest.mark.parametrize("field, value", [(field, value) for field, values in WRONG.items() for value in values])
def test_inv13_wrong_value_of_a_field(t, field, value):
    t.post({**GOOD, field: value}).problem("validation-failed", f"/{field}")
    (item,) = t.events([{**GOOD, field: value}])
    assert item["status"] == "rejected"
    assert [e["pointer"] for e in item["problem"]["errors"]] == [f"/0/{field}"]


@pytest.mark.parametrize("field", ["source", "id", "type", "member"])
def test_inv13_missing_field(t, field):
    t.post({k: v for k, v in GOOD.items() if k != field}).problem("validation-failed", f"/{field}")


def test_inv13_all_faults_of_an_event_at_once(t):
    t.post({"source": 5, "id": "", "when": 1, "a/b~c": 2, "time": "x"}).problem(
        "validation-failed", "/source", "/id", "/when", "/a~1b~0c", "/time", "/type", "/member")


@pytest.mark.parametrize("extra", ["Source", "specversion", "points", "amount", "tenant", "", "config_version", "x" * 5000, "\u202e", 'quo"te'])
def test_inv13_unknown_fields(t, extra):
    t.post({**GOOD, extra: 1}).problem("validation-failed", "/" + extra)


def test_inv13_a_hundred_faults_are_listed_and_the_rest_counted(t):
    problem = t.post({**GOOD, **{f"x{i}": 1 for i in range(150)}}).problem("validation-failed")
    assert len(problem["errors"]) == 100 and problem["more_errors"] == 50


def test_inv13_many_values(t):
    """An array of 200,001 values costs its reading and no more."""
    t.call("POST", "/events", raw=b"[" + b"1," * 200_000 + b"1]").problem("malformed-json")
    t.call("POST", "/events", raw=b"[" + b"1," * 1000 + b"1]").problem("too-many-items")


# ---- sizes ----

def padded(size):
    body = text('"@"', data={"x": "@"})
    return body.replace(b"@", b"y" * (size - len(body) + 1))


def test_S7_an_event_of_16_KiB_and_one_byte(t):
    assert len(padded(16385)) == 16385
    t.call("POST", "/events", raw=padded(16385)).problem("body-too-large")
    t.call("POST", "/events", raw=text("")[:-1] + b" " * 17000 + b"}").problem("body-too-large")  # as sent, white space too


def test_S7_an_array_beyond_4_MiB(t):
    answer = t.call("POST", "/events", raw=b"[" + b" " * (4 << 20) + b"]")
    answer.problem("body-too-large")


def test_S7_other_bodies_beyond_their_limit(t):
    body = {"currency": "points", "amount": 1, "reason": "x"}
    big = json.dumps(body).encode()[:-1] + b" " * 16384 + b"}"
    t.call("POST", "/members/m/adjustments", raw=big, headers={"Idempotency-Key": "big"}).problem("body-too-large")


def test_uri_and_headers_too_large(t):
    t.get("/members/" + "a" * 4090 + "/points").problem("uri-too-long")
    t.get("/members/" + "a" * 9000 + "/points").problem("uri-too-long")
    t.call("GET", "/members/m/points", headers={"X-Long": "x" * 9000}).problem("headers-too-large")


# ---- what is taken: the other side of each border ----

def test_S7_an_event_of_16_KiB_an_array_of_4_MiB_and_the_deepest_json(make_tenant):
    t = make_tenant(CONFIG)
    assert len(padded(16384)) == 16384
    assert t.call("POST", "/events", raw=padded(16384)).ok()["status"] == "processed"
    whole = b"[" + b" " * ((4 << 20) - 2 - len(text("", id="in-array"))) + text("", id="in-array") + b"]"
    assert len(whole) == 4 << 20
    assert t.call("POST", "/events", raw=whole).ok()["data"][0]["status"] == "processed"
    deep = text('[' * 30 + ']' * 30, id="deep", data={"x": "@"})
    assert t.call("POST", "/events", raw=deep).ok()["status"] == "processed"
    big = text("9007199254740992", id="big", data={"x": "@"})
    assert t.call("POST", "/events", raw=big).ok()["status"] == "processed"
    assert t.balance() == 4


@pytest.mark.parametrize("value", ["a\u00a0b", "\u202e", "🎲", "a//b", "...", ".a", "a/.b", "%", "?&#", " ", "'; DROP TABLE entry; --", "\\", '"', "\ufffd", "${x}", "\u2028"])
def test_ids_that_look_strange_and_are_taken(make_tenant, value):
    t = make_tenant(CONFIG)
    assert t.event(value, source=value, id=value)["id"] == value
    assert t.stored_event(value, value).ok()["member"] == value
    assert t.balance(value) == 1


@pytest.mark.parametrize("content_type", ["application/json", "Application/JSON", "application/json; charset=utf-8", 'application/json;charset="UTF-8"'])
def test_content_types_that_are_taken(make_tenant, content_type):
    t = make_tenant(CONFIG)
    assert t.call("POST", "/events", raw=text(""), headers={"Content-Type": content_type}).ok()["status"] == "processed"


# ---- HTTP ----

@pytest.mark.parametrize("content_type", [None, "", "text/plain", "application/x-www-form-urlencoded", "application/jsonx", "text/json",
                                          "application/json; charset=latin-1", "multipart/form-data; boundary=x"])
def test_wrong_content_type(t, content_type):
    t.call("POST", "/events", raw=text(""), headers={"Content-Type": content_type}).problem("unsupported-media-type")


def test_two_content_types_in_one_field(t):
    """As nginx from 1.23 on passes on two fields (test_sizes.py sends those)."""
    t.call("POST", "/events", raw=text(""), headers={"Content-Type": "application/json, text/plain"}).problem("bad-request")


def test_a_compressed_body_is_refused_and_one_that_does_not_say_so_is_no_json(t):
    t.call("POST", "/events", raw=gzip.compress(text("")), headers={"Content-Encoding": "gzip"}).problem("unsupported-media-type")
    t.call("POST", "/events", raw=gzip.compress(text(""))).problem("malformed-json")


@pytest.mark.parametrize("method, path, allow", [
    ("GET", "/events", "POST"), ("PUT", "/events", "POST"), ("DELETE", "/events", "POST"), ("PATCH", "/events", "POST"), ("OPTIONS", "/events", "POST"),
    ("FROBNICATE", "/events", "POST"), ("POST", "/members/m/points", "GET, HEAD"), ("DELETE", "/members/m/transactions", "GET, HEAD"),
    ("GET", "/members/m/adjustments", "POST"), ("POST", "/events/test/bad-input", "GET, HEAD"), ("PUT", "/members/m/levels", "GET, HEAD"),
])
def test_wrong_method_is_405_with_allow(t, method, path, allow):
    answer = t.call(method, path, raw=text("") if method in ("PUT", "PATCH") else None)
    answer.problem("method-not-allowed")
    assert answer.headers["allow"] == allow


def test_TRACE_and_CONNECT_are_refused_by_nginx(t):
    t.call("TRACE", "/events").problem("method-not-allowed")
    answer = raw(t.stack.url, b"CONNECT example.org:443 HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer.status in (400, 405) and answer.headers["content-type"] == "application/problem+json"


def test_HEAD_is_GET_without_a_body(t):
    t.event_body()
    answer = t.call("HEAD", "/members/nobody/points")
    assert (answer.status, answer.body) == (404, b"")


@pytest.mark.parametrize("target", [
    "/", "/v1", "/v1/", "/v1/nothing", "/v1/events/", "/v1/events/a", "/v1/events/a/b/c", "/v1//events", "//v1/events", "/v2/events", "/v1/members/m/nothing",
    "/v1/members//points", "/v1/members/m/points/", "/healthz", "/readyz", "/metrics", "/v1/healthz", "/index.html", "/.problem/503", "/v1/Events",
    "/v1/members/../points", "/v1/members/%2e%2e/points", "/v1/members/a%2F..%2Fb/points", "/v1/members/%2e/points",
    "/v1/members/" + "a" * 129 + "/points", "/v1/events/a/%09", "/v1/members/a%0Ab/points",
])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_unknown_path_is_404(t, method, target):
    body = text("") if method == "POST" else None
    headers = {"Authorization": f"Bearer {t.key}", **({"Content-Type": "application/json"} if body else {})}
    answer = t.stack.http.send(method, target, body, headers)
    if method == "POST" and answer.status == 405:  # an address whose ids cannot exist still does not take POST
        assert answer.headers["allow"] == "GET, HEAD"
    else:
        answer.problem("not-found")


@pytest.mark.parametrize("target", ["/v1/members/%/points", "/v1/members/%4/points", "/v1/members/%zz/points", "/v1/members/%00/points",
                                    "/v1/members/%ff/points", "/v1/members/%c0%af/points", "/v1/members/%ed%a0%80/points", "/v1/events/a/%u0041",
                                    "/v1/members/..%2F..%2F..%2F..%2Fetc/points", "/../../etc/passwd"])
def test_percent_encoding_errors(t, target):
    answer = t.stack.http.send("GET", target, headers={"Authorization": f"Bearer {t.key}"})
    answer.problem("bad-request")


def head(t, *more, method="POST", target="/v1/events"):
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost", f"Authorization: Bearer {t.key}", "Content-Type: application/json", *more, "", ""]
    return "\r\n".join(lines).encode()


@pytest.mark.parametrize("cut", [0, 1, 40])
def test_a_body_that_is_cut_off(t, cut):
    body = text("")
    with connect(t.stack.url) as s:
        s.sendall(head(t, f"Content-Length: {len(body)}") + body[:cut])
        s.shutdown(socket.SHUT_WR)
        answer = read_response(s)
    assert answer is None or answer.status == 400


def test_a_client_that_hangs_up_in_the_middle_of_its_body(t):
    for _ in range(20):
        raw(t.stack.url, head(t, "Content-Length: 5000") + text("")[:30], close_after=True)


def chunks(*parts):
    return b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in parts)


@pytest.mark.parametrize("tail", [b"5\r\nabc", b"zz\r\nabc\r\n0\r\n\r\n", b"-1\r\n\r\n0\r\n\r\n", b"ffffffffffffffffff\r\n", b""])
def test_malformed_chunks(t, tail):
    with connect(t.stack.url) as s:
        s.sendall(head(t, "Transfer-Encoding: chunked") + tail)
        s.shutdown(socket.SHUT_WR)
        answer = read_response(s)
    assert answer is None or answer.status == 400 or answer.problem("body-too-large")


def test_chunked_bodies_are_judged_like_others(t):
    answer = raw(t.stack.url, head(t, "Transfer-Encoding: chunked") + chunks(b'{"source":"test",', b'"id":5}', b""))
    answer.problem("validation-failed", "/id", "/type", "/member")
    answer = raw(t.stack.url, head(t, "Transfer-Encoding: chunked") + chunks(padded(16385), b""))
    answer.problem("body-too-large")


def test_a_chunked_event_is_an_event(make_tenant):
    t = make_tenant(CONFIG)
    body = text("", data={"x": "y" * 5000})
    answer = raw(t.stack.url, head(t, "Transfer-Encoding: chunked") + chunks(body[:7], body[7:4000], body[4000:], b""))
    assert answer.ok()["status"] == "processed"
    assert t.call("POST", "/events", raw=body).replayed


@pytest.mark.parametrize("data", [
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"GET\r\n\r\n", b"\x00" * 100, b"GET /v1/events HTTP/9.9\r\n\r\n",
    b"POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
    b"POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n", b"POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
    b"POST /v1/events HTTP/1.1\r\n\r\n",
])
def test_what_is_no_http_is_refused_by_nginx(t, data):
    with connect(t.stack.url) as s:
        s.sendall(data)
        s.shutdown(socket.SHUT_WR)
        answer = read_response(s)
    if answer is not None and answer.status != 0:
        assert 400 <= answer.status < 500, answer
        assert b"nginx" not in answer.body and b"<html" not in answer.body


def test_request_smuggling_two_lengths(t):
    body = text("")
    answer = raw(t.stack.url, head(t, f"Content-Length: {len(body)}", "Transfer-Encoding: chunked") + b"0\r\n\r\n" + body)
    assert answer.status == 400


def test_a_pipelined_second_request_after_a_refusal_is_answered(t):
    body = b'{"source":'
    first = head(t, f"Content-Length: {len(body)}") + body
    second = head(t, "Connection: close", method="GET", target="/v1/members/nobody/points")
    with connect(t.stack.url) as s:
        s.sendall(first + second)
        data = b""
        while True:
            more = s.recv(65536)
            if not more:
                break
            data += more
    assert data.count(b"HTTP/1.1 400 ") == 1 and data.count(b"HTTP/1.1 404 ") == 1
    assert data.index(b" 400 ") < data.index(b" 404 ")


def test_nothing_internal_leaks(t):
    for answer in (t.post({}), t.get("/nothing"), t.get("/members/x/points"), t.call("POST", "/events", raw=b"{")):
        said = (json.dumps(answer.headers) + answer.body.decode()).lower()
        for word in ("mariadb", "mysql", "select ", "memcached", ".sock", "nginx/", "/build/", ".c:", "accolade-fcgi"):
            assert word not in said
        assert answer.headers.get("server") == "nginx"
        assert answer.headers["cache-control"] == "no-store"


def test_query_parameters_that_no_route_knows(t):
    t.call("POST", "/events?dry_run=1", GOOD).problem("bad-request")
    t.get("/members/nobody/points?tenant=demo").problem("bad-request")


def test_many_odd_requests_over_one_connection(t):
    connection = http.client.HTTPConnection("127.0.0.1", t.stack.port, timeout=15)
    for i in range(60):
        body = [b"{", b"[]", b"\xff", text("", id=5)][i % 4]
        connection.request("POST", "/v1/events", body, {"Authorization": f"Bearer {t.key}", "Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        assert answer.status == [400, 200, 400, 422][i % 4]
