"""Adjustments by hand, Idempotency-Keys, and what can never be overdrawn (B6, B14; SEMANTICS 8, 22, 40)."""
import json

import pytest

from accolade import config, currency, grant, parallel, rule

CONFIG = config(currency(), currency("xp"), rule("r", pays=100))
LADDER = {"kind": "level_ladder", "code": "career", "currency": "points",
          "levels": [{"at": 0}, {"at": 100, "name": "Silver", "privileges": ["coach"]}, {"at": 500}],
          "grant_each": [grant(100, factors=[{"multiply": 1.25, "why": "level up"}])]}


@pytest.fixture
def tenant(make_tenant):
    t = make_tenant(CONFIG)
    t.event()  # 100 points
    return t


def test_B6_award_and_deduction_with_reason_and_actor(tenant):
    up = tenant.adjust(body={"currency": "points", "amount": 50, "reason": "goodwill", "actor": "boss"})
    first = up.ok(201)
    assert not up.replayed
    assert first.pop("created_at").startswith("2030-02-13T12:0")
    assert first == {"id": first["id"], "member": "m", "currency": "points", "amount": 50, "kind": "adjustment", "balance_before": 100,
                     "balance_after": 150, "reason": "goodwill", "actor": "boss", "transaction": first["transaction"], "levels": [], "grants": []}
    second = tenant.adjust(amount=-150, reason="correction").ok(201)
    assert (second["amount"], second["balance_before"], second["balance_after"], second["actor"]) == (-150, 150, 0, None)
    assert first["id"] != second["id"] and first["transaction"] != second["transaction"]
    assert tenant.points() == {"currency": "points", "balance": 0, "held": 0, "available": 0, "lifetime_earned": 150, "lifetime_spent": 0,
                               "earned_today": 100}


def test_B6_a_positive_adjustment_can_raise_the_level(make_tenant):
    t = make_tenant(config(currency(), LADDER, rule("r", pays=1)))
    t.event()
    answer = t.adjust(amount=99).ok(201)
    assert answer["levels"] == [{"ladder": "career", "from": 1, "to": 2, "name": "Silver", "privileges": ["coach"]}]
    (bonus,) = answer["grants"]
    transfer = bonus.pop("transfer")
    assert bonus == {"ladder": "career", "level": 2, "currency": "points", "base": 100, "amount": 125, "balance": 225,
                     "steps": [{"why": "level up", "multiply": 1.25}]}
    assert (answer["amount"], answer["balance_before"], answer["balance_after"]) == (99, 1, 100)
    assert [x["transfer"] for x in t.transactions()["data"]][:2] == [transfer, answer["id"]]
    assert t.adjust(amount=-225).ok(201)["levels"] == []
    assert t.levels(ladder="career")["level"] == 2  # taking does not lower what was ever earned
    assert t.adjust(amount=1).ok(201)["grants"] == []  # a level is paid once ever


@pytest.mark.parametrize("body, pointers", [
    ({}, ["/amount", "/currency", "/reason"]),
    ({"currency": "points", "amount": 1}, ["/reason"]),
    ({"currency": "points", "amount": 1, "reason": ""}, ["/reason"]),
    ({"currency": "points", "amount": 1, "reason": "x" * 201}, ["/reason"]),
    ({"currency": "points", "amount": 1, "reason": "a\u0007b"}, ["/reason"]),
    ({"currency": "points", "amount": 1, "reason": 5}, ["/reason"]),
    ({"currency": "points", "amount": 0, "reason": "x"}, ["/amount"]),
    ({"currency": "points", "amount": 1.5, "reason": "x"}, ["/amount"]),
    ({"currency": "points", "amount": "1", "reason": "x"}, ["/amount"]),
    ({"currency": "points", "amount": None, "reason": "x"}, ["/amount"]),
    ({"currency": "gold", "amount": 1, "reason": "x"}, ["/currency"]),
    ({"currency": "", "amount": 1, "reason": "x"}, ["/currency"]),
    ({"currency": "points", "amount": 1, "reason": "x", "actor": ""}, ["/actor"]),
    ({"currency": "points", "amount": 1, "reason": "x", "actor": "x" * 129}, ["/actor"]),
    ({"currency": "points", "amount": 1, "reason": "x", "kind": "earned"}, ["/kind"]),
    ([], [""]),
    (17, [""]),
])
def test_B6_bad_bodies_are_refused_with_pointers_and_write_nothing(shared_tenant, body, pointers):
    shared_tenant.event(id="once")
    stored = shared_tenant.stack.stored()
    shared_tenant.call("POST", "/members/m/adjustments", body, headers={"Idempotency-Key": "bad"}).problem("validation-failed", *pointers)
    assert shared_tenant.stack.stored() == stored


@pytest.mark.parametrize("amount", [10**15 + 1, -(10**15) - 1, 10**17 * 3.0])
def test_B6_amounts_beyond_what_is_kept(shared_tenant, amount):
    shared_tenant.event(id="once")
    stored = shared_tenant.stack.stored()
    shared_tenant.adjust(amount=amount).problem("number-out-of-range", "/amount")
    assert shared_tenant.stack.stored() == stored


def test_B6_the_largest_amount(tenant):
    assert tenant.adjust(amount=10**15).ok(201)["balance_after"] == 10**15 + 100
    assert tenant.adjust(amount=-(10**15)).ok(201)["balance_after"] == 100


def test_S22_insufficient_points_with_figures(tenant):
    stored = tenant.stack.stored()
    problem = tenant.adjust(amount=-101).problem("insufficient-points")
    assert (problem["required"], problem["available"], problem["shortfall"]) == (101, 100, 1)
    problem = tenant.adjust(amount=-1, currency="xp").problem("insufficient-points")
    assert (problem["required"], problem["available"], problem["shortfall"]) == (1, 0, 1)
    assert tenant.stack.stored() == stored
    assert tenant.balance() == 100


# ---- the Idempotency-Key ----

def post(tenant, key, body, member="m", **headers):
    sent = {"Idempotency-Key": key} if key is not None else {}
    return tenant.call("POST", f"/members/{member}/adjustments", headers={**sent, **headers}, raw=body if isinstance(body, bytes) else json.dumps(body).encode())


BODY = {"currency": "points", "amount": 5, "reason": "x"}


def test_S40_key_is_required(tenant):
    stored = tenant.stack.stored()
    post(tenant, None, BODY).problem("idempotency-key-missing")
    post(tenant, "", BODY).problem("idempotency-key-missing")
    assert tenant.stack.stored() == stored


@pytest.mark.parametrize("key", ["a b", "ä".encode("utf-8").decode("latin-1"), '"open', '"a"b"', '""', "x" * 256, '"a\tb"'])
def test_S8_malformed_key(tenant, key):
    stored = tenant.stack.stored()
    post(tenant, key, BODY).problem("idempotency-key-invalid")
    assert tenant.stack.stored() == stored


def test_S8_repeat_gets_first_status_and_body(tenant, clock):
    first = post(tenant, "k1", BODY)
    first.ok(201)
    stored = tenant.stack.stored()
    tenant_later = post(tenant, '"k1"', BODY)  # quoted is the same key
    assert (tenant_later.status, tenant_later.body) == (201, first.body) and tenant_later.replayed
    clock.advance(hours=47)
    tenant.apply(config(currency(name="Renamed"), currency("xp"), rule("r", pays=1)))
    again = post(tenant, "k1", BODY)
    assert (again.status, again.body) == (201, first.body) and again.replayed
    stored_now = tenant.stack.stored()
    for table in ("entry", "outcome", "idempotency", "versions"):
        assert stored_now[table] == stored[table]
    assert tenant.balance() == 105


@pytest.mark.parametrize("key", ["x" * 255, "!#$%&'()*+,-./:;<=>?@[]^_`{|}~", '"with \\"quotes\\" and \\\\"'])
def test_S8_keys_of_any_visible_characters(tenant, key):
    first = post(tenant, key, BODY)
    assert post(tenant, key, BODY).body == first.body
    assert first.status == 201 and tenant.balance() == 105


def test_S40_a_key_ends_after_48_hours_whether_retention_ran_or_not(tenant, clock):
    """Of changes of a member and of administrative writes: a repeat is new then, also with another body."""
    plan = {"version": 1, "definitions": [currency()]}
    def apply(document):
        return tenant.call("POST", "/config/apply", document, headers={"Idempotency-Key": "c"})
    assert tenant.adjust("m", 5, idempotency_key="k").status == 201
    first = apply(plan)
    assert first.status == 200
    clock.advance(hours=48, seconds=-20)
    assert tenant.adjust("m", 5, idempotency_key="k").replayed and apply(plan).replayed
    clock.advance(seconds=40)
    again = tenant.adjust("m", 7, idempotency_key="k")
    assert again.status == 201 and not again.replayed and tenant.balance() == 112
    apply(plan).problem("version-mismatch")
    assert tenant.adjust("m", 7, idempotency_key="k").replayed


def test_S8_other_body_or_path_under_the_same_key(tenant):
    tenant.event("n")
    first = post(tenant, "k", BODY)
    stored = tenant.stack.stored()
    post(tenant, "k", {**BODY, "amount": 6}).problem("idempotency-key-reused")
    post(tenant, "k", json.dumps(BODY).encode() + b" ").problem("idempotency-key-reused")  # the raw body counts
    post(tenant, "k", BODY, member="n").problem("idempotency-key-reused")
    assert tenant.stack.stored() == stored
    assert post(tenant, "k", BODY).body == first.body
    assert (tenant.balance(), tenant.balance("n")) == (105, 100)


def test_S8_refusals_are_evaluated_again(tenant):
    body = {**BODY, "amount": -150}
    post(tenant, "k", body).problem("insufficient-points")
    tenant.adjust(amount=50).ok(201)
    assert post(tenant, "k", body).ok(201)["balance_after"] == 0
    post(tenant, "unknown", BODY, member="nobody").problem("member-not-found")
    tenant.event("nobody")
    post(tenant, "unknown", BODY, member="nobody").ok(201)


def test_S8_the_scope_is_tenant_and_credential(tenant, make_tenant):
    other_tenant = make_tenant(CONFIG)
    other_tenant.event()
    second_key = tenant.new_key()
    first = post(tenant, "k", BODY)
    second = post(tenant, "k", BODY, Authorization=f"Bearer {second_key}")
    third = post(other_tenant, "k", BODY)
    assert [x.ok(201)["balance_after"] for x in (first, second, third)] == [105, 110, 105]
    assert not any(x.replayed for x in (first, second, third))


def test_B6_sixteen_at_once_with_one_key_are_one_effect_and_equal_answers(tenant):
    for round in range(3):
        answers = parallel(16, lambda i: post(tenant, f"race{round}", BODY))
        late = [a for a in answers if a.status == 409]
        assert [a.json["code"] for a in late] == ["in-progress"] * len(late)
        done = [a for a in answers if a.status != 409]
        assert {a.status for a in done} == {201}
        assert len({a.body for a in done}) == 1
        assert [a.replayed for a in done].count(False) == 1
        assert late == []  # 1 s of waiting for the first is enough for all
    assert tenant.balance() == 115
    assert tenant.transactions(currency="points", kind="adjustment")["summary"]["count"] == 3


def test_B14_never_below_zero_32_threads_of_minus_10_against_100(tenant):
    answers = parallel(32, lambda i: tenant.adjust(amount=-10, idempotency_key=f"spend{i}"))
    assert sorted(a.status for a in answers) == [201] * 10 + [409] * 22
    assert {a.json["code"] for a in answers if a.status == 409} == {"insufficient-points"}
    assert sorted(a.json["balance_after"] for a in answers if a.status == 201) == list(range(0, 100, 10))
    assert tenant.balance() == 0
    assert tenant.transactions(currency="points")["summary"] == {"currency": "points", "earned": 100, "spent": 100, "net": 0, "count": 11}


def test_B14_awards_and_spends_at_once_end_exactly(tenant):
    def one(i):
        return tenant.event() if i % 2 else tenant.adjust(amount=-10, idempotency_key=f"mix{i}")
    answers = parallel(24, one)
    spends = [a.status for i, a in enumerate(answers) if i % 2 == 0]
    assert set(spends) <= {201, 409} and spends.count(201) >= 10  # 100 at the start cover ten
    assert tenant.balance() == 100 + 12 * 100 - 10 * spends.count(201)
