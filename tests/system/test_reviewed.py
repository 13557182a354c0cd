"""Faults that a review of the code found; each test is the story of one."""
from datetime import timedelta

from accolade import NOON, config, currency, rule

ONE = config(currency(), rule("r", pays=7))


def test_S2_a_refused_event_does_not_condemn_another_of_the_same_id(make_tenant, clock):
    t = make_tenant(ONE)
    late, now = t.event_body(id="1", time=NOON - timedelta(days=300)), t.event_body(id="1", time=NOON)
    first, second, third = t.events([late, now, {**now, "type": "other"}])
    assert first["problem"]["code"] == "too-late"
    assert second["status"] == "processed" and t.balance() == 7
    assert third["problem"]["code"] == "event-id-reused"


def test_S39_the_repeat_of_an_adjustment_of_an_erased_member_is_gone(make_tenant):
    t = make_tenant(ONE)
    t.join("anna")
    body = {"currency": "points", "amount": 5, "reason": "welcome"}
    again = lambda: t.call("POST", "/members/anna/adjustments", body, headers={"Idempotency-Key": "k"})
    assert again().status == 201
    assert t.call("DELETE", "/members/anna").status == 204
    again().problem("erased")
    t.join("anna")  # a new member of the same name
    again().problem("erased")
    assert t.balance("anna") == 0


def test_S39_a_key_without_a_state_row_is_forgotten_too(make_tenant):
    """A member's key is written before the member: what fails in between leaves a name that only erasure removes."""
    t = make_tenant(ONE)
    t.stack.sql("INSERT INTO member_key (tenant_id, external_id, member_no, sealing_key, state) VALUES (%s, 'bare', 77, REPEAT('k', 16), 0)", t.id)
    t.get("/members/bare/points").problem("member-not-found")
    assert t.call("DELETE", "/members/bare").status == 204
    assert t.stack.sql("SELECT COUNT(*) FROM member_key WHERE tenant_id = %s AND external_id = 'bare'", t.id)[0][0] == 0


def test_the_answer_of_a_very_long_way_up(make_tenant):
    """600 levels at once with long privileges: the answer and its repeat are whole, and no worker dies of them."""
    levels = [{"at": i * 10, "privileges": [f"privilege-{i:04}-{j}-{'x' * 30}" for j in range(8)]} for i in range(600)]
    t = make_tenant(config(currency(), rule("r", pays=1), {"kind": "level_ladder", "code": "long", "currency": "points", "levels": levels}))
    t.join()
    workers = t.stack.pool_workers()
    body = {"currency": "points", "amount": 1_000_000, "reason": "up"}
    first = t.call("POST", "/members/m/adjustments", body, headers={"Idempotency-Key": "up"})
    assert first.status == 201 and first.json["levels"][0]["to"] == 600
    assert len(first.json["levels"][0]["privileges"]) == 599 * 8
    again = t.call("POST", "/members/m/adjustments", body, headers={"Idempotency-Key": "up"})
    assert again.replayed and again.body == first.body
    assert t.stack.pool_workers() == workers


def test_S8_no_text_of_an_idempotency_key_is_kept(make_tenant):
    t = make_tenant(ONE)
    t.join()
    assert t.adjust(amount=5, idempotency_key="thanks-for-anna-smith").status == 201
    assert t.stack.sql("SELECT COUNT(*) FROM idempotency WHERE client_key LIKE '%%anna%%'")[0][0] == 0
    assert t.adjust(amount=5, idempotency_key="thanks-for-anna-smith").replayed


def test_S35_a_changed_zone_of_a_cap_or_limit_gives_no_second_room_on_the_same_day(make_tenant, clock):
    def by(zone):
        return config(currency(daily_cap={"amount": 10, "zone": zone}), rule("a", "a", pays=10),
                      currency("stars"), rule("b", "b", grant=[{"currency": "stars", "amount": 1}], limits=[{"count": 1, "per": "day", "zone": zone}]))

    t = make_tenant(by("Europe/Berlin"))
    for zone in ("Asia/Tokyo", "America/New_York", "Pacific/Kiritimati", "Europe/Berlin"):
        for type in ("a", "a", "b", "b"):
            t.event(type=type)
        t.apply(by(zone))
    assert t.balance() == 10 and t.balance(currency="stars") == 1
    clock.advance(hours=25)
    t.event(type="a")
    t.event(type="b")
    assert t.balance() == 20 and t.balance(currency="stars") == 2
