"""Credentials, scopes, and what one tenant sees of another: nothing (invariant 7; SEMANTICS 32, 41)."""
import time
from datetime import datetime, timedelta

import pytest

from accolade import NOON, Failed, config, currency, rfc3339, rule

CONFIG = config(currency(), rule("r", pays=3))
EVENT = {"source": "test", "id": "access", "type": "act", "member": "m"}
ADJUSTMENT = {"currency": "points", "amount": 1, "reason": "x"}
ROUTES = {  # (method, path, body): the scope that it needs
    ("POST", "/events", "event"): "events:write",
    ("GET", "/events/test/first", None): "members:read",
    ("GET", "/members/m/points", None): "members:read",
    ("GET", "/members/m/levels", None): "members:read",
    ("GET", "/members/m/transactions", None): "members:read",
    ("POST", "/members/m/adjustments", "adjustment"): "ledger:write",
}
SCOPES = ["events:write", "members:read", "members:write", "ledger:write", "config:read", "config:write", "rewards:write", "analytics:read"]
STALE = 0.6  # reads may use a record of 500 ms


@pytest.fixture
def t(shared_tenant):
    shared_tenant.event(id="first")
    return shared_tenant


def call(t, route, authorization, key="access"):
    method, path, what = route
    body = {"event": EVENT, "adjustment": ADJUSTMENT}.get(what)
    return t.call(method, path, body, headers={"Authorization": authorization, "Idempotency-Key": key})


def token_parts(token):
    return token.split("_")


@pytest.mark.parametrize("route", ROUTES, ids=lambda r: f"{r[0]} {r[1]}")
def test_inv7_every_route_refuses_every_wrong_credential(t, route):
    acc, env, key_id, secret = token_parts(t.key)
    other = "A" if secret[0] != "A" else "B"
    wrong = [
        None, "", "Bearer", "Bearer ", t.key, f"Basic {t.key}", f"Token {t.key}", "Bearer x", "Bearer acc_demo_x_y", f"Bearer {t.key}x",
        f"Bearer {t.key[:-1]}", f"Bearer {acc}_{env}_{key_id}_{other}{secret[1:]}", f"Bearer {acc}_{env}_{'0' * 16}_{secret}", f"Bearer ACC_{env}_{key_id}_{secret}",
        f"Bearer {acc}_other_{key_id}_{secret}", f"Bearer {acc}_{env}_{key_id}_{'0' * 40}", f"Bearer {acc}_{env}_{key_id}", f"Bearer {t.key} {t.key}", f"Bearer {t.key}, Bearer {t.key}",
        "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJtIn0.", f"Bearer {'a' * 4000}", f"Bearer {acc}_{env}_{key_id}_{secret[:-1]}'",
    ]
    stored = t.stack.stored()
    said = set()
    for authorization in wrong:
        answer = call(t, route, authorization)
        detail = answer.problem("unauthenticated")["detail"]
        assert answer.headers["www-authenticate"] == "Bearer"
        if authorization and authorization.startswith("Bearer acc_"):
            said.add(detail)
    assert len(said) == 1  # the same whatever is wrong with a key: a guess learns nothing
    assert t.stack.stored() == stored


@pytest.mark.parametrize("route", ROUTES, ids=lambda r: f"{r[0]} {r[1]}")
def test_inv7_a_key_without_the_scope_is_refused_before_anything_else(t, route):
    needed = ROUTES[route]
    lesser = t.new_key(",".join(s for s in SCOPES if s != needed))
    operator = t.stack.env["ACCOLADE_OPERATOR_KEY"]
    stored = t.stack.stored()
    for key in (lesser, operator):
        problem = call(t, route, f"Bearer {key}").problem("missing-scope")
        assert needed in problem["detail"]
    method, path, _ = route
    if method == "POST":  # nor is its body looked at
        t.call(method, path, raw=b"{", headers={"Authorization": f"Bearer {lesser}"}).problem("missing-scope")
    assert t.stack.stored() == stored


@pytest.mark.parametrize("route", ROUTES, ids=lambda r: f"{r[0]} {r[1]}")
def test_inv7_the_one_scope_is_enough(make_tenant, route):
    t = make_tenant(CONFIG)
    t.event(id="first")
    assert call(t, route, f"Bearer {t.new_key(ROUTES[route])}").status == (201 if "adjustments" in route[1] else 200)


def test_inv7_another_tenants_key_with_this_tenants_member(make_tenant):
    ours, theirs = make_tenant(CONFIG), make_tenant(CONFIG)
    ours.event("m", id="first", data={"secret": "pearl"})
    stored = ours.stack.stored()
    for path in ("/members/m/points", "/members/m/levels", "/members/m/transactions"):
        ours.call("GET", path, key=theirs.key).problem("member-not-found")
    ours.call("GET", "/events/test/first", key=theirs.key).problem("event-not-found")
    ours.adjust("m", 1000, key=theirs.key).problem("member-not-found")
    assert ours.stack.stored() == stored
    # The same words are another member and another event there.
    outcome = ours.call("POST", "/events", {"source": "test", "id": "first", "type": "act", "member": "m"}, key=theirs.key)
    assert outcome.ok()["grants"][0]["balance"] == 3 and not outcome.replayed
    ours.event("m")
    assert (ours.balance(), theirs.balance()) == (6, 3)
    assert "pearl" not in theirs.call("GET", "/members/m/transactions").body.decode()
    cursor = ours.transactions(limit=1)["next_cursor"]
    theirs.call("GET", f"/members/m/transactions?cursor={cursor}").problem("invalid-cursor")


def test_inv7_a_set_of_two_tenants(make_tenant):
    """Both tenants' events may be settled by one worker in one transaction."""
    from accolade import parallel
    a, b = make_tenant(CONFIG), make_tenant(config(currency(), rule("r", pays=5)))
    outcomes = parallel(16, lambda i: (a if i % 2 else b).event())
    assert sorted(o["grants"][0]["amount"] for o in outcomes) == [3] * 8 + [5] * 8
    assert (a.balance(), b.balance()) == (24, 40)


def test_M2_revoked_key(make_tenant):
    t = make_tenant(CONFIG)
    made = t.make_key()
    t.call("POST", "/events", EVENT, key=made["key"]).ok()
    t.call("GET", "/members/m/points", key=made["key"]).ok()
    assert t.stack.cli_json("key", "revoke", t.code, made["key_id"]) == {"key_id": made["key_id"], "revoked": True}
    t.call("POST", "/events", EVENT, key=made["key"]).problem("unauthenticated")  # a write sees it at once
    time.sleep(STALE)
    t.call("GET", "/members/m/points", key=made["key"]).problem("unauthenticated")
    assert t.balance() == 3  # the other key lives
    (listed,) = [k for k in t.stack.cli_json("key", "list", t.code) if k["key_id"] == made["key_id"]]
    assert listed["status"] == "revoked"
    with pytest.raises(Failed):
        t.stack.cli("key", "revoke", t.code, "0" * 16)


def test_M2_expired_key(make_tenant, clock):
    t = make_tenant(CONFIG)
    key = t.new_key(expires=rfc3339(NOON + timedelta(hours=1)))
    clock.set(NOON + timedelta(minutes=59, seconds=30))
    t.call("POST", "/events", EVENT, key=key).ok()
    clock.set(NOON + timedelta(hours=1))
    t.call("POST", "/events", EVENT, key=key).problem("unauthenticated")
    t.call("GET", "/members/m/points", key=key).problem("unauthenticated")


def test_M2_rotation_with_an_overlap(make_tenant, clock):
    t = make_tenant(CONFIG)
    old = t.make_key()
    new = t.stack.cli_json("key", "rotate", t.code, old["key_id"], "--overlap", "3600")
    assert new["key_id"] == old["key_id"] and new["key"] != old["key"]
    for key in (old["key"], new["key"]):
        t.call("POST", "/events", EVENT, key=key).ok()
        t.call("GET", "/members/m/points", key=key).ok()
    # Idempotency-Keys are those of the key id: both secrets are one credential.
    first = t.adjust(amount=1, idempotency_key="k", key=old["key"])
    assert t.adjust(amount=1, idempotency_key="k", key=new["key"]).body == first.body
    clock.advance(seconds=3601)
    t.call("POST", "/events", EVENT, key=old["key"]).problem("unauthenticated")
    t.call("POST", "/events", EVENT, key=new["key"]).ok()
    third = t.stack.cli_json("key", "rotate", t.code, old["key_id"], "--overlap", "0")
    t.call("POST", "/events", EVENT, key=new["key"]).problem("unauthenticated")
    t.call("POST", "/events", EVENT, key=third["key"]).ok()


def test_M2_a_rotation_says_until_when_the_former_secret_is_valid(make_tenant, clock):
    t = make_tenant(CONFIG)
    key_id = t.make_key()["key_id"]

    def listed():
        (row,) = [k for k in t.stack.cli_json("key", "list", t.code) if k["key_id"] == key_id]
        return row["status"], row["former_until"]

    assert listed() == ("valid", None)
    said = t.stack.cli("key", "rotate", t.code, key_id, "--overlap", "3600")
    status, shown = listed()
    left = datetime.fromisoformat(shown.replace("Z", "+00:00")) - clock.now()
    assert status == "rotating" and timedelta(minutes=59) < left <= timedelta(hours=1) and f" The former secret is valid until {shown}. " in said
    assert f"{shown[:10]} {shown[11:19]}" in t.stack.cli("key", "list", t.code)
    clock.advance(seconds=3661)
    assert listed() == ("valid", None)
    assert "former" not in t.stack.cli("key", "rotate", t.code, key_id, "--overlap", "0")


@pytest.mark.parametrize("end", ["revoked", "expired"])
def test_M2_of_a_key_that_has_ended_no_secret_is_valid(make_tenant, clock, end):
    t = make_tenant(CONFIG)
    ask = {"key": t.stack.env["ACCOLADE_OPERATOR_KEY"]}
    until = (clock.now() + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    keys = f"/tenants/{t.code}/keys"
    key = t.call("POST", keys, {"name": "k", "scopes": ["all"], "expires_at": until}, headers={"Idempotency-Key": f"k-{t.code}"}, **ask)
    key = key.ok(201)["key_id"]
    rotated = t.call("POST", f"{keys}/{key}/rotate", {}, headers={"Idempotency-Key": f"r-{t.code}"}, **ask).ok()
    assert rotated["status"] == "rotating" and rotated["former_until"] > until
    if end == "revoked":
        assert t.call("DELETE", f"{keys}/{key}", **ask).status == 204
    else:
        clock.advance(seconds=3700)
    (row,) = [k for k in t.call("GET", keys, **ask).ok()["data"] if k["key_id"] == key]
    assert (row["status"], row["former_until"]) == (end, None)


def test_M2_an_operators_key_is_listed_and_revoked(make_tenant):
    t = make_tenant(CONFIG)
    made, of_tenant = t.stack.cli_json("operator-key", "create", "--name", "lost"), t.make_key()
    t.call("GET", "/tenants", key=made["key"]).ok()
    listed = {k["key_id"]: k for k in t.stack.cli_json("operator-key", "list")}
    assert listed[made["key_id"]] == {k: v for k, v in made.items() if k != "key"} and of_tenant["key_id"] not in listed
    assert made["key_id"] in t.stack.cli("operator-key", "list") and made["key"] not in t.stack.cli("operator-key", "list")
    assert t.stack.cli("operator-key", "revoke", made["key_id"]) == f"Key {made['key_id']} is revoked.\n"
    assert {k["key_id"]: k["status"] for k in t.stack.cli_json("operator-key", "list")}[made["key_id"]] == "revoked"
    time.sleep(STALE)
    t.call("GET", "/tenants", key=made["key"]).problem("unauthenticated")
    for key_id in (of_tenant["key_id"], "x" * 16):  # a tenant's key is none of the operator's
        with pytest.raises(Failed, match="there is no key"):
            t.stack.cli("operator-key", "revoke", key_id)
    t.call("GET", "/members/nobody/points", key=of_tenant["key"]).problem("member-not-found")


def test_M2_a_rotation_without_a_body_has_the_overlap_of_a_day(make_tenant, clock):
    t = make_tenant(CONFIG)
    old = t.make_key()
    path, operator = f"/tenants/{t.code}/keys/{old['key_id']}/rotate", t.stack.env["ACCOLADE_OPERATOR_KEY"]
    t.call("POST", path, key=operator, headers={"Idempotency-Key": "r"}, raw=b"[]").problem("validation-failed", "")
    new = t.call("POST", path, key=operator, headers={"Idempotency-Key": "r"}).ok()
    assert new["key_id"] == old["key_id"] and new["key"] != old["key"]
    assert t.call("POST", path, key=operator, headers={"Idempotency-Key": "r"}).headers["idempotency-replayed"] == "true"
    clock.advance(seconds=86399)
    t.call("POST", "/events", EVENT, key=old["key"]).ok()
    clock.advance(seconds=2)
    t.call("POST", "/events", EVENT, key=old["key"]).problem("unauthenticated")
    t.call("POST", "/events", EVENT, key=new["key"]).ok()


def test_M2_a_new_secret_counts_at_once_for_reads_too(make_tenant):
    """Whatever record of the key the workers still hold."""
    t = make_tenant(CONFIG)
    t.event()
    old = t.make_key()
    for _ in range(8):
        t.call("GET", "/members/m/points", key=old["key"]).ok()
    new = t.stack.cli_json("key", "rotate", t.code, old["key_id"], "--overlap", "3600")
    for _ in range(8):
        t.call("GET", "/members/m/points", key=new["key"]).ok()
        t.call("GET", "/members/m/points", key=old["key"]).ok()


def test_M2_keys_are_shown_once_and_listed_without_secrets(make_tenant):
    t = make_tenant(CONFIG)
    made = t.make_key("members:read,events:write")
    acc, env, key_id, secret = token_parts(made["key"])
    assert (acc, env, key_id, len(key_id), len(secret)) == ("acc", "demo", made["key_id"], 16, 40)
    assert made["scopes"] == ["events:write", "members:read"]
    listed = t.stack.cli("key", "list", t.code, "--json") + t.stack.cli("key", "list", t.code)
    assert key_id in listed and secret not in listed
    assert t.stack.sql("SELECT COUNT(*) FROM api_key WHERE HEX(secret_hash) LIKE %s", "%" + secret.encode().hex().upper() + "%") == ((0,),)


def test_the_scheme_is_compared_without_case(shared_tenant):
    shared_tenant.call("GET", "/members/x/points", headers={"Authorization": f"bearer   {shared_tenant.key}"}).problem("member-not-found")


def test_process_routes_are_for_the_private_listener_only(stack):
    for target in ("/healthz", "/readyz"):
        stack.http.send("GET", target).problem("not-found")
        assert stack.admin.send("GET", target).status == 200
    for target in ("/v1/events", "/v1/members/m/points", "/"):
        assert stack.admin.send("GET", target, headers={"Authorization": f"Bearer {stack.env['ACCOLADE_KEY']}"}).status == 404
