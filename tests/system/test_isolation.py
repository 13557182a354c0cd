"""Each row of the routes table × each credential that is not for it (invariant 7): refused, and nothing of the tenant's in body or headers.

Nothing here names a route: a new one is covered by standing in the table. It fails here as long as it has no value for each parameter of its
path (generated.World.values) and no example of its request. Each refusal is tried twice, with what exists and with what does not: the
answers are the same, so that nobody learns which is which.
"""
import hashlib
import hmac
import itertools
import json
import time

import pytest

from accolade import NOON, Http
from generated import PUBLIC, ROUTES, World
from tokens import TokenKey, b64, token_of

OPERATORS = [name for name, route in PUBLIC.items() if route["scope"] == "operator"]
TENANTS = [name for name in PUBLIC if name not in OPERATORS]
READS = [name for name in TENANTS if PUBLIC[name]["method"] == "GET"]
OWN = [name for name, route in PUBLIC.items() if route["self"]]
OURS = ("pearl", "ruby")  # what the first and the second member of ours are marked with, in all that they have
UNTOLD = "send the header field Authorization: Bearer, with a key or token that is valid"
WHY = {UNTOLD, "the token has expired", "the token is not valid yet", "the token's aud does not name the tenant", "the member is suspended",
       "the tenant has no member that is the token's sub", "the token is made for longer than 24 hours"}


def marked(tenant, member, mark):
    """Everything that a member can have says so."""
    tenant.event(member, "call.completed", data={"rating": 5, "note": mark}, context={"description": mark, "reference": mark})
    tenant.adjust(member, 1, reason=mark).ok(201)
    tenant.member("set", member, "--display-name", mark, "--attributes", json.dumps({"mark": mark}), "--groups", json.dumps({"team": ["red", mark]}))


class Isolation(World):
    """Two tenants with members of the same names, and every credential that is not for the other."""
    def __init__(self, stack):
        super().__init__(stack)
        pearl_rule = {"kind": "rule", "code": "pearl-rule", "on": ["pearl.event"], "grant": [{"currency": "points", "amount": 1}]}
        self.tenant.call("POST", "/config/apply", {"version": 1, "definitions": self.document["definitions"] + [pearl_rule]},
                         headers={"Idempotency-Key": "pearl"}).ok()
        self.twin, self.blank = stack.tenant(self.document), stack.tenant()  # the second one has nothing, and writes nothing
        for values, mark in zip(self.values, OURS):
            marked(self.tenant, values["member"], mark)
            marked(self.twin, values["member"], "amber")
        self.member = self.values[0]["member"]
        self.token_key, self.twin_key = TokenKey(self.tenant), TokenKey(self.twin)
        self.invalid = {**self.invalid_keys(), **self.invalid_tokens()}
        self.invalid_operators = self.invalid_operator_keys()

    def wrongs(self, key):
        """Texts like that of a good key."""
        acc, env, key_id, secret = key.split("_")
        other = "A" if secret[0] != "A" else "B"
        return {"another secret": f"{acc}_{env}_{key_id}_{other}{secret[1:]}", "an unknown key": f"{acc}_{env}_{'0' * 16}_{secret}",
                "a secret cut short": key[:-1], "a secret that is longer": key + "0", "no secret": f"{acc}_{env}_{key_id}_",
                "only the id": key_id, "only the secret": secret, "another case": key.swapcase()}

    def invalid_keys(self):
        tenant, code = self.tenant, self.tenant.code
        expired, revoked, rotated = (tenant.make_key() for _ in range(3))
        self.stack.sql("UPDATE api_key SET expires_at = 1 WHERE key_id = %s", expired["key_id"])
        self.stack.cli("key", "revoke", code, revoked["key_id"])
        self.stack.cli("key", "rotate", code, rotated["key_id"], "--overlap", "0")
        return {**self.wrongs(tenant.key), "an expired key": expired["key"], "a revoked key": revoked["key"],
                "a former secret": rotated["key"]}

    def invalid_operator_keys(self):
        expired, revoked = (self.stack.cli_json("operator-key", "create", "--name", "test") for _ in range(2))
        self.stack.sql("UPDATE api_key SET expires_at = 1 WHERE key_id = %s", expired["key_id"])
        self.stack.sql("UPDATE api_key SET revoked_at = 1 WHERE key_id = %s", revoked["key_id"])
        return {**self.wrongs(self.operator), "an expired operator's key": expired["key"], "a revoked operator's key": revoked["key"]}

    def invalid_tokens(self):
        tenant, key, member = self.tenant, self.token_key, self.member
        for name in ("gone", "idle"):
            tenant.event(name, "call.completed")
        tenant.member("suspend", "idle")
        tenant.member("erase", "gone", "--yes")
        revoked, rsa = TokenKey(tenant), TokenKey(tenant, "RS256")
        revoked.revoke()
        good = key.token(member)
        unsigned = token_of(key.header(alg="none"), key.claims(member), key.sign).rpartition(".")[0] + "."
        return {
            "a token with another signature": good[:-5] + ("A" if good[-5] != "A" else "B") + good[-4:], "a token without one": good.rpartition(".")[0] + ".",
            "a token cut short": good[:-1], "a token of no algorithm": unsigned, "a token of another key": self.twin_key.token(member, header={"kid": key.kid}, aud=tenant.code),
            "a token of an unknown key": key.token(member, header={"kid": "0" * 16}), "a token of no key": key.token(member, header={"kid": None}),
            "a token of a revoked key": revoked.token(member), "an expired token": key.token(member, iat=-4000, exp=-400), "a token of tomorrow": key.token(member, nbf=7200, exp=80000),
            "a token for a week": key.token(member, exp=7 * 86400), "a token for another audience": key.token(member, aud=self.twin.code),
            "a token for nobody": key.token("nobody"), "a token of a suspended member": key.token("idle"), "a token of an erased member": key.token("gone"),
            "a token signed with a public key": token_of(rsa.header(alg="HS256"), rsa.claims(member), lambda data: hmac.new(rsa.public, data, hashlib.sha256).digest()),
            "a token that brings its key": token_of(key.header(jwk={"kty": "oct", "k": b64(bytes(32))}), key.claims(member), lambda data: hmac.digest(bytes(32), data, "sha256")),
        }

    def request(self, route, exists=True):
        """Path, body and header fields of a good request, but for the credential; or about things that do not exist."""
        values = {} if exists else {name: "not-there" for name in self.values[0] if "{" + name + "}" in route["pattern"]}
        body = json.dumps(self.good_body(route)).encode() if route["body_max"] else None
        return self.path(route, **values), body, self.headers(route)

    def with_credential(self, route, text, exists=True):
        path, body, headers = self.request(route, exists)
        return self.send(route, path, body, {**headers, "Authorization": text})

    def own_rows(self):
        """All that the tenant has in the database, but for what reading leaves."""
        tables = [name for (name,) in self.stack.sql("SELECT table_name FROM information_schema.columns WHERE table_schema = DATABASE() AND "
                                                     "column_name = 'tenant_id' ORDER BY table_name")]
        return {name: self.stack.sql(f"SELECT * FROM {name} WHERE tenant_id = %s", self.tenant.id) for name in tables}


@pytest.fixture(scope="module")
def world(stack):
    stack.clock.set(NOON)
    made = Isolation(stack)
    yield made
    for tenant in (made.tenant, made.twin, made.other):
        tenant.verify()


@pytest.fixture
def unwritten(world):
    """Whatever the test sends, nothing is stored that was not before."""
    before = world.stack.stored()
    yield world
    assert world.stack.stored() == before


def shows_nothing(answer, *marks):
    """None of the marks, in whatever the client gets to see."""
    text = answer.body.decode() + json.dumps(answer.headers)
    for mark in marks or OURS:
        assert mark not in text, (mark, answer, answer.headers)


def comparable(answer):
    """What may differ between two refusals: the request's own id, and nothing else."""
    headers = {k: v for k, v in answer.headers.items() if k not in ("date", "x-request-id", "content-length")}
    return answer.status, headers, {k: v for k, v in answer.json.items() if k != "request_id"}


def refused(world, route, text, code):
    """The same refusal, whether what the request is about exists or not. Gives its detail."""
    answers = [world.with_credential(route, text, exists) for exists in (True, False)]
    for answer in answers:
        shows_nothing(answer)
        told = answer.problem(code)
    assert comparable(answers[0]) == comparable(answers[1])
    return told["detail"]


# ---- no valid credential ----

@pytest.mark.parametrize("name", PUBLIC)
def test_inv7_no_credential(unwritten, name):
    for text in (None, "", "Bearer", "Bearer ", "Bearer x", "Basic " + b64(unwritten.tenant.key.encode()), f"Token {unwritten.tenant.key}",
                 unwritten.tenant.key, f"Bearer {unwritten.tenant.key} x", "Bearer a.b.c", "Bearer .."):
        assert refused(unwritten, PUBLIC[name], text, "unauthenticated") == UNTOLD


@pytest.mark.parametrize("name", PUBLIC)
def test_inv7_wrong_expired_and_revoked_credentials(unwritten, name):
    for label, text in {**unwritten.invalid, **unwritten.invalid_operators}.items():
        why = refused(unwritten, PUBLIC[name], f"Bearer {text}", "unauthenticated")
        assert why in WHY if "token" in label else why == UNTOLD, (label, why)


# ---- a valid credential that is for something else ----

@pytest.mark.parametrize("name", TENANTS)
def test_inv7_a_lesser_scope(unwritten, name):
    route = PUBLIC[name]
    assert route["scope"] in refused(unwritten, route, f"Bearer {unwritten.lesser[route['scope']]}", "missing-scope")
    if not route["operators_too"]:
        refused(unwritten, route, f"Bearer {unwritten.operator}", "missing-scope")


@pytest.mark.parametrize("name", OPERATORS)
def test_inv7_a_tenants_key_on_operators_routes(unwritten, name):
    refused(unwritten, PUBLIC[name], f"Bearer {unwritten.tenant.key}", "missing-scope")
    refused(unwritten, PUBLIC[name], f"Bearer {unwritten.twin.key}", "missing-scope")


@pytest.mark.parametrize("name", PUBLIC)
def test_inv7_a_suspended_tenant(unwritten, name):
    refused(unwritten, PUBLIC[name], f"Bearer {unwritten.suspended.key}", "tenant-suspended")


@pytest.mark.parametrize("name", [name for name in TENANTS if PUBLIC[name]["operators_too"]])
def test_inv7_an_operators_key_where_it_may_be_used_too(unwritten, name):
    answer = unwritten.with_credential(PUBLIC[name], f"Bearer {unwritten.operator}")
    assert answer.status == 200
    shows_nothing(answer, *OURS, "amber")


# ---- member tokens ----

@pytest.mark.parametrize("name", PUBLIC)
def test_inv7_a_member_token_for_another_member_or_another_route(unwritten, name):
    """The path names our first member: neither that member's own token opens it, but by "me", nor the second's, nor another tenant's."""
    route = PUBLIC[name]
    for token in (unwritten.token_key.token(unwritten.member), unwritten.token_key.token(unwritten.values[1]["member"]),
                  unwritten.twin_key.token(unwritten.member)):
        refused(unwritten, route, f"Bearer {token}", "missing-scope")


@pytest.mark.parametrize("name", [name for name in PUBLIC if "{member}" in PUBLIC[name]["pattern"] and name not in OWN])
def test_inv7_a_member_token_where_me_is_not_taken(unwritten, name):
    route = PUBLIC[name]
    path, body, headers = unwritten.path(route, member="me"), None, unwritten.headers(route)
    token = unwritten.token_key.token(unwritten.member)
    unwritten.send(route, path, body, {**headers, "Authorization": f"Bearer {token}"}).problem("missing-scope")


@pytest.mark.parametrize("name", OWN)
def test_inv7_me_is_the_tokens_member_and_nobody_else(unwritten, name):
    route = PUBLIC[name]
    for tenant, key, foreign in ((unwritten.tenant, unwritten.token_key, ("amber",)), (unwritten.twin, unwritten.twin_key, OURS)):
        for values, mark in zip(unwritten.values, OURS):
            token, headers = key.token(values["member"]), unwritten.headers(route)
            own = unwritten.send(route, unwritten.path(route, member="me"), None, {**headers, "Authorization": f"Bearer {token}"})
            known = unwritten.send(route, unwritten.path(route, member=values["member"]), None, {**headers, "Authorization": f"Bearer {tenant.key}"})
            assert own.ok() == known.ok()
            shows_nothing(own, *foreign, *(m for m in OURS if m != mark))


# ---- another tenant's key with this tenant's ids ----

@pytest.mark.parametrize("name", READS)
def test_inv7_who_has_nothing_reads_nothing_by_our_ids(unwritten, name):
    """The answer is that to ids that nobody has, and another than ours; where no id is asked for, ours shows its mark, or our key's id."""
    route, marks = PUBLIC[name], (*OURS, unwritten.tenant.key.split("_")[2])
    ours = unwritten.with_credential(route, f"Bearer {unwritten.tenant.key}")
    theirs, nobodys = [unwritten.with_credential(route, f"Bearer {unwritten.blank.key}", exists) for exists in (True, False)]
    shows_nothing(theirs, *marks)
    if "{" in route["pattern"].replace("{kind}", ""):
        said = [(a.status, a.json.get("code"), a.json.get("data")) for a in (theirs, nobodys, ours)]
        assert said[0] == said[1] != said[2] and ours.status == 200, (theirs, nobodys, ours)
    else:
        assert any(mark in ours.body.decode() for mark in marks), ours


@pytest.mark.parametrize("name", TENANTS)
@pytest.mark.parametrize("who", ["twin", "other"])
def test_inv7_another_tenants_key_with_our_ids(world, name, who):
    """`twin` has members and definitions of the same names: it gets and changes its own. `other` has nothing."""
    route, before = PUBLIC[name], world.own_rows()
    tenant = getattr(world, who)
    answer = world.with_credential(route, f"Bearer {tenant.key}")
    shows_nothing(answer)
    if who == "other" and "{" in route["pattern"] and answer.status >= 300:
        answer.problem(answer.json["code"])
    assert world.own_rows() == before


# ---- the table ----

def test_every_route_is_in_this_file(world):
    """Whatever the table has is in one of the lists above, with a request that its own credential is let through for."""
    assert set(TENANTS) | set(OPERATORS) | {name for name, route in ROUTES.items() if route["admin"]} == set(ROUTES)
    for name, route in PUBLIC.items():
        assert route["scope"], f"{name}: a public route without a scope"
        path, body, headers = world.request(route, exists=False)
        answer = world.send(route, path + ("&" if "?" in path else "?") + "nonsense=1", body, headers)
        assert answer.json["code"] == "bad-request", (name, answer)  # past the credential, stopped right behind it


@pytest.mark.parametrize("name", PUBLIC)
def test_the_private_listener_has_no_public_route(world, name):
    path, body, headers = world.request(PUBLIC[name])
    private = Http(unix=world.stack.env["ACCOLADE_ADMIN_SOCKET"])  # not recorded: the description is of the public listener
    private.send(PUBLIC[name]["method"], path, body, headers).problem("not-found")


@pytest.mark.parametrize("name", [name for name, route in ROUTES.items() if route["admin"]])
def test_the_public_listener_has_no_private_route(world, name):
    for text in (None, f"Bearer {world.operator}", f"Bearer {world.tenant.key}", f"Bearer {world.token_key.token(world.member)}"):
        answer = world.stack.http.send(ROUTES[name]["method"], ROUTES[name]["pattern"], None, {"Authorization": text} if text else {})
        answer.problem("not-found")


# ---- time ----

def pairs(world):
    """Credentials of each kind that differ in one thing: whether the key exists; each text is another one."""
    key_id, now, key, claims = world.tenant.key.split("_")[2], itertools.count(), world.token_key, world.token_key.claims(world.member)
    forged = {known: (lambda kid: lambda: token_of(key.header(kid=kid), claims, lambda data: f"{next(now):032d}".encode()))(kid)
              for known, kid in (("known", key.kid), ("unknown", "0" * 16))}
    return {"key": {"known": lambda: f"acc_demo_{key_id}_{next(now):040d}", "unknown": lambda: f"acc_demo_{next(now):016d}_{'0' * 40}"},
            "token": forged}


@pytest.mark.parametrize("kind", ["key", "token"])
@pytest.mark.parametrize("write", [False, True])
def test_inv7_a_refusal_asks_the_database_as_much_whether_or_not_the_key_exists(world, kind, write):
    """What takes time is a statement. A kept record would spare one: it lets in, but never refuses."""
    route = next(route for route in PUBLIC.values() if route["write"] == write and route["scope"] != "operator")
    asked = {}
    for known, text in pairs(world)[kind].items():
        world.with_credential(PUBLIC["get_config"], f"Bearer {world.tenant.key}").ok()  # its record is kept from now on
        before = statements(world.stack)
        for _ in range(100):
            world.with_credential(route, f"Bearer {text()}").problem("unauthenticated")
        asked[known] = statements(world.stack) - before
    assert all(90 < n < 150 for n in asked.values()), asked  # one each, and what idle workers do


def statements(stack):
    return int(stack.sql("SHOW GLOBAL STATUS LIKE 'Com_stmt_execute'")[0][1])


def test_inv7_the_time_of_a_refusal_does_not_tell_whether_a_key_exists(world):
    """Medians of known and unknown keys by turns. docs/THREATS.md has measured figures (tests/bench/timing.py); this bound is wide, for
    machines under load."""
    route = next(route for route in PUBLIC.values() if not route["write"] and route["scope"] != "operator")
    path, texts, took = world.path(route), pairs(world)["key"], {"known": [], "unknown": []}
    for i in range(600):
        known = ("known", "unknown")[i % 2]
        text, began = texts[known](), time.perf_counter()
        world.send(route, path, None, {"Authorization": f"Bearer {text}"}).problem("unauthenticated")
        took[known].append(time.perf_counter() - began)
    known, unknown = (sorted(times)[len(times) // 2] for times in took.values())
    assert abs(known - unknown) < 0.0005 + 0.5 * min(known, unknown), (known, unknown)


# ---- the last, since it makes good requests of every kind ----

def test_inv7_an_idempotency_key_is_of_its_credential_alone(world):
    for name in [name for name in TENANTS if PUBLIC[name]["idempotency"] != "none"]:
        route = PUBLIC[name]
        path, body, headers = world.request(route)
        first = world.send(route, path, body, headers)
        assert first.status < 300, (name, first)
        for tenant in (world.twin, world.other):
            again = world.send(route, path, body, {**headers, "Authorization": f"Bearer {tenant.key}"})
            assert not again.replayed, (name, again)
        mine = world.send(route, path, body, headers)
        assert mine.replayed and mine.status == first.status, (name, mine)
        world.mend()
