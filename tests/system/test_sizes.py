"""How much a tenant may put into the service, all of it can be read again, a page at a time, and no worker dies of it."""
import json
from datetime import timedelta

import pytest

from accolade import NOON, config, currency, grant, rfc3339, rule

ONE = config(currency(), rule("r", pays=7))
LONG = "x" * 1000


@pytest.fixture
def t(make_tenant):
    made = make_tenant(ONE)
    workers = made.stack.pool_workers()
    yield made
    assert made.stack.pool_workers() == workers


def pages(get, **query):
    """All pages of a list."""
    found, cursor = [], None
    while True:
        page = get(**query, **({"cursor": cursor} if cursor else {})).ok()
        found.append(page["data"])
        cursor = page["next_cursor"]
        if cursor is None:
            return found


def operated(t):
    def get(path, **query):
        text = "&".join(f"{k}={v}" for k, v in query.items())
        return t.call("GET", path + ("?" + text if text else ""), key=t.stack.env["ACCOLADE_OPERATOR_KEY"])
    return get


def large_rule(code, kib):
    """A rule of so many KiB: a condition with long texts."""
    return rule(code, pays=1, when={"in": [{"var": "event.type"}, [f"{i:04}" + LONG for i in range(kib)]]})


# ---- binary CloudEvents ----

BINARY = {"ce-specversion": "1.0", "ce-source": "s", "ce-type": "act", "ce-subject": "m"}


def test_S7_data_as_deep_as_a_body_can_be_read_again(t):
    data = {}
    for _ in range(31):
        data = {"a": data}
    first = t.call("POST", "/events", data, headers={**BINARY, "ce-id": "deep"})
    assert first.ok()["status"] == "processed"
    assert t.call("POST", "/events", data, headers={**BINARY, "ce-id": "deep"}).body == first.body
    assert t.transactions()["data"][0]["source"]["event"]["id"] == "deep"
    assert t.get("/members/m/events").status == 200
    assert t.stored_event("s", "deep").status == 200


def test_S7_an_event_without_data_has_no_body_in_binary_mode(make_tenant):
    t = make_tenant(config(currency(), rule("r", pays=2)))
    empty = t.call("POST", "/events", raw=b"", headers={**BINARY, "ce-id": "bare", "Content-Type": None})
    assert empty.ok()["grants"][0]["amount"] == 2
    again = t.post({"source": "s", "id": "bare", "type": "act", "member": "m"})  # the same event in the native form
    assert again.replayed and again.body == empty.body
    t.call("POST", "/events", raw=b"", headers={"Content-Type": "application/json"}).problem("malformed-json")


def test_S7_every_extension_counts_or_none(t):
    """What a binary event has too many of is not dropped without a word."""
    def send(n):
        return t.call("POST", "/events", {}, headers={**BINARY, "ce-id": f"x{n}", **{f"ce-x{i}": "v" for i in range(n)}})
    assert send(59).ok()["status"] == "processed"  # 64 with the five of every event
    assert t.stored_event("s", "x59").status == 200
    send(60).problem("bad-request")
    assert t.stored_event("s", "x60").status == 404


def with_fields(t, path, body, *fields):
    """(status, code) of a POST whose header fields may repeat: nginx before 1.23 passes on each, later ones join them."""
    connection = t.stack.http.connect()
    connection.putrequest("POST", "/v1" + path)
    for name, value in [("Authorization", f"Bearer {t.key}"), ("Content-Length", str(len(body))), *fields]:
        connection.putheader(name, value)
    connection.endheaders(body)
    answer = connection.getresponse()
    code = json.loads(answer.read()).get("code")
    connection.close()
    return answer.status, code


JSON = ("Content-Type", "application/json")


def test_S7_a_repeated_header_field_is_refused(t):
    assert with_fields(t, "/events", b"{}", JSON, *BINARY.items(), *[("ce-id", "i")] * 40) == (400, "bad-request")
    assert with_fields(t, "/events", b"{}", JSON, *BINARY.items(), ("ce-id", "i"), ("ce-id", "j")) == (400, "bad-request")
    event = json.dumps(t.event_body(id="typed")).encode()
    for types in ([JSON, JSON], [("Content-Type", "application/cloudevents+json"), JSON], [("Content-Type", ""), JSON]):
        assert with_fields(t, "/events", event, *types) == (400, "bad-request")
    assert t.stored_event("test", "typed").status == 404


def test_S8_a_repeated_idempotency_key_is_refused(t):
    """Which of them would name the effect? Neither does: each is still free."""
    body = {"currency": "points", "amount": 1, "reason": "r", "actor": "a"}
    raw = json.dumps(body).encode()
    t.join("twice")
    for keys in (["A1", "A2"], ["A1", "A1"], ['"A1"', '"A2"'], ["", "A1"], ["A1", ""]):
        fields = [("Idempotency-Key", key) for key in keys]
        assert with_fields(t, "/members/twice/adjustments", raw, JSON, *fields) == (400, "idempotency-key-invalid")
    for key in ("A1", "A2"):
        answer = t.call("POST", "/members/twice/adjustments", body, headers={"Idempotency-Key": key})
        assert answer.status in (200, 201) and "idempotency-replayed" not in answer.headers


def test_S7_a_fault_of_the_member_points_to_the_subject(t):
    event = {"specversion": "1.0", "id": "i", "source": "s", "type": "act", "subject": "a\u0007b"}
    t.call("POST", "/events", event, headers={"Content-Type": "application/cloudevents+json"}).problem("validation-failed", "/subject")


def test_a_CloudEvent_under_the_type_of_the_native_form_is_told_its_own(make_tenant):
    t = make_tenant(config(currency()))
    event = {"specversion": "1.0", "id": "i", "source": "s", "type": "act", "subject": "m"}
    problem = t.call("POST", "/events", event).problem("validation-failed")
    assert problem["detail"] == "this looks like a CloudEvent: send it as application/cloudevents+json"
    assert "/specversion" in [e["pointer"] for e in problem["errors"]]
    (item,) = t.call("POST", "/events", [event]).ok()["data"]
    assert item["problem"]["detail"] == "this looks like a CloudEvent: send it as application/cloudevents-batch+json"
    t.call("POST", "/events", event, headers={"Content-Type": "application/cloudevents+json"}).ok()


# ---- configurations ----

def put(t, definition, **more):
    return t.call("PUT", f"/config/{definition['kind']}/{definition['code']}", definition, **more)


def test_C_definitions_one_by_one_grow_no_further_than_a_whole_document(t):
    """What is exported can be applied again."""
    n = 0
    while put(t, large_rule(f"large{n}", 300)).status == 201:
        n += 1
    assert n == 3
    put(t, large_rule("too-much", 300)).problem("invalid-definition", "")
    exported = t.call("GET", "/config").body
    assert len(exported) <= 1024 * 1024
    again = t.call("POST", "/config/apply", raw=exported, headers={"Idempotency-Key": "again"}).ok()
    assert again["changes"] == []
    t.call("POST", "/config/plan", raw=exported).ok()


def test_C_a_definition_is_no_deeper_than_a_document_can_hold(t):
    when = {"==": [1, 1]}
    for _ in range(13):
        when = {"!": [when]}
    deep = rule("deep", pays=1, when=when)  # the rule, its condition, 13 times two, and two
    assert put(t, deep).status == 201
    deeper = rule("deep", pays=1, when={"!": [when]})
    put(t, deeper, headers={"If-Match": '"v2"'}).problem("invalid-definition", "")
    assert t.call("POST", "/config/apply", raw=t.call("GET", "/config").body, headers={"Idempotency-Key": "same"}).ok()["changes"] == []


def test_M12_history_and_audit_of_large_definitions_come_in_pages(t):
    assert put(t, large_rule("r2", 300)).status == 201
    for i in range(2, 9):
        changed = {**large_rule("r2", 300), "name": f"the {i}."}
        assert put(t, changed, headers={"If-Match": f'"v{i}"'}).status == 200
    history = pages(lambda **q: t.get("/config/rule/r2/history", **q))
    assert [len(page) for page in history] == [4, 4]
    assert [row["version"] for page in history for row in page] == list(range(9, 1, -1))
    assert [len(page) for page in pages(lambda **q: t.get("/config/rule/r2/history", **q), limit=3)] == [3, 3, 2]
    audit = pages(lambda **q: t.get("/audit", **q), limit=200)
    assert len(audit) == 3 and [x["action"] for page in audit for x in page].count("config.put") == 8
    shown = json.loads(t.stack.cli("config", "history", t.code, "rule", "r2", "--json"))
    assert [row["version"] for row in shown["data"]] == list(range(9, 1, -1))
    t.get("/config/rule/r2/history", cursor="x").problem("invalid-cursor")


def test_M12_many_versions_of_one_definition(t):
    for i in range(2, 12):
        put(t, currency("xp", name=f"{i}"), headers={"If-Match": f'"v{i - 1}"'} if i > 2 else {})
    rows = pages(lambda **q: t.get("/config/currency/xp/history", **q), limit=8)
    assert [len(page) for page in rows] == [8, 2]
    assert [len(page) for page in pages(lambda **q: t.get("/config/versions", **q), limit=5)] == [5, 5, 1]
    t.get("/config/currency/never/history").problem("not-found")


# ---- keys and tenants ----

def test_M2_keys_and_tenants_come_in_pages(t):
    get = operated(t)
    made = [t.key.split("_")[2]] + [t.make_key("members:read")["key_id"] for _ in range(4)]
    rows = pages(lambda **q: get(f"/tenants/{t.code}/keys", **q), limit=2)
    assert [len(page) for page in rows] == [2, 2, 1]
    assert sorted(x["key_id"] for page in rows for x in page) == sorted(made)
    for name in ("a", "b", "c"):
        t.call("POST", f"/tenants/{t.code}/token-keys", {"name": name, "algorithm": "HS256"}, key=t.stack.env["ACCOLADE_OPERATOR_KEY"],
               headers={"Idempotency-Key": f"{t.code}-{name}"}).ok(201)
    rows = pages(lambda **q: get(f"/tenants/{t.code}/token-keys", **q), limit=2)
    assert [len(page) for page in rows] == [2, 1] and sorted(x["name"] for page in rows for x in page) == ["a", "b", "c"]
    tenants = [x["tenant"] for page in pages(lambda **q: get("/tenants", **q), limit=1) for x in page]
    assert t.code in tenants and len(tenants) == len(set(tenants)) == t.stack.sql("SELECT COUNT(*) FROM tenant")[0][0]
    for path in ("/tenants", f"/tenants/{t.code}/keys", f"/tenants/{t.code}/token-keys"):
        get(path, cursor="nonsense").problem("invalid-cursor")
        get(path, cursor="").problem("invalid-cursor")
        get(path, limit=0).problem("bad-request")


def test_S8_the_repeat_of_a_key_that_has_ended_by_now(t, clock):
    body = {"name": "short", "scopes": ["members:read"], "expires_at": rfc3339(NOON + timedelta(minutes=5))}

    def make(key):
        return t.call("POST", f"/tenants/{t.code}/keys", body, key=t.stack.env["ACCOLADE_OPERATOR_KEY"],
                      headers={"Idempotency-Key": f"{t.code}-{key}"})

    first = make("k").ok(201)
    clock.advance(minutes=10)
    assert make("k").ok(201) == {**first, "key": None}
    make("another").problem("validation-failed", "/expires_at")


# ---- pages of transactions ----

def test_B5_a_cursor_belongs_to_its_member_and_filter(make_tenant):
    t, other = (make_tenant(config(currency(), currency("xp"), rule("r", grant=[grant(1), grant(2, "xp")]))) for _ in range(2))
    for tenant in (t, other):
        for member in ("m", "n"):
            tenant.events([tenant.event_body(member) for _ in range(3)])
    page = t.transactions(limit=2)
    assert len(t.transactions(limit=200, cursor=page["next_cursor"])["data"]) == 4  # another limit is no other filter
    t.get("/members/n/transactions", cursor=page["next_cursor"]).problem("invalid-cursor")
    other.get("/members/m/transactions", cursor=page["next_cursor"]).problem("invalid-cursor")
    for more in ({"currency": "points"}, {"kind": "earned"}, {"from_": "2030-01-01T00:00:00Z"}, {"to": "2031-01-01T00:00:00Z"}):
        t.get("/members/m/transactions", cursor=page["next_cursor"], **more).problem("invalid-cursor")
    assert {line["held_after"] for line in t.all_transactions()} == {0}
