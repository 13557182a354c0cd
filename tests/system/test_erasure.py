"""Erasing a member (M8; SEMANTICS 39): afterwards nothing that is stored or logged says who it was."""
import threading
import time

import pytest

from accolade import Failed, config, currency, parallel, path_id, rule, var

WORDS = {  # every one stands nowhere else
    "member": "erin-5c1b7e02", "display name": "Erin Quillfeather", "attribute": "left-handed-5c1b", "attribute name": "handedness5c1b",
    "group": "team-umbra-5c1b", "data": "she said 5c1b7e", "data key": "remark5c1b", "type": "oddity.5c1b7e", "source": "crm-5c1b7e",
    "id": "call-5c1b7e", "reference": "order-5c1b7e", "description": "because 5c1b7e", "event actor": "boss-5c1b7e", "ip": "198.51.100.251",
    "user agent": "Umbra/5c1b7e", "metadata": "meta-5c1b7e", "reason": "goodwill 5c1b7e", "actor": "clerk-5c1b7e",
}
CONFIG = config(currency(), rule("r", "act", pays=5, count=[{"metric": "n", "by": 1}], cooldown_s=1),
                rule("known", "act", when={"==": [var("member.attributes.shoe"), 1]}, pays=1))


def occurrences(stack, word):
    """{table.column: rows} in which the word stands, looked for byte by byte in every column of every table."""
    columns = stack.sql("SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = DATABASE() ORDER BY 1, 2")
    tables = {}
    for table, column in columns:
        tables.setdefault(table, []).append(column)
    found = {}
    for table, names in tables.items():
        sums = ", ".join(f"COALESCE(SUM(INSTR(CAST(`{c}` AS BINARY), %s) > 0), 0)" for c in names)
        (row,) = stack.sql(f"SELECT {sums} FROM `{table}`", *[word.encode()] * len(names))
        found.update({f"{table}.{c}": int(n) for c, n in zip(names, row) if n})
    return found


def logs_with(stack, word):
    """Files under the stack's folder, but for the database's own, that hold the word."""
    spellings = {word.encode(), path_id(word).encode(), word.encode().hex().encode()}
    files = [p for folder in ("log", "nginx", "pool", "memcached") for p in (stack.dir / folder).rglob("*") if p.is_file()]
    assert any(p.name == "pool.log" for p in files) and any(p.name == "nginx-access.log" for p in files)
    return [str(p) for p in files if any(s in p.read_bytes() for s in spellings)]


def live(t):
    """A member that leaves traces wherever one can; the events that it sent."""
    w = WORDS
    t.member("set", w["member"], "--display-name", w["display name"], "--type", "agent", "--zone", "Europe/Paris",
             "--attributes", f'{{"{w["attribute name"]}":"{w["attribute"]}"}}', "--groups", f'{{"team":["{w["group"]}"]}}')
    context = {"reference": w["reference"], "description": w["description"], "actor": w["event actor"], "ip": w["ip"], "user_agent": w["user agent"],
               "metadata": {"k": w["metadata"]}}
    bodies = [t.event_body(w["member"], source=w["source"], id=w["id"], data={w["data key"]: [w["data"]]}, context=context),
              t.event_body(w["member"], type=w["type"], source=w["source"]),
              *[t.event_body(w["member"], source=w["source"]) for _ in range(3)]]
    for body in bodies[:3]:
        t.post(body).ok()
    t.events(bodies[3:])
    t.adjust(w["member"], idempotency_key="erased-key", body={"currency": "points", "amount": 7, "reason": w["reason"], "actor": w["actor"]}).ok(201)
    # Refusals and reads name it too.
    t.adjust(w["member"], amount=-1000).problem("insufficient-points")
    t.post({**bodies[0], "data": {}}).problem("event-id-reused")
    t.post({**bodies[0], "id": 5}).problem("validation-failed")
    t.post({**bodies[0], "id": "late", "time": "2029-01-01T00:00:00Z"}).problem("too-late")
    t.stored_event(w["source"], w["id"]).ok()
    for what in ("points", "levels", "transactions", "badges"):
        t.get(f"/members/{w['member']}/{what}")
    t.get(f"/members/{w['member']}/transactions", cursor="x", limit=0)
    t.call("DELETE", f"/members/{w['member']}/points")
    t.call("GET", f"/members/{w['member']}/points", key="acc_demo_x_y")
    return bodies


def test_S39_nothing_is_left_by_SELECT_or_in_any_log(make_tenant):
    t = make_tenant(CONFIG)
    stack = t.stack
    live(t)
    before = {name: occurrences(stack, word) for name, word in WORDS.items()}
    # The search can find: what is kept in clear until then. What events carried is sealed from the start.
    assert before.pop("member") == {"member_key.external_id": 1}
    assert before.pop("display name") == {"member_profile.display_name": 1}
    assert before.pop("attribute") == before.pop("attribute name") == {"member_profile.attributes": 1}
    assert before.pop("group") == {"member_profile.member_groups": 1, "member_group.group_code": 1}
    assert set(map(str, before.values())) == {"{}"}, before
    assert t.member("erase", WORDS["member"], "--yes") == {"member": WORDS["member"], "status": "erased"}
    time.sleep(1.2)  # nginx writes its access log once per second
    for name, word in WORDS.items():
        assert occurrences(stack, word) == {}, name
        assert logs_with(stack, word) == [], name
    ((keys, keyless),) = stack.sql("SELECT COUNT(*), SUM(sealing_key IS NULL) FROM member_key WHERE tenant_id = %s", t.id)
    assert (keys, keyless) == (1, 1)
    for table in ("member_profile", "rule_paid", "derived_event"):
        assert stack.sql(f"SELECT COUNT(*) FROM {table} WHERE tenant_id = %s", t.id) == ((0,),), table


def test_S39_the_ledger_stays_and_verifies(make_tenant):
    t = make_tenant(CONFIG)
    live(t)
    paid = sum(x["amount"] for x in t.all_transactions(WORDS["member"]))
    kept = t.stack.sql("SELECT * FROM entry WHERE tenant_id = %s ORDER BY member_no, currency, part, seq", t.id)
    outcomes = t.stack.sql("SELECT COUNT(*) FROM outcome WHERE tenant_id = %s", t.id)[0][0]
    t.member("erase", WORDS["member"], "--yes")
    assert t.stack.sql("SELECT * FROM entry WHERE tenant_id = %s ORDER BY member_no, currency, part, seq", t.id) == kept
    assert sum(row[5] for row in kept) == paid > 0
    assert t.stack.sql("SELECT COUNT(*) FROM outcome WHERE tenant_id = %s", t.id)[0][0] == outcomes + 1  # the erasure is one more
    report = t.verify()
    assert (report["members"], report["entries"]) == (1, len(kept))


def test_S39_a_repeat_gets_410_and_the_same_id_later_is_a_new_member(make_tenant):
    t = make_tenant(CONFIG)
    member = WORDS["member"]
    bodies = live(t)
    adjustment = {"currency": "points", "amount": 7, "reason": WORDS["reason"], "actor": WORDS["actor"]}
    t.member("erase", member, "--yes")
    stored = t.stack.stored()
    for body in bodies:
        t.post(body).problem("erased")
        t.stored_event(body["source"], body["id"]).problem("erased")
    assert [x["problem"]["code"] for x in t.events(bodies)] == ["erased"] * len(bodies)
    t.post({**bodies[0], "data": {}}).problem("event-id-reused")
    for what in ("points", "levels", "transactions"):
        t.get(f"/members/{member}/{what}").problem("member-not-found")
    t.adjust(member, idempotency_key="erased-key", body=adjustment).problem("erased")
    t.adjust(member, idempotency_key="another-key", body=adjustment).problem("member-not-found")
    for verb in ("show", "suspend", "erase"):
        with pytest.raises(Failed) as failed:
            t.member(verb, member, *(["--yes"] if verb == "erase" else []))
        assert "member-not-found" in failed.value.err
    assert t.stack.stored() == stored

    outcome = t.event(member, id="new-life")
    assert (outcome["grants"][0]["balance"], outcome["counters"][0]["value"]) == (5, 1)
    assert t.points(member)["lifetime_earned"] == 5
    assert [x["seq"] for x in t.transactions(member)["data"]] == [1]
    shown = t.show(member)
    assert (shown["type"], shown["zone"], shown["display_name"], shown["attributes"], shown["groups"]) == (None, None, None, {}, {})
    t.post(bodies[0]).problem("erased")  # of the former life, for as long as the identity is kept
    t.adjust(member, idempotency_key="erased-key", body=adjustment).problem("erased")
    assert t.balance(member) == 5
    assert t.stack.sql("SELECT COUNT(DISTINCT member_no), COUNT(*) FROM member_state WHERE tenant_id = %s", t.id) == ((2, 2),)


def test_S39_erasing_while_events_come(make_tenant):
    """Every processed event belongs to the old member or to a new one: none is lost, none is paid to nobody."""
    t = make_tenant(config(currency(), rule("r", pays=1)))
    t.event("m")
    erased = threading.Event()

    def one(i):
        if i == 0:
            for _ in range(3):
                t.member("erase", "m", "--yes")
                t.event("m")
            erased.set()
            return 3
        n = 0
        while not erased.is_set():
            n += len(t.event("m")["grants"])
        return n

    processed = 1 + sum(parallel(6, one))
    assert t.stack.sql("SELECT SUM(amount) FROM entry WHERE tenant_id = %s", t.id) == ((processed,),)
    assert t.stack.sql("SELECT COUNT(*), SUM(sealing_key IS NULL) FROM member_key WHERE tenant_id = %s", t.id) == ((4, 3),)
    assert t.balance("m") >= 1
