"""The configuration by the command (SEMANTICS 25–27, 35; requirements A1, M12)."""
import json
from datetime import timedelta

import pytest

from accolade import NOON, ROOT, Failed, amounts, at, config, currency, grant, rfc3339, rule, var

CALL_CENTER = json.loads((ROOT / "presets" / "call-center" / "config.json").read_text())


def refused(call, *words):
    with pytest.raises(Failed) as failed:
        call()
    assert failed.value.code == 1
    for word in words:
        assert word in failed.value.err, failed.value.err
    return failed.value.err


def test_S25_export_is_what_was_applied_and_applies_again_unchanged(make_tenant):
    t = make_tenant(CALL_CENTER)
    exported = t.export()
    assert exported["version"] == 1

    def by_code(document):
        return {(d["kind"], d["code"]): d for d in document["definitions"]}
    assert by_code(exported) == by_code(CALL_CENTER)
    assert t.apply(exported) == {"version": 1, "changes": []}
    other = make_tenant(exported)
    assert {**other.export(), "version": 0} == {**exported, "version": 0}


def test_S25_a_new_tenant_is_at_0(make_tenant):
    t = make_tenant()
    made_at = t.made.pop("created_at")
    assert made_at.startswith("2030-02-13T12:0")
    assert t.made == {"tenant": t.code, "status": "active", "config_version": 0}
    assert t.export() == {"version": 0, "definitions": []}
    assert t.event(type="x")["config_version"] == 0
    assert t.get("/members/m/points").ok() == {"member": "m", "currencies": []}


def test_S25_apply_lists_what_it_created_changed_and_deleted(make_tenant):
    t = make_tenant()
    first = config(currency(), rule("a", pays=1), rule("b", pays=1))
    assert t.apply(first) == {"version": 1, "changes": [
        {"change": "created", "kind": k, "code": c} for k, c in (("currency", "points"), ("rule", "a"), ("rule", "b"))]}
    new = config(currency(), rule("a", pays=2), rule("c", pays=1))
    wanted = [{"change": "changed", "kind": "rule", "code": "a"}, {"change": "deleted", "kind": "rule", "code": "b"},
              {"change": "created", "kind": "rule", "code": "c"}]
    assert t.validate(new) == {"version": 2, "changes": wanted}
    assert t.export()["version"] == 1  # nothing was written
    assert t.apply(new) == {"version": 2, "changes": wanted}
    assert json.loads(t.stack.cli("config", "export", t.code, "--version", "1"))["definitions"][1] == \
        {"kind": "rule", "code": "a", "on": ["act"], "grant": [{"currency": "points", "amount": 1}]}


def test_S25_used_by_the_very_next_event_of_every_worker(make_tenant):
    t = make_tenant(config(currency(), rule("r", pays=1)))
    for n in range(2, 22):
        t.apply(config(currency(), rule("r", pays=n)))
        outcomes = [t.event(), t.events([t.event_body()])[0]]
        assert [(o["config_version"], o["grants"][0]["amount"]) for o in outcomes] == [(n, n)] * 2


def test_S25_all_or_nothing_with_a_pointer_to_each_fault(make_tenant):
    t = make_tenant(config(currency(), rule("r", pays=1)))
    stored = t.stack.stored()
    bad = config(
        currency(), rule("good", pays=5),
        rule("dangling", grant=[grant(1, "gold")]),
        rule("operator", pays=1, when={"frobnicate": [1]}),
        rule("variable", pays=1, when={"==": [var("member.shoe_size"), 44]}),
        {"kind": "level_ladder", "code": "l", "currency": "none", "levels": [{"at": 0}, {"at": 5}, {"at": 5}]},
        rule("later", pays=1, limits=[{"count": 1, "per": "day"}, {"count": 2, "per": "day"}]),
        {"kind": "metric", "code": "m", "zone": "Mars/Olympus"})
    for call in (t.apply, t.validate):
        refused(lambda: call(bad), "invalid-definition", "/definitions/2/grant/0/currency", "/definitions/3/when", "/definitions/4/when",
                "/definitions/5/currency", "/definitions/5/levels/2/at", "/definitions/6/limits/1/per", "/definitions/7/zone")
    assert t.stack.stored() == stored
    assert t.event()["config_version"] == 1


def test_S25_faults_of_one_definition_do_not_hide_each_other(make_tenant):
    """Of shape and of sense, at every depth, across definitions, the window included; also where one definition is put."""
    t = make_tenant(config(currency(), rule("r", pays=1)))
    stored = t.stack.stored()
    one = {"on": ["act", 5], "prioritty": 1, "when": {"frobnicate": [1]}, "cooldown_s": "60",
           "grant": [{"currency": "gold", "amount": 0, "factors": [{"multiply": "2"}, {"when": var("rating"), "multiply": 2}]}]}
    faults = ["/on/1", "/prioritty", "/when", "/cooldown_s", "/grant/0/currency", "/grant/0/amount", "/grant/0/factors/0/multiply",
              "/grant/0/factors/1/when/var"]
    bad = {"definitions": [{"kind": "settings", "late_window_s": 364 * 86400, "colour": "red"}, {"kind": "rule", "code": "r", **one}]}
    pointers = ["/definitions/0/colour", "/definitions/0/late_window_s", *("/definitions/1" + f for f in faults)]
    for call in (t.apply, t.validate):
        refused(lambda: call(bad), "validation-failed", *pointers)
    put = t.call("PUT", "/config/rule/r", {"kind": "boost", "code": "r", **one}, headers={"If-Match": '"v1"'}).problem("validation-failed")
    assert sorted(e["pointer"] for e in put["errors"]) == sorted(["/kind", *faults])
    assert t.stack.stored() == stored


def test_S25_a_fault_of_another_definition_names_its_kind_and_code(make_tenant):
    """Whoever writes one definition did not send the others, nor the document that is judged."""
    asked = rule("task-done", pays=1, when={">": [var("metric.hours.day"), 8]})
    hours = {"kind": "metric", "code": "hours", "periods": ["day"]}
    t = make_tenant(config(currency(), hours, asked, rule("zz", pays=1)))
    stored = t.stack.stored()
    seen = {"If-Match": '"v1"'}

    def faults(call):
        return [(e["pointer"], e["detail"]) for e in call.problem("invalid-definition")["errors"]]
    for change in ({**hours, "periods": ["week"]}, {"periods": ["ever"]}):
        assert faults(t.call("PUT", "/config/metric/hours", change, headers=seen)) == \
            [("/rule/task-done/when/>/0/var", '"metric.hours.day" names a period that the metric does not keep')]
    assert faults(t.call("DELETE", "/config/metric/hours", headers=seen)) == \
        [("/rule/task-done/when/>/0/var", '"metric.hours.day" names a metric that no rule counts and no definition has')]
    assert faults(t.call("DELETE", "/config/currency/points", headers=seen)) == \
        [(f"/rule/{code}/grant/0/currency", 'there is no currency "points"') for code in ("task-done", "zz")]
    # one's own are told by their place in the body, the whole's by the body as a whole
    t.call("PUT", "/config/rule/task-done", {**asked, "definitions": [], "grant": [grant(1, "gold")]}, headers=seen).problem(
        "validation-failed", "/definitions", "/grant/0/currency")
    t.call("PUT", "/config/settings/settings", {"late_window_s": 364 * 86400}).problem("invalid-definition", "/late_window_s")
    assert t.stack.stored() == stored


@pytest.mark.parametrize("document, words", [
    ("{", ["malformed-json"]),
    ('{"definitions":[],"definitions":[]}', ["malformed-json", "/definitions"]),
    ("[]", ["validation-failed"]),
    ("{}", ["validation-failed", "/definitions"]),
    ('{"definitions":{}}', ["validation-failed", "/definitions"]),
    ('{"definitions":[],"rules":[]}', ["validation-failed", "/rules"]),
    ('{"definitions":[5]}', ["validation-failed", "/definitions/0"]),
    ('{"definitions":[{"kind":"streak","code":"x"}]}', ["validation-failed", "/definitions/0/kind"]),
    ('{"definitions":[{"kind":"currency"}]}', ["validation-failed", "/definitions/0/code"]),
    ('{"definitions":[{"kind":"currency","code":"a b"}]}', ["validation-failed", "/definitions/0/code"]),
    ('{"definitions":[{"kind":"currency","code":"x","decay":{}}]}', ["validation-failed", "/definitions/0/decay"]),
    ('{"definitions":[{"kind":"currency","code":"x"},{"kind":"currency","code":"x"}]}', ["invalid-definition", "/definitions/1/code"]),
    ('{"definitions":[{"kind":"settings","zone":"Nowhere"}]}', ["invalid-definition", "/definitions/0/zone"]),
    ('{"definitions":[{"kind":"settings","late_window_s":0}]}', ["validation-failed", "/definitions/0/late_window_s"]),
    ('{"definitions":[{"kind":"currency","code":"x"},{"kind":"rule","code":"r","on":["a"],"grant":[{"currency":"x","amount":0}]}]}',
     ["validation-failed", "/definitions/1/grant/0/amount"]),
    ('{"definitions":[{"kind":"currency","code":"x"},{"kind":"rule","code":"r","on":["a"],"grant":[{"currency":"x","amount":{"random":[5,4]}}]}]}',
     ["validation-failed", "/definitions/1/grant/0/amount/random"]),
    ('{"definitions":[{"kind":"currency","code":"x"},{"kind":"rule","code":"r","on":["a"],"grant":[{"currency":"x","amount":{"random":[0,4]}}]}]}',
     ["validation-failed", "/definitions/1/grant/0/amount/random"]),
    ('{"definitions":[{"kind":"currency","code":"x"},{"kind":"rule","code":"r","on":["a"],"grant":[{"currency":"x","amount":{"random":[1,1001]}}]}]}',
     ["validation-failed", "/definitions/1/grant/0/amount/random"]),
    ('{"definitions":[{"kind":"currency","code":"x"},{"kind":"rule","code":"r","on":["a"],"grant":[{"currency":"x","amount":1000000000000000,'
     '"factors":[{"multiply":2}]}]}]}', ["amount-too-large", "/definitions/1/grant/0"]),
    ('{"definitions":[{"kind":"rule","code":"r","on":["a"]}]}', ["validation-failed", "/definitions/0"]),
    ('{"definitions":[{"kind":"rule","code":"r","on":[],"count":[{"metric":"n","by":1}]}]}', ["validation-failed", "/definitions/0/on"]),
    ('{"definitions":[{"kind":"rule","code":"r","on":["a"],"count":[{"metric":"n","by":0.0001}]}]}', ["validation-failed", "/definitions/0/count/0/by"]),
    ('{"version":"1","definitions":[]}', ["validation-failed", "/version"]),
])
def test_bad_documents_are_refused_and_nothing_is_written(shared_tenant, document, words):
    stored = shared_tenant.stack.stored()
    refused(lambda: shared_tenant.stack.cli("config", "apply", shared_tenant.code, "-", stdin=document), *words)
    assert shared_tenant.stack.stored() == stored


CONFIG = config(currency())


def test_S25_version_is_the_one_it_was_made_from(make_tenant):
    t = make_tenant(config(currency(), rule("r", pays=1)))
    t.apply({"version": 1, **config(currency(), rule("r", pays=2))})
    stored = t.stack.stored()
    refused(lambda: t.apply({"version": 1, **config(currency(), rule("r", pays=3))}), "version-mismatch")
    refused(lambda: t.apply({"version": 7, **config(currency(), rule("r", pays=3))}), "version-mismatch")
    assert t.stack.stored() == stored
    assert t.apply({"version": 2, **config(currency(), rule("r", pays=3))})["version"] == 3


def test_M12_a_plan_says_for_people_what_differs(make_tenant):
    ladder = {"kind": "level_ladder", "code": "career", "currency": "points", "levels": [{"at": 0, "name": "A"}, {"at": 10, "name": "B"}]}
    t = make_tenant(config(currency(), rule("r", pays=5, cooldown_s=60), rule("gone", pays=1), ladder))
    changed = config(currency(name="Points"), rule("r", ["act", "b/c"], pays=6, when={"==": [{"var": "event.data.é"}, 1]}), rule("new", pays=1),
                     {**ladder, "levels": [{"at": 0, "name": "A"}, {"at": 20, "name": "B"}, {"at": 30}]})
    plan = t.call("POST", "/config/plan", changed).ok()
    assert {(c["change"], c["code"]): c["differences"] for c in plan["changes"]} == {
        ("changed", "points"): ['/name: "Points", which is new'],
        ("changed", "r"): ['/on/1: "b/c", which is new', "/grant/0/amount: 6, was 5", "/cooldown_s: gone, was 60",
                           '/when: {"==":[{"var":"event.data.é"},1]}, which is new'],
        ("changed", "career"): ["/levels/1/at: 20, was 10", '/levels/2: {"at":30}, which is new'],
        ("created", "new"): [], ("deleted", "gone"): []}
    assert all("differences" not in change for change in t.apply(changed)["changes"])


def test_M12_what_a_rollback_would_bring_back_can_be_read(make_tenant):
    first, second = config(currency(), rule("r", pays=5)), config(currency())
    t = make_tenant(first)
    assert t.apply(second)["version"] == 2
    was = t.get("/config/versions/1")
    assert was.headers["etag"] == '"v1"' and was.ok() == {"version": 1, "definitions": was.json["definitions"]}
    assert [d["code"] for d in was.json["definitions"]] == ["points", "r"]
    assert t.get("/config/versions/2").body == t.get("/config").body
    assert t.get("/config/versions/0").ok() == {"version": 0, "definitions": []}
    for version in ("3", "-1", "1.0", "x", "9007199254740993", "99999999999999999999"):
        t.get(f"/config/versions/{version}").problem("not-found")
    t.call("POST", "/config/rollback", {"version": 1}, headers={"If-Match": '"v2"', "Idempotency-Key": "back"}).ok()
    assert t.export()["definitions"] == was.json["definitions"]


def test_state_too_large_is_refused(make_tenant):
    t = make_tenant(config(currency()))
    many = [rule("r", pays=1, count=[{"metric": f"m{i}", "by": 1} for i in range(8)])]
    many += [rule(f"r{k}", count=[{"metric": f"m{k}-{i}", "by": 1} for i in range(8)]) for k in range(8)]
    refused(lambda: t.apply(config(currency(), *many)), "state-too-large", "/definitions")


def test_MECHANICS1_window_is_at_most_what_identities_are_kept_for(make_tenant):
    t = make_tenant(config(currency()))
    widest = 90 * 86400 - 300 - 86400
    assert t.apply(config(currency(), late_window_s=widest))["version"] == 2
    refused(lambda: t.apply(config(currency(), late_window_s=widest + 1)), "invalid-definition", "/definitions/0/late_window_s")


def test_S35_a_changed_zone_counts_from_the_next_midnight_of_the_old_one(make_tenant, clock):
    def day_rule(zone):
        return config(currency(daily_cap={"amount": 10}), rule("r", pays=10), zone=zone)

    t = make_tenant(day_rule("UTC"))
    clock.set(at("2030-02-13T20:00"))
    t.apply(day_rule("Asia/Tokyo"))  # there it is the 14th since 15:00 UTC
    (g,) = t.event(time=at("2030-02-13T14:00"))["grants"]
    assert g["amount"] == 10
    denied = t.event(time=at("2030-02-13T19:00"))["denied"][0]  # still the old day
    assert (denied["reason"], denied["next_at"]) == ("capped", "2030-02-14T00:00:00.000Z")
    clock.set(at("2030-02-14T01:00"))
    assert amounts(t.event(time=at("2030-02-14T00:00"))) == [("r", "points", 10)]  # Tokyo's 14th, which began at 15:00 UTC of the 13th
    denied = t.event(time=at("2030-02-14T00:30"))["denied"][0]
    assert (denied["reason"], denied["next_at"]) == ("capped", "2030-02-14T15:00:00.000Z")
    clock.set(at("2030-02-14T16:00"))
    assert amounts(t.event()) == [("r", "points", 10)]


def test_S35_a_zone_change_that_is_taken_back_the_same_day_changes_nothing(make_tenant, clock):
    t = make_tenant(config(currency(), rule("r", pays=1, limits=[{"count": 1, "per": "day"}]), zone="UTC"))
    t.apply(config(currency(), rule("r", pays=1, limits=[{"count": 1, "per": "day"}]), zone="Asia/Tokyo"))
    t.apply(config(currency(), rule("r", pays=1, limits=[{"count": 1, "per": "day"}]), zone="UTC"))
    clock.set(at("2030-02-15T12:00"))
    t.event(time=at("2030-02-15T00:00"))
    assert t.event(time=at("2030-02-15T11:59"))["denied"][0]["next_at"] == "2030-02-16T00:00:00.000Z"


def test_S35_days_of_23_and_25_hours(make_tenant, clock):
    t = make_tenant(config(currency(), rule("r", pays=1, limits=[{"count": 1, "per": "day"}]), zone="Europe/Berlin"))
    for day, start, end in (("2030-03-31", "2030-03-30T23:00", "2030-03-31T22:00"), ("2030-10-27", "2030-10-26T22:00", "2030-10-27T23:00")):
        start, end = at(start), at(end)
        clock.set(end + timedelta(hours=1))
        assert amounts(t.event(time=start)) == [("r", "points", 1)], day
        assert t.event(time=end - timedelta(seconds=1))["denied"][0]["next_at"] == rfc3339(end), day
        assert amounts(t.event(time=end)) == [("r", "points", 1)], day


def test_S35_zone_of_the_member(make_tenant, clock):
    t = make_tenant(config(currency(daily_cap={"amount": 10, "zone": "member"}), rule("r", pays=10)))
    t.join()
    t.member("set", "m", "--zone", "Asia/Tokyo")
    assert [t.show()[k] for k in ("zone_now", "zone_now_of", "zone", "zone_from")] == ["UTC", "tenant", "Asia/Tokyo", "2030-02-14T00:00:00.000Z"]
    assert "  zone         UTC (the tenant's); from 2030-02-14 00:00:00 UTC on: Asia/Tokyo\n" in t.stack.cli("member", "show", t.code, "m")
    # until midnight of the old one; a new member has none, and its first zone counts at once
    clock.set(at("2030-02-14T20:00"))
    assert [t.show()[k] for k in ("zone_now", "zone_now_of", "zone", "zone_from")] == ["Asia/Tokyo", "member", "Asia/Tokyo", None]
    assert amounts(t.event(time=at("2030-02-14T14:59"))) == [("r", "points", 10)]
    assert t.event(time=at("2030-02-14T14:00"))["denied"][0]["next_at"] == "2030-02-14T15:00:00.000Z"
    assert amounts(t.event(time=at("2030-02-14T15:00"))) == [("r", "points", 10)]


def test_S26_a_definition_that_adds_a_period_counts_from_then_on(make_tenant):
    body = [currency(), rule("r", count=[{"metric": "n", "by": 1}])]
    t = make_tenant(config(*body, {"kind": "metric", "code": "n", "periods": ["ever"]}))
    t.event(), t.event()
    assert (t.counter("m", "n"), t.counter("m", "n", "day")) == (2, None)
    t.apply(config(*body, {"kind": "metric", "code": "n", "periods": ["ever", "day"]}))
    t.event()
    assert (t.counter("m", "n"), t.counter("m", "n", "day")) == (3, 1)


def test_S25_what_removed_definitions_leave_comes_back_with_them(make_tenant):
    both = config(currency(), rule("r", pays=1, limits=[{"count": 3, "per": "ever"}], count=[{"metric": "n", "by": 1}]))
    t = make_tenant(both)
    t.event(), t.event()
    t.apply(config(currency()))
    t.event()
    t.apply(both)
    assert t.event()["counters"] == [{"metric": "n", "by": 1, "value": 3}]
    assert t.event()["denied"] == [{"rule": "r", "reason": "limit", "part": "/limits/0"}]


def test_tenants_and_presets_by_the_command(make_tenant, stack):
    t = make_tenant(CALL_CENTER)
    (mine,) = [x for x in stack.cli_json("tenant", "list") if x["tenant"] == t.code]
    assert (mine["status"], mine["config_version"]) == ("active", 1)
    assert rfc3339(NOON)[:16] == mine["created_at"][:16]
    err = refused(lambda: stack.cli("tenant", "create", t.code, "--json"), "tenant-exists")
    assert t.code in err
    headers = {"Idempotency-Key": f"again-{t.code}"}
    taken = t.call("POST", "/tenants", {"tenant": t.code}, key=stack.env["ACCOLADE_OPERATOR_KEY"], headers=headers).problem("tenant-exists")
    assert (taken["status"], taken["detail"], taken["errors"]) == (409, f"there is a tenant {t.code} already", [])
    refused(lambda: stack.cli("tenant", "create", "no such code"), "/tenant")
    said = refused(lambda: stack.cli("tenant", "suspend", "nobody"))
    assert said == "accolade: not-found: there is no tenant nobody\n"  # what was not found, and no word of HTTP
    refused(lambda: stack.cli("tenant", "create", "x", "--preset", "none"), '/preset: there is no preset "none"; there are: call-center')
    refused(lambda: t.apply({"definitions": [{"kind": "streak"}]}), "/definitions/0/kind: there is no such kind; the kinds are settings, metric, currency")
    bad = t.document_file('{"definitions":[{"kind":"currency","code":"x","nonsense":1}]}')
    refused(lambda: stack.cli("tenant", "create", "half-made", "--preset", bad), "/definitions/0/nonsense")
    assert "half-made" not in [x["tenant"] for x in stack.cli_json("tenant", "list")]  # a bad preset leaves no tenant behind
    assert stack.cli_json("tenant", "create", "of-preset", "--preset", "call-center")["config_version"] == 1
    assert len(json.loads(stack.cli("config", "export", "of-preset"))["definitions"]) == len(CALL_CENTER["definitions"])


@pytest.mark.parametrize("args, code", [
    (["--help"], 0), (["tenant", "--help"], 0), (["config", "apply", "--help"], 0), ([], 2), (["frobnicate"], 2), (["tenant", "create"], 2),
    (["tenant", "create", "a", "b"], 2), (["tenant", "list", "--nonsense"], 2), (["key", "create", "demo", "--scopes", "everything"], 2),
    (["key", "create", "demo", "--scopes", "operator"], 2), (["key", "create", "demo", "--expires", "2001-01-01T00:00:00Z"], 2),
    (["member", "erase", "demo", "nobody"], 2), (["member", "show", "demo", "nobody"], 1), (["tenant", "list", "--json"], 0),
])
def test_the_commands_exit_codes(stack, args, code):
    try:
        said, got = stack.cli(*args), 0
    except Failed as failed:
        said, got = failed.err or failed.out, failed.code
    assert got == code and said
