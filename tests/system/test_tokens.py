"""Member tokens end to end: who they are for, what they open, what ends them (M2; SEMANTICS 32). Each way in which a token can be false is
in tests/unit/test_jwt.c; who is refused on which route in test_isolation.py."""
import hashlib
import hmac
import json
from datetime import timedelta

import pytest

from accolade import NOON, Failed, config, currency, path_id, rule
from tokens import TokenKey, b64, token_of

CONFIG = config(currency(), {"kind": "level_ladder", "code": "career", "currency": "points", "levels": [{"at": 0, "name": "Bronze"}]}, rule("r", pays=3))
OWN = ("points", "levels", "transactions", "profile")
EVENT = {"source": "test", "id": "token", "type": "act", "member": "m"}
UNTOLD = "send the header field Authorization: Bearer, with a key or token that is valid"


@pytest.fixture
def t(make_tenant):
    made = make_tenant(CONFIG)
    for member in ("m", "n"):
        made.event(member)
    made.event("n")
    return made


def refused(answer, why=UNTOLD):
    assert answer.problem("unauthenticated")["detail"] == why
    assert answer.headers["www-authenticate"] == "Bearer"


def points(t, token):
    return t.call("GET", "/members/me/points", key=token)


@pytest.mark.parametrize("algorithm", ["HS256", "RS256", "ES256", "EdDSA"])
def test_M2_me_is_the_tokens_member(t, algorithm):
    key = TokenKey(t, algorithm)
    for member, balance in (("m", 3), ("n", 6)):
        token = key.token(member)
        for what in OWN:
            own = t.call("GET", f"/members/me/{what}", key=token)
            assert own.ok() == t.get(f"/members/{member}/{what}").ok()
        assert points(t, token).ok()["currencies"][0]["balance"] == balance
    flipped = token[:-2] + ("A" if token[-2] != "A" else "B") + token[-1]
    refused(points(t, flipped))


def test_S32_a_token_opens_nothing_else(t):
    token = TokenKey(t).token("m")
    stored = t.stack.stored()
    for member in ("m", "n", "nobody", "ME", "me.", "me%20"):
        answer = t.call("GET", f"/members/{member}/points", key=token)
        assert answer.problem("missing-scope")["detail"] == 'a member token is for its own member, who is called "me" here'
    for path in ("/members/me", "/members/me/events", "/members/me/why?rule=r", "/members", "/config", "/audit", "/tenants"):
        t.call("GET", path, key=token).problem("missing-scope")
    assert "events:write" in t.post(EVENT, key=token).problem("missing-scope")["detail"]
    t.post([EVENT], key=token).problem("missing-scope")
    t.adjust("me", 1000, key=token).problem("missing-scope")
    t.call("POST", "/members/me/suspend", key=token, headers={"Idempotency-Key": "x"}).problem("missing-scope")
    assert t.stack.stored() == stored


def test_me_is_an_ordinary_id_for_a_key(t):
    t.get("/members/me/points").problem("member-not-found")
    t.event("me")
    assert t.get("/members/me/points").ok()["member"] == "me"
    assert points(t, TokenKey(t).token("n")).ok()["member"] == "n"  # also now


def test_ids_of_every_kind(t):
    key = TokenKey(t)
    for member in ("jürgen/ñ 1", "x" * 128, "%2F", "a.b.c"):
        t.event(member)
        assert points(t, key.token(member)).ok() == t.get(f"/members/{path_id(member)}/points").ok()


def test_M2_the_key_fixes_the_tenant(t, make_tenant):
    other = make_tenant(CONFIG)
    for _ in range(5):
        other.event("m")
    ours, theirs = TokenKey(t), TokenKey(other)
    assert points(t, theirs.token("m")).ok()["currencies"][0]["balance"] == 15  # the same id there
    refused(points(t, ours.token("m", aud=other.code)), "the token's aud does not name the tenant")
    refused(points(t, theirs.token("m", header={"kid": ours.kid})))  # signed with another's key
    refused(points(t, theirs.token("m", header={"kid": ours.kid}, aud=t.code)))
    assert points(t, ours.token("m", aud=[other.code, t.code], tenant=other.code, iss=other.code)).ok()["currencies"][0]["balance"] == 3
    refused(points(t, ours.token("m", header={"kid": "0" * 16})))
    refused(points(t, ours.token("m", header={"kid": None})))
    refused(points(t, ours.token("m", header={"kid": t.key.split("_")[2]})))  # an API key's id is no kid


def test_M2_the_key_fixes_the_algorithm(t):
    rsa, secret = TokenKey(t, "RS256"), TokenKey(t)

    def hs256(data):
        return hmac.new(rsa.public, data, hashlib.sha256).digest()

    refused(points(t, token_of(rsa.header(alg="HS256"), rsa.claims("m"), hs256)))
    refused(points(t, token_of(rsa.header(), rsa.claims("m"), hs256)))
    refused(points(t, token_of(rsa.header(alg="none"), rsa.claims("m"), lambda data: b"x")))
    refused(points(t, token_of(secret.header(alg="none"), secret.claims("m"), secret.sign).rpartition(".")[0] + "."))
    refused(points(t, token_of(secret.header(alg="RS256"), secret.claims("m"), secret.sign)))
    for header in ({"jwk": {"kty": "oct", "k": b64(bytes(32))}}, {"jku": "http://127.0.0.1:1/"}, {"x5u": "http://127.0.0.1:1/"}, {"x5c": []}, {"crit": ["exp"]}):
        refused(points(t, secret.token("m", header=header)))
    assert points(t, secret.token("m")).ok()


def test_M2_the_life_of_a_token(t, clock):
    key = TokenKey(t)
    hour, day = key.token("m", exp=3600), key.token("m", exp=86400)
    early, tomorrow = key.token("m", iat=59, exp=600), key.token("m", nbf=7200, exp=86400)
    refused(points(t, key.token("m", exp=86401)), "the token is made for longer than 24 hours")
    refused(points(t, key.token("m", exp=None)), "the token needs exp, the time of its end in seconds")
    refused(points(t, key.token("m", iat=None)), "the token needs iat, the time of its issue in seconds")
    refused(points(t, key.token("m", iat=70)), "the token is not valid yet")
    refused(points(t, tomorrow), "the token is not valid yet")
    for token in (hour, day, early):
        points(t, token).ok()
    clock.set(NOON + timedelta(seconds=3600 + 55))  # the clocks of two machines differ by up to a minute
    points(t, hour).ok()
    clock.set(NOON + timedelta(seconds=3600 + 65))
    refused(points(t, hour), "the token has expired")
    points(t, day).ok()
    clock.set(NOON + timedelta(hours=3))
    points(t, tomorrow).ok()
    clock.set(NOON + timedelta(hours=24, seconds=65))
    for token in (day, tomorrow):
        refused(points(t, token), "the token has expired")


def test_M2_revoking_the_key_ends_its_tokens_at_once(t):
    first, second = TokenKey(t), TokenKey(t)
    mine, others = first.token("m"), second.token("m")
    points(t, mine).ok()
    first.revoke()
    refused(points(t, mine))
    points(t, others).ok()
    first.revoke()  # again: harmless
    listed = {k["kid"]: k["status"] for k in t.stack.cli_json("token-key", "list", t.code)}
    assert listed == {first.kid: "revoked", second.kid: "valid"}


def test_M2_suspending_the_member_ends_its_tokens_at_once(t):
    key = TokenKey(t)
    m, n = key.token("m"), key.token("n")
    points(t, m).ok()
    t.stack.cli("member", "suspend", t.code, "m")
    refused(points(t, m), "the member is suspended")
    points(t, n).ok()
    t.stack.cli("member", "restore", t.code, "m")
    points(t, m).ok()
    t.stack.cli("member", "erase", t.code, "m", "--yes")
    refused(points(t, m), "the tenant has no member that is the token's sub")


def test_M2_a_suspended_tenants_tokens(t):
    token = TokenKey(t).token("m")
    points(t, token).ok()
    t.stack.cli("tenant", "suspend", t.code)
    points(t, token).problem("tenant-suspended")
    t.stack.cli("tenant", "restore", t.code)
    points(t, token).ok()


def test_who_is_no_member_has_no_token(t):
    key = TokenKey(t)
    for member in ("nobody", "M", "m "):
        refused(points(t, key.token(member)), "the tenant has no member that is the token's sub")
    for member in ("", None, 7, "a/../b"):
        refused(points(t, key.token(member)), "the token needs sub, the id of a member")
    t.event("nobody")
    points(t, key.token("nobody")).ok()


def test_M2_the_size_of_a_token(t):
    key = TokenKey(t)
    least = len(key.token("m", x=""))
    for n in range((4096 - least) * 3 // 4 - 4, (4096 - least) * 3 // 4 + 5):
        token = key.token("m", x="a" * n)
        if len(token) <= 4096:
            points(t, token).ok()
        else:
            refused(points(t, token))


# ---- keys: the command and the operator's routes ----

def operator(t, method, path, body=None, key=None):
    headers = {"Idempotency-Key": f"{t.code}-{key}"} if key else {}
    return t.call(method, f"/tenants/{t.code}{path}", body, key=t.stack.env["ACCOLADE_OPERATOR_KEY"], headers=headers)


def test_M2_operator_routes(t):
    made = operator(t, "POST", "/token-keys", {"name": "app", "algorithm": "HS256"}, "k1").ok(201)
    assert set(made) == {"kid", "name", "algorithm", "status", "created_at", "secret"}
    assert (made["name"], made["algorithm"], made["status"], len(made["kid"]), len(made["secret"])) == ("app", "HS256", "valid", 16, 43)
    again = operator(t, "POST", "/token-keys", {"name": "app", "algorithm": "HS256"}, "k1")
    assert again.replayed and again.ok(201) == {**made, "secret": None}  # shown once
    given = operator(t, "POST", "/token-keys", {"name": "mine", "algorithm": "HS256", "secret": b64(bytes(range(40)))}, "k2").ok(201)
    assert given["secret"] is None
    public = TokenKey(t, "EdDSA").public.decode()
    operator(t, "POST", "/token-keys", {"name": "ed", "algorithm": "EdDSA", "public_key": public}, "k3").ok(201)
    listed = operator(t, "GET", "/token-keys").ok()
    assert [(k["name"], k["algorithm"]) for k in listed["data"]] == [("app", "HS256"), ("mine", "HS256"), ("test", "EdDSA"), ("ed", "EdDSA")]
    assert all(set(k) == {"kid", "name", "algorithm", "status", "created_at"} for k in listed["data"])

    class Given(TokenKey):
        def __init__(self):  # known already
            self.tenant, self.algorithm, self.kid, self.made = t, "HS256", given["kid"], {"secret": b64(bytes(range(40)))}

    token = Given().token("m")
    points(t, token).ok()
    assert operator(t, "DELETE", f"/token-keys/{given['kid']}").status == 204
    refused(points(t, token))
    assert operator(t, "GET", "/token-keys").ok()["data"][1]["status"] == "revoked"
    operator(t, "DELETE", "/token-keys/" + "0" * 16).problem("not-found")


def test_M2_one_tenants_keys_are_not_anothers(t, make_tenant):
    other = make_tenant(CONFIG)
    key = TokenKey(t)
    operator(other, "DELETE", f"/token-keys/{key.kid}").problem("not-found")
    with pytest.raises(Failed):
        other.stack.cli("token-key", "revoke", other.code, key.kid)
    assert operator(other, "GET", "/token-keys").ok()["data"] == []
    points(t, key.token("m")).ok()
    for path, method in (("", "GET"), ("", "POST"), (f"/{key.kid}", "DELETE")):  # no tenant's key may see or make any
        t.call(method, f"/tenants/{t.code}/token-keys{path}", {"name": "x", "algorithm": "HS256"} if method == "POST" else None,
               headers={"Idempotency-Key": "x"}).problem("missing-scope")


@pytest.mark.parametrize("body, pointer, detail", [
    ({"algorithm": "ES256"}, "/public_key", "is required"),
    ({"algorithm": "ES256", "secret": b64(bytes(32))}, "/secret", "belongs to HS256; ES256 needs a public key"),
    ({"algorithm": "HS256", "public_key": "x"}, "/public_key", "has no place with HS256, whose secret both sides know"),
    ({"algorithm": "HS256", "secret": b64(bytes(31))}, "/secret", "must have at least 32 bytes, which are 43 characters of base64url"),
    ({"algorithm": "HS256", "secret": b64(bytes(32)) + "="}, "/secret", "must be base64url without padding"),
    ({"algorithm": "EdDSA", "public_key": "x"}, "/public_key", "must be a public key in PEM, from -----BEGIN PUBLIC KEY-----"),
    ({"algorithm": "none"}, "/algorithm", "must be HS256, RS256, ES256 or EdDSA"),
    ({"algorithm": "HS512"}, "/algorithm", "must be HS256, RS256, ES256 or EdDSA"),
    ({"algorithm": 1}, "/algorithm", "must be HS256, RS256, ES256 or EdDSA"),
])
def test_M2_keys_that_are_none(t, body, pointer, detail):
    told = operator(t, "POST", "/token-keys", {"name": "x", **body}, "k").problem("validation-failed", pointer)
    assert told["errors"][0]["detail"] == detail
    assert operator(t, "GET", "/token-keys").ok()["data"] == []


def test_M2_the_command(t):
    ec = TokenKey(t, "ES256")
    with pytest.raises(Failed, match="is not an RSA key, which RS256 needs"):
        t.stack.cli("token-key", "create", t.code, "--algorithm", "RS256", "--public-key", ec.public_name)
    with pytest.raises(Failed, match="is a private key"):
        t.stack.cli("token-key", "create", t.code, "--algorithm", "ES256", "--public-key", ec.name)
    for wrong in (("--algorithm", "HS256", "--public-key", ec.public_name), ("--algorithm", "ES256"), ("--algorithm", "none"), (),
                  ("--algorithm", "ES256", "--public-key", ec.public_name, "--secret-file", ec.public_name)):
        with pytest.raises(Failed) as failed:
            t.stack.cli("token-key", "create", t.code, *wrong)
        assert failed.value.code == 2
    made = json.loads(t.stack.cli("token-key", "create", t.code, "--algorithm", "HS256", "--secret-file", "-", "--json", stdin=b64(bytes(32)) + "\n"))
    assert made["secret"] is None and made["name"] == ""
    shown = t.stack.cli("token-key", "create", t.code, "--algorithm", "HS256", "--name", "app")
    assert "not shown again" in shown and len(shown.split()[-1]) == 43
    listed = t.stack.cli("token-key", "list", t.code)
    assert shown.split()[-1] not in listed and listed.count("HS256") == 2 and listed.count("ES256") == 1


def test_M9_keys_stand_in_the_audit_log_and_secrets_nowhere(t):
    secret = b64(b"the secret of a back end, 34 bytes")
    made = operator(t, "POST", "/token-keys", {"name": "app", "algorithm": "HS256", "secret": secret}, "k1").ok(201)
    own = TokenKey(t)
    own.revoke()
    lines = t.stack.sql("SELECT action, target, detail FROM audit WHERE tenant_id = %s AND action LIKE 'token-key%%' ORDER BY audit_id", t.id)
    assert [line[:2] for line in lines] == [("token-key.create", f"token-key/{made['kid']}"), ("token-key.create", f"token-key/{own.kid}"),
                                            ("token-key.revoke", f"token-key/{own.kid}")]
    for text in (secret, own.made["secret"]):
        assert not any(text in str(line) for line in lines)
        assert not any(text in (record or "") for (record,) in t.stack.sql("SELECT answer_record FROM idempotency"))
        assert text not in t.stack.pool_log()
    for material, in t.stack.sql("SELECT material FROM token_key WHERE tenant_id = %s", t.id):  # sealed
        assert b"the secret of a back end" not in material and len(material) >= 32 + 28


def test_M2_a_record_that_was_changed_in_the_database_opens_nothing(t):
    """The key is sealed for its tenant, algorithm and kid: whoever has only the database cannot give it to another."""
    key, other = TokenKey(t), TokenKey(t)
    token = key.token("m")
    points(t, token).ok()
    (sealed,), = t.stack.sql("SELECT material FROM token_key WHERE kid = %s", other.kid)
    t.stack.sql("UPDATE token_key SET material = %s WHERE kid = %s", sealed, key.kid)
    refused(points(t, token))
    refused(points(t, other.token("m", header={"kid": key.kid})))
    points(t, other.token("m")).ok()
    assert f"kid={key.kid}" in t.stack.pool_log()
