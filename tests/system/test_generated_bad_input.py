"""Each row of the routes table × everything that can be wrong with a request (invariant 13): a 4xx problem, nothing written.

Nothing here names a route: a new one is covered by standing in the table, by its description, and by an example of its request."""
import gzip
import hmac
import json
import zlib

import pytest

from accolade import NOON, parallel
from generated import DESCRIPTION, JSON, PUBLIC, ROUTES, World, missing_members, pointer, unknown_members, wrong_queries, wrong_values

WITH_BODY = [name for name, route in PUBLIC.items() if route["body_max"]]
WITH_KEY = [name for name, route in PUBLIC.items() if route["idempotency"] != "none"]
WITH_ID = [name for name, route in PUBLIC.items() if "{" in route["pattern"]]
OF_THE_BODY = ("validation-failed", "number-out-of-range", "invalid-definition", "amount-too-large", "state-too-large")
BROKEN = [b"", b" ", b"{", b"[1,", b"{}{}", b"nul", b"{'a':1}", b'{"a":01}', b'{"a":"\x01"}', b'{"a":1,"a":2}', b'\xff', b"[" * 40]


@pytest.fixture(scope="module")
def world(stack):
    stack.clock.set(NOON)
    return World(stack)


@pytest.fixture
def unwritten(world):
    """Whatever the test sends, nothing is stored that was not before."""
    before = world.stack.stored()
    yield world
    assert world.stack.stored() == before


def send_all(world, route, mutations):
    """Sends every mutation of everything that the route takes, each once; gives (where it is wrong, answer)."""
    answers, seen = [], set()
    for label, path, headers, schema, good in world.cases(route):
        for where, body in mutations(schema, good):
            key = (label, where, repr(step_into(body, where)))
            if key not in seen:
                seen.add(key)
                answers.append((where, world.send(route, path, json.dumps(body).encode(), headers)))
    return answers


def step_into(value, path):
    for step in path:
        value = value.get(step, "absent") if isinstance(value, dict) else value[step]
    return value


def refused(answers, around=0):
    """Every answer is a problem of the body, and names the place that is wrong, or what is wrong in it, or around it where C
    reads several members at once."""
    wrong = []
    for where, answer in answers:
        told = answer.json if answer.status >= 400 else {}
        errors = [e["pointer"] for e in told.get("errors", [])]
        near = {pointer(where[:n]) for n in range(max(len(where) - 2, 1), len(where))}
        inside = pointer(where[:len(where) - around]) + "/"
        named = any(e in near or (e + "/").startswith(inside) for e in errors) or told.get("more_errors")
        if told.get("code") not in OF_THE_BODY or not named:
            wrong.append(f"{pointer(where)}: {answer.status} {answer.body[:300]}")
        else:
            answer.problem(told["code"])
    assert not wrong, f"{len(wrong)} of {len(answers)}:\n" + "\n".join(wrong[:20])
    assert answers


# ---- credentials ----

@pytest.mark.parametrize("name", PUBLIC)
def test_inv7_no_credential_and_unknown_ones(unwritten, name):
    route = PUBLIC[name]
    good, path = unwritten.headers(route), unwritten.path(route)
    body = json.dumps(unwritten.good_body(route)).encode() if route["body_max"] else None
    acc, env, key_id, secret = unwritten.key_of(route).split("_")
    for credential in (None, "", "Bearer", f"Basic {secret}", f"Bearer {acc}_{env}_{'0' * 16}_{secret}",
                       f"Bearer {acc}_{env}_{key_id}_{secret[:-1]}"):
        unwritten.send(route, path, body, {**good, "Authorization": credential}).problem("unauthenticated")


@pytest.mark.parametrize("name", PUBLIC)
def test_inv7_a_credential_without_the_scope_of_the_other_kind_or_of_a_suspended_tenant(unwritten, name):
    route = PUBLIC[name]
    good, path = unwritten.headers(route), unwritten.path(route)
    body = json.dumps(unwritten.good_body(route)).encode() if route["body_max"] else None
    others = [unwritten.lesser[route["scope"]]] + ([] if route["operators_too"] or route["scope"] == "operator" else [unwritten.operator])
    for key in others:
        unwritten.send(route, path, body, {**good, "Authorization": f"Bearer {key}"}).problem("missing-scope")
        unwritten.send(route, path, b"{" if body else None, {**good, "Authorization": f"Bearer {key}"}).problem("missing-scope")
    unwritten.send(route, path, body, {**good, "Authorization": f"Bearer {unwritten.suspended.key}"}).problem("tenant-suspended")


@pytest.mark.parametrize("name", [name for name in WITH_ID if PUBLIC[name]["scope"] != "operator"])
def test_inv7_another_tenants_ids(world, name):
    """What is ours does not exist for others. What they make of that name is theirs; ours never moves or shows."""
    route = PUBLIC[name]
    other = world.stack.tenant()
    before = rows_of(world, world.tenant)
    headers = {**world.headers(route), "Authorization": f"Bearer {other.key}", "Idempotency-Key": world.fresh("key")}
    body = json.dumps(world.good_body(route)).encode() if route["body_max"] else None
    answer = world.send(route, world.path(route), body, headers)
    if answer.status == 200:
        assert answer.json in ({"data": [], "next_cursor": None}, {"version": 0, "definitions": []}), answer
    elif answer.status != 201 or route["method"] != "PUT":
        assert 404 <= answer.status <= 422, answer
        answer.problem(answer.json["code"])
    assert rows_of(world, world.tenant) == before


def rows_of(world, tenant):
    """How many rows of the tenant each table has, and how often its members changed."""
    tables = [name for (name,) in world.stack.sql("SELECT table_name FROM information_schema.columns "
                                                  "WHERE table_schema = DATABASE() AND column_name = 'tenant_id'")]
    number = tenant.id
    counts = ", ".join(f"(SELECT COUNT(*) FROM {name} WHERE tenant_id = {number})" for name in tables)
    return world.stack.sql(f"SELECT {counts}, (SELECT COALESCE(SUM(version), 0) FROM member_state WHERE tenant_id = {number})")


# ---- addresses ----

@pytest.mark.parametrize("name", WITH_ID)
def test_inv13_ids_that_cannot_be_or_are_not_there(unwritten, name):
    route = PUBLIC[name]
    headers = unwritten.headers(route)
    body = json.dumps(unwritten.good_body(route)).encode() if route["body_max"] else None
    for parameter in [p for p in unwritten.values[0] if "{" + p + "}" in route["pattern"]]:
        for value, codes in (("%zz", {"bad-request"}), ("%00", {"bad-request"}), ("%ff", {"bad-request"}), ("x" * 129, None), ("%0a", None),
                             ("..%2Fx", None)):
            answer = unwritten.send(route, unwritten.path(route, **{parameter: value}), body, headers)
            assert 400 <= answer.status < 500, answer
            assert codes is None or answer.json["code"] in codes, answer
            answer.problem(answer.json["code"])
        if "201" in DESCRIPTION.operations[name].answers and route["method"] == "PUT":
            continue  # it makes what is not there
        answer = unwritten.send(route, unwritten.path(route, **{parameter: "not-there"}), body, headers)
        if answer.status != 200 or answer.json != {"data": [], "next_cursor": None}:
            assert answer.status == 404, answer
            answer.problem(answer.json["code"])


@pytest.mark.parametrize("name", PUBLIC)
def test_inv13_wrong_queries(unwritten, name):
    route = PUBLIC[name]
    headers, path = unwritten.headers(route), unwritten.path(route)
    body = json.dumps(unwritten.good_body(route)).encode() if route["body_max"] else None
    for query, code in wrong_queries(name):
        answer = unwritten.send(route, f"{path}{'&' if '?' in path else '?'}{query}", body, headers)
        assert answer.status == 400 and answer.json["code"] == code, (query, answer)
        answer.problem(code)


@pytest.mark.parametrize("pattern", sorted({route["pattern"] for route in ROUTES.values()}))
def test_inv13_methods_that_the_address_does_not_take(unwritten, pattern):
    routes = [route for route in ROUTES.values() if route["pattern"] == pattern]
    path = unwritten.path(routes[0]).partition("?")[0]
    taken = {operation.method for operation in DESCRIPTION.match("", path)[1]}
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} - taken:
        answer = unwritten.stack.http.send(method, path, None, {"Authorization": f"Bearer {unwritten.key_of(routes[0])}"})
        if routes[0]["admin"]:
            answer.problem("not-found")
            continue
        answer.problem("method-not-allowed")
        assert set(answer.headers["allow"].split(", ")) == taken | ({"HEAD"} if "GET" in taken else set())


@pytest.mark.parametrize("name", [name for name, route in ROUTES.items() if route["admin"]])
def test_the_public_listener_does_not_have_the_private_ones_routes(stack, name):
    stack.http.send(ROUTES[name]["method"], ROUTES[name]["pattern"]).problem("not-found")


# ---- bodies ----

@pytest.mark.parametrize("name", WITH_BODY)
def test_inv13_broken_json(unwritten, name):
    route = PUBLIC[name]
    headers, path = unwritten.headers(route), unwritten.path(route)
    for raw in BROKEN if route["body_required"] else BROKEN[1:]:  # an absent body of the others is {}
        unwritten.send(route, path, raw, headers).problem("malformed-json")
    unwritten.send(route, path, b'{"a":1e999}', headers).problem("number-out-of-range")


@pytest.mark.parametrize("name", WITH_BODY)
def test_inv13_another_content_type(unwritten, name):
    route = PUBLIC[name]
    headers, path = unwritten.headers(route), unwritten.path(route)
    raw = json.dumps(unwritten.good_body(route)).encode()
    for kind in ("text/plain", "application/xml", "application/x-www-form-urlencoded", "application/jsonx", "json", None):
        answer = unwritten.send(route, path, raw, {**headers, "Content-Type": kind})
        assert answer.problem("unsupported-media-type") and "accept-encoding" not in answer.headers


@pytest.mark.parametrize("name", WITH_BODY)
def test_inv13_a_body_in_an_encoding(unwritten, name):
    route = PUBLIC[name]
    headers, path = unwritten.headers(route), unwritten.path(route)
    raw = json.dumps(unwritten.good_body(route)).encode()
    for coding, body in (("gzip", gzip.compress(raw)), ("GZIP", raw), ("deflate", zlib.compress(raw)), ("br, gzip", raw), ("x", b"{")):
        answer = unwritten.send(route, path, body, {**headers, "Content-Encoding": coding})
        assert "Content-Encoding" in answer.problem("unsupported-media-type")["detail"]
        assert answer.headers["accept-encoding"] == "identity"
    unwritten.send(route, path, b"{", {**headers, "Content-Encoding": " Identity"}).problem("malformed-json")


@pytest.mark.parametrize("name", WITH_BODY)
def test_inv13_a_body_beyond_the_limit(unwritten, name):
    route = PUBLIC[name]
    raw = json.dumps(unwritten.good_body(route)).encode()
    raw += b" " * (route["body_max"] + 1 - len(raw))
    unwritten.send(route, unwritten.path(route), raw, unwritten.headers(route)).problem("body-too-large")


@pytest.mark.parametrize("name", WITH_BODY)
def test_inv13_a_body_of_another_type(unwritten, name):
    refused(send_all(unwritten, PUBLIC[name], lambda schema, good: [((), body) for body in (None, True, 5, 1.5, "x")]))


@pytest.mark.parametrize("name", WITH_BODY)
def test_inv13_wrong_values_of_every_field(unwritten, name):
    refused(send_all(unwritten, PUBLIC[name], wrong_values))


@pytest.mark.parametrize("name", WITH_BODY)
def test_inv13_missing_fields(unwritten, name):
    answers = send_all(unwritten, PUBLIC[name], missing_members)
    refused(answers or [((), unwritten.send(PUBLIC[name], unwritten.path(PUBLIC[name]), b"[]", unwritten.headers(PUBLIC[name])))])


@pytest.mark.parametrize("name", WITH_BODY)
def test_inv13_unknown_fields(unwritten, name):
    answers = send_all(unwritten, PUBLIC[name], unknown_members)
    random = [(where, answer) for where, answer in answers if where[-2:-1] == ("amount",)]
    refused([pair for pair in answers if pair not in random])
    if random:
        refused(random, around=1)


@pytest.mark.parametrize("name", [name for name, route in PUBLIC.items() if not route["body_max"]])
def test_inv13_a_body_where_none_is_taken(unwritten, name):
    """A write with one is refused; {} says nothing, and what comes with a read changes no answer."""
    route = PUBLIC[name]
    headers, path = {**unwritten.headers(route), "Content-Type": JSON}, unwritten.path(route)
    for raw in (b"garbage{", b'{"reason":"x"}', b"[]", b" ", b"x" * 2**18):
        answer = unwritten.send(route, path, raw, headers)
        if route["method"] == "GET":
            answer.ok()
        else:
            assert answer.problem("bad-request")["detail"] == "this address takes no body"
    nowhere = {name: "not-there" for name in unwritten.values[0] if "{" + name + "}" in route["pattern"]}
    assert unwritten.send(route, unwritten.path(route, **nowhere), b"{}", headers).status in (200, 404)


# ---- conditions and keys ----

@pytest.mark.parametrize("name", PUBLIC)
def test_inv13_stale_and_malformed_if_match(unwritten, name):
    """Of every row: what has an ETag compares it, all else takes no If-Match; none passes it over."""
    route = PUBLIC[name]
    headers, path = unwritten.headers(route), unwritten.path(route)
    raw = json.dumps(unwritten.good_body(route)).encode() if route["body_max"] else None
    compared = route["etag" if route["method"] == "GET" else "if_match"] != "none"
    stale = ['"v999"', '"v0"', 'W/"v1"', '"v998", "v999"', '"x"', '"v"', '""', '"v99999999999999999999"', '"v-1"']
    stale += ["*"] if route["if_match"] == "version" else []
    for field in stale:
        unwritten.send(route, path, raw, {**headers, "If-Match": field}).problem("version-mismatch" if compared else "no-etag")
    for malformed in ("v1", '"v1', 'v1"', "7", '"v1"x', '"v1" "v2"', 'w/"v1"', '"v1", v2', '*, "v1"', "'v1'", '"v 1"'):
        unwritten.send(route, path, raw, {**headers, "If-Match": malformed}).problem("bad-request" if compared else "no-etag")
    if not compared:
        unwritten.send(route, path, raw, {**headers, "If-Match": "*"}).problem("no-etag")


@pytest.mark.parametrize("name", [name for name, route in PUBLIC.items() if route["if_match"] == "version"])
def test_inv13_missing_if_match(unwritten, name):
    route = PUBLIC[name]
    headers, path = unwritten.headers(route), unwritten.path(route)
    raw = json.dumps(unwritten.good_body(route)).encode() if route["body_max"] else None
    for field in ("*", '"v1", "v2"'):  # the one version, not any
        unwritten.send(route, path, raw, {**headers, "If-Match": field}).problem("version-mismatch")
    unnamed = unwritten.send(route, path, raw, {**headers, "If-Match": None})
    if name == "plan_config":  # judges a version that is named, and tells of one that is not
        assert unnamed.ok()["version"] == unwritten.tenant.export()["version"] + 1
    else:
        unnamed.problem("precondition-required")


@pytest.mark.parametrize("name", WITH_KEY)
def test_S40_missing_and_malformed_idempotency_keys(unwritten, name):
    route = PUBLIC[name]
    headers, path = unwritten.headers(route), unwritten.path(route)
    raw = json.dumps(unwritten.good_body(route)).encode() if route["body_max"] else None
    for key in ("a b", '"open', '"a"b"', '""', "x" * 256, '"a\tb"'):
        unwritten.send(route, path, raw, {**headers, "Idempotency-Key": key}).problem("idempotency-key-invalid")
    if route["idempotency"] == "required":
        for key in (None, ""):
            unwritten.send(route, path, raw, {**headers, "Idempotency-Key": key}).problem("idempotency-key-missing")


def secretless(answer):
    """A secret is shown once: a repeat has null in its place."""
    if not answer.body:
        return None
    return {k: None if k in ("key", "secret") else v for k, v in answer.json.items()}


@pytest.mark.parametrize("name", WITH_KEY)
def test_S8_a_repeat_gets_the_first_answer_and_another_request_is_refused(world, name):
    """A good request, its repeat, and the same key with another body, or about something else."""
    route = PUBLIC[name]
    headers, path = world.headers(route), world.path(route)
    body = world.good_body(route)
    raw = json.dumps(body).encode() if route["body_max"] else None
    first = world.send(route, path, raw, headers)
    assert first.status in (200, 201, 204) and not first.replayed, first
    stored = world.stack.stored()
    again = world.send(route, path, raw, headers)
    assert (again.status, again.replayed, secretless(again)) == (first.status, True, secretless(first)), again
    assert again.headers.get("etag") in (None, first.headers.get("etag"))
    if raw is not None:
        world.send(route, path, raw + b" ", headers).problem("idempotency-key-reused")
    if "{" in route["pattern"]:
        world.send(route, world.path(route, which=1), raw, headers).problem("idempotency-key-reused")
    assert world.stack.stored() == stored
    world.mend()


@pytest.mark.parametrize("name", [name for name in WITH_KEY if "410" in DESCRIPTION.operations[name].answers])
def test_S39_a_repeat_about_a_member_who_was_erased(world, name):
    """The id belongs to somebody new by now, who has nothing to do with the first answer."""
    route = PUBLIC[name]
    headers, body = world.headers(route), world.good_body(route)
    member = (body or {}).get("member", world.values[0]["member"])
    raw = json.dumps(body).encode() if route["body_max"] else None
    first = world.send(route, world.path(route), raw, headers)
    assert first.status in (200, 201, 204), first
    world.tenant.member("erase", member, "--yes")
    world.tenant.event(member)
    world.send(route, world.path(route), raw, headers).problem("erased")
    world.mend()


def kept_key(stack, tenant, text):
    """What is kept of an Idempotency-Key: 16 bytes of an HMAC with the tenant's identity key (ENCODINGS, "Keys")."""
    secret = (stack.dir / "installation.key").read_bytes()
    prk = hmac.digest(tenant.to_bytes(4, "big"), secret, "sha256")
    identity = hmac.digest(prk, b"identity\x01", "sha256")
    return hmac.digest(identity, text.encode(), "sha256")[:16]


@pytest.mark.parametrize("name", WITH_KEY)
def test_S8_the_same_request_still_running(world, name):
    """Another transaction holds the key's row: after two lock waits the request gets 409, and nothing is done."""
    route = PUBLIC[name]
    headers, path = world.headers(route), world.path(route)
    raw = json.dumps(world.good_body(route)).encode() if route["body_max"] else None
    before = world.stack.stored()
    tenant, key_id = 0 if route["scope"] == "operator" else world.tenant.id, headers["Authorization"].split("_")[2]
    connection = world.stack.db()
    try:
        connection.begin()
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO idempotency VALUES (%s, %s, 0, %s, %s, %s, 0, 0, 0, 0, 0, 0, '')",
                           (tenant, key_id, name, kept_key(world.stack, tenant, headers["Idempotency-Key"]), b"\0" * 16))
        answer = world.send(route, path, raw, headers)
    finally:
        connection.rollback()
        connection.close()
    answer.problem("in-progress")
    assert int(answer.headers["retry-after"]) >= 1
    after = world.stack.stored()
    after.pop("member_key"), before.pop("member_key")  # an id without a state is not yet a member
    assert after == before


# ---- one at a time or many at once: the same ----

def test_inv13_bad_requests_of_all_routes_at_once(unwritten):
    def bad(name):
        route = PUBLIC[name]
        path = route["pattern"] if "{" not in route["pattern"] else unwritten.path(route).partition("?")[0]
        return unwritten.send(route, path + "?nonsense=1", b"{" if route["body_max"] else None, unwritten.headers(route))
    for name, answer in zip(PUBLIC, parallel(len(PUBLIC), lambda i: bad(list(PUBLIC)[i]))):
        assert answer.status == 400, (name, answer)
