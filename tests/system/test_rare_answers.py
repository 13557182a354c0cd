"""Answers that a described route can give, and that no other test brings about over HTTP."""
import json
import time

import pytest

from accolade import ROOT, config, currency, grant, rule

CONFIG = config(currency(), rule("r", pays=3))


def test_S3_an_event_whose_member_is_held_is_in_progress(make_tenant):
    """Two lock waits of one second, then the client is told to come back; what it sends then is settled once."""
    t = make_tenant(CONFIG)
    t.event()
    connection = t.stack.db()
    try:
        connection.begin()
        with connection.cursor() as cursor:
            cursor.execute("SELECT version FROM member_state WHERE tenant_id = %s FOR UPDATE", (t.id,))
        held = t.send(id="held")
    finally:
        connection.rollback()
        connection.close()
    held.problem("in-progress")
    assert int(held.headers["retry-after"]) >= 1
    t.event(id="held")
    assert t.balance() == 6


def test_M4_a_definition_is_made_under_its_address(make_tenant):
    t = make_tenant(CONFIG)
    made = t.call("PUT", "/config/currency/xp", {"name": "Experience"})
    assert made.ok(201) == {"kind": "currency", "code": "xp", "name": "Experience"}
    assert made.headers["etag"] == '"v2"'
    assert t.export()["version"] == 2


def test_S8_making_a_definition_twice_with_one_key_is_one_effect(make_tenant):
    """The repeat finds the definition that its first request made, and gets that answer; without the key it has to name a version."""
    t = make_tenant(CONFIG)
    first = t.call("PUT", "/config/currency/xp", {"name": "Experience"}, headers={"Idempotency-Key": "k"})
    again = t.call("PUT", "/config/currency/xp", {"name": "Experience"}, headers={"Idempotency-Key": "k"})
    assert (first.status, again.status, again.body, again.replayed) == (201, 201, first.body, True)
    t.call("PUT", "/config/currency/xp", {"name": "Experience"}).problem("precondition-required")
    gone = [t.call("DELETE", "/config/currency/xp", headers={"Idempotency-Key": "d", "If-Match": '"v2"'}) for _ in range(2)]
    assert [(x.status, x.replayed) for x in gone] == [(204, False), (204, True)]
    assert t.export()["version"] == 3


def test_M12_there_is_no_way_back_to_a_version_that_never_was(make_tenant):
    t = make_tenant(CONFIG)
    answer = t.call("POST", "/config/rollback", {"version": 7}, headers={"If-Match": '"v1"', "Idempotency-Key": "back"})
    answer.problem("not-found", "/version")
    assert t.export()["version"] == 1


def test_whoever_names_what_there_is_not_is_told_what_there_is(make_tenant):
    """Scopes, presets and kinds are closed lists: a refusal shows them."""
    t = make_tenant(CONFIG)

    def operator(path, body):
        return t.call("POST", path, body, key=t.stack.env["ACCOLADE_OPERATOR_KEY"], headers={"Idempotency-Key": "closed"})

    (fault,) = operator(f"/tenants/{t.code}/keys", {"name": "x", "scopes": ["members:read", "operator"]}).problem("validation-failed", "/scopes/1")["errors"]
    assert fault["detail"].endswith("take all, or some of events:write,members:read,members:write,ledger:write,config:read,config:write,"
                                    "rewards:write,analytics:read,public")
    (fault,) = operator("/tenants", {"tenant": "closed", "preset": "none"}).problem("validation-failed", "/preset")["errors"]
    assert fault["detail"] == 'there is no preset "none"; there are: call-center'
    t.join()
    said = t.get("/members/m/transactions", kind="stolen").problem("bad-request")["detail"]
    assert said.endswith("must be some of earned,bonus,spent,refund,adjustment,decay,expiry,referral,reversal,hold,capture,release")
    kinds = "the kinds are settings, metric, currency, level_ladder, rule"
    for answer in (t.get("/config/streak"), t.get("/config/streak/x"), t.get("/config/streak/x/history"), t.call("PUT", "/config/streak/x", {})):
        assert answer.problem("not-found")["detail"] == f'there is no kind "streak"; {kinds}'
    (fault,) = t.call("POST", "/config/plan", {"definitions": [{"kind": "streak"}]}).problem("validation-failed", "/definitions/0/kind")["errors"]
    assert fault["detail"].endswith(kinds)


def test_M1_all_tenants(make_tenant):
    """Page by page: each tenant once, with its status and version."""
    t = make_tenant(CONFIG)
    rows, path = [], "/tenants?limit=200"
    while path:
        page = t.call("GET", path, key=t.stack.env["ACCOLADE_OPERATOR_KEY"]).ok()
        rows += page["data"]
        path = page["next_cursor"] and f"/tenants?limit=200&cursor={page['next_cursor']}"
    assert len({row["tenant"] for row in rows}) == len(rows)
    (row,) = [row for row in rows if row["tenant"] == t.code]
    assert (row["status"], row["config_version"]) == ("active", 1)


def test_M1_a_tenant_from_a_preset_or_a_document_of_its_own(make_tenant):
    """By the operator over HTTP: the first configuration, or no tenant at all, and each fault where it was sent."""
    t = make_tenant(CONFIG)
    operator = t.stack.env["ACCOLADE_OPERATOR_KEY"]

    def make(name, **more):
        return t.call("POST", "/tenants", {"tenant": f"{t.code}-{name}", **more}, key=operator, headers={"Idempotency-Key": f"{t.code}-{name}"})

    made = make("preset", preset="call-center").ok(201)
    assert (made["status"], made["config_version"]) == ("active", 1)
    key = t.call("POST", f"/tenants/{t.code}-preset/keys", {"name": "n", "scopes": ["all"]}, key=operator, headers={"Idempotency-Key": "k"}).ok(201)
    preset = json.loads((ROOT / "presets" / "call-center" / "config.json").read_text())["definitions"]
    assert sorted(d["code"] for d in t.call("GET", "/config/rule", key=key["key"]).ok()["definitions"]) == \
        sorted(d["code"] for d in preset if d["kind"] == "rule")
    assert make("document", config=CONFIG).ok(201)["config_version"] == 1
    make("none", preset="no-such").problem("validation-failed", "/preset")
    make("both", preset="call-center", config=CONFIG).problem("validation-failed", "/config")
    make("bad", config=config(rule("x", pays=1))).problem("invalid-definition", "/config/definitions/0/grant/0/currency")
    make("preset", preset="call-center").ok(201)  # a repeat
    for name in ("none", "both", "bad"):
        t.call("GET", f"/tenants/{t.code}-{name}", key=operator).problem("not-found")


MANY = [rule(f"r{i}", grant=[grant(1)], limits=[{"count": 1, "per": p} for p in ("hour", "day", "week", "month", "ever")]) for i in range(200)]


@pytest.mark.parametrize("definitions, code, place", [
    ([currency(), rule("r", grant=[grant(10**15, factors=[{"multiply": 2}])])], "amount-too-large", "/definitions/1/grant/0"),
    ([currency(), *MANY], "state-too-large", "/definitions"),
])
def test_C_configurations_beyond_what_is_kept(shared_tenant, definitions, code, place):
    before = shared_tenant.export()
    for path in ("/config/plan", "/config/apply"):
        answer = shared_tenant.call("POST", path, {"version": 1, "definitions": definitions}, headers={"Idempotency-Key": path})
        assert place in [e["pointer"] for e in answer.problem(code)["errors"]]
    assert shared_tenant.export() == before


def test_a_stored_configuration_that_does_not_compile_stops_its_tenant_alone(make_tenant):
    """As after a hand that wrote into the table: loudly, and for that tenant only."""
    broken, sound = make_tenant(CONFIG), make_tenant(CONFIG)
    (text,) = broken.stack.sql("SELECT body FROM definition WHERE tenant_id = %s AND kind = 'rule'", broken.id)[0]
    body = text if isinstance(text, str) else text.decode()
    broken.stack.sql("UPDATE definition SET body = %s WHERE tenant_id = %s AND kind = 'rule'", body.replace("points", "pennies"), broken.id)
    try:
        broken.send().problem("configuration-unusable")
        sound.event()
        for _ in range(20):  # a worker compiles it once in 5 s, not at every request
            assert broken.send().problem("configuration-unusable") and broken.send().headers["retry-after"] == "5"
        assert broken.stack.pool_log().count(f"config_unusable tenant={broken.id} ") <= len(broken.stack.pool_workers())
    finally:
        broken.stack.sql("UPDATE definition SET body = %s WHERE tenant_id = %s AND kind = 'rule'", body, broken.id)
    time.sleep(5.2)
    broken.event()
