"""Members as resources: made, replaced, merged, suspended, forgotten; listed, searched and filtered; profiles, events, groups, and why a
rule pays them (A10, A16, D5, M9; SEMANTICS 35, 39, 40)."""
import json
from datetime import timedelta
from urllib.parse import quote

import pytest

from accolade import NOON, at, config, currency, grant, parallel, path_id, rfc3339, rule, var

LADDER = {"kind": "level_ladder", "code": "career", "currency": "points",
          "levels": [{"at": 0, "name": "Bronze", "privileges": ["chat"]}, {"at": 100, "name": "Silver", "privileges": ["chat", "gifs"]}, {"at": 300}]}
CONFIG = config(currency(), rule("r", "act", pays=10), LADDER)
FULL = {"type": "agent", "display_name": "Ada Lovelace", "zone": "Europe/Berlin", "attributes": {"city": "Bonn", "tags": ["a", 1]},
        "groups": {"team": ["red", "blue"], "gym": ["north"]}}


def keyed(key):
    return {"Idempotency-Key": key} if key else {}


class People:
    """The members' routes of one tenant."""
    keys = iter(range(10**9))

    def __init__(self, tenant):
        self.t = tenant

    def create(self, member, key=None, **body):
        return self.t.call("POST", "/members", {"member": member, **body}, headers=keyed(key or f"new-{next(self.keys)}"))

    def put(self, member, body, key=None):
        return self.t.call("PUT", f"/members/{path_id(member)}", body, headers=keyed(key))

    def patch(self, member, body, key=None):
        return self.t.call("PATCH", f"/members/{path_id(member)}", body, headers=keyed(key))

    def delete(self, member, key=None):
        return self.t.call("DELETE", f"/members/{path_id(member)}", headers=keyed(key))

    def verb(self, verb, member, key=None):
        return self.t.call("POST", f"/members/{path_id(member)}/{verb}", headers=keyed(key or f"verb-{next(self.keys)}"))

    def get(self, member, what="", **query):
        return self.t.get(f"/members/{path_id(member)}{what}", **query)

    def page(self, **query):
        answer = self.t.get("/members", **query).ok()
        assert set(answer) == {"data", "next_cursor"}
        return answer

    def all(self, path="/members", **query):
        """Ids of all pages, in order."""
        ids, cursor = [], None
        while True:
            answer = self.t.get(path, **query, **({"cursor": cursor} if cursor else {})).ok()
            ids += [m["member"] for m in answer["data"]]
            cursor = answer["next_cursor"]
            if cursor is None:
                return ids

    def audit(self):
        """(action, actor, detail) of all that was done to members, oldest first."""
        lines = [line for line in reversed(self.t.get("/audit").ok()["data"]) if line["action"].startswith("member.")]
        return [(line["action"], line["actor"], line["detail"]) for line in lines]


@pytest.fixture
def people(make_tenant):
    return People(make_tenant(CONFIG))


def member(name, **more):
    return {"member": name, "status": "active", "type": None, "display_name": None, "zone": None, "zone_from": None, "attributes": {}, "groups": {}, **more}


# ---- writing ----

def test_post_makes_a_member_once(people):
    made = people.create("a/b c", "k1", **FULL).ok(201)
    assert made == member("a/b c", **FULL)
    assert people.get("a/b c").ok() == made
    again = people.create("a/b c", "k1", **FULL)
    assert again.replayed and again.ok(201) == made
    people.create("a/b c", "k1").problem("idempotency-key-reused")
    people.create("a/b c", "k2").problem("member-exists")
    people.t.call("POST", "/members", {"member": "x"}).problem("idempotency-key-missing")
    people.t.event("by-event")
    people.create("by-event").problem("member-exists")
    people.get("x").problem("member-not-found")


def test_semantics_8_a_repeat_gets_the_first_answer_whatever_changed_since(people):
    first = people.put("m", {"type": "agent", "attributes": {"n": 1.5, "text": "ä\"\\"}}, "k")
    assert first.status == 201 and not first.replayed
    people.put("m", FULL).ok()
    people.verb("suspend", "m").ok()
    again = people.put("m", {"type": "agent", "attributes": {"n": 1.5, "text": "ä\"\\"}}, "k")
    assert (again.status, again.body, again.replayed) == (201, first.body, True)
    people.put("m", {}, "k").problem("idempotency-key-reused")
    people.patch("m", {"type": "agent"}, "k").ok()  # another route is another scope


def test_put_replaces_all_of_it(people):
    assert people.put("m", FULL).ok(201) == member("m", **FULL)
    assert people.put("m", {"display_name": "Ada", "zone": "Europe/Berlin"}).ok() == member("m", display_name="Ada", zone="Europe/Berlin")
    back = people.get("m").ok()
    assert people.put("m", {k: back[k] for k in FULL}).ok() == back  # what was read can be sent back


def test_patch_merges(people):
    people.patch("m", {"type": "x"}).problem("member-not-found")
    people.put("m", {**FULL, "attributes": {"a": {"b": 1, "c": 2}, "d": 3, "e": [1]}}).ok(201)
    merged = people.patch("m", {"type": None, "attributes": {"a": {"c": None, "n": {"x": None, "y": 1}}, "d": None, "e": {"f": 1}},
                                "groups": {"team": ["green"], "gym": None, "club": ["k"]}}).ok()
    assert merged == member("m", display_name="Ada Lovelace", zone="Europe/Berlin", attributes={"a": {"b": 1, "n": {"y": 1}}, "e": {"f": 1}},
                            groups={"team": ["green"], "club": ["k"]})
    assert people.patch("m", {}).ok() == merged
    assert people.patch("m", {"attributes": None, "groups": None, "display_name": None}).ok() == member("m", zone="Europe/Berlin")


@pytest.mark.parametrize("body, pointers", [
    ({"type": "no code"}, ["/type"]),
    ({"type": 5, "zone": "Mars/Crater", "display_name": "", "attributes": [], "groups": "red"}, ["/type", "/zone", "/display_name", "/attributes", "/groups"]),
    ({"display_name": "x" * 201}, ["/display_name"]),
    ({"display_name": "a\u0007"}, ["/display_name"]),
    ({"attributes": {"a": "x" * 8192}}, ["/attributes"]),
    ({"groups": {"team": "red"}}, ["/groups/team"]),
    ({"groups": {"no kind": ["red"], "team": ["red", "no code", 5, "red"]}}, ["/groups/no kind", "/groups/team/1", "/groups/team/2", "/groups/team/3"]),
    ({"groups": {"team": [f"t{i}" for i in range(65)]}}, ["/groups"]),
    ({"groups": {f"k{i}": ["a", "b", "c", "d", "e"] for i in range(13)}}, ["/groups"]),
    ({"unknown": 1, "status": "suspended"}, ["/unknown", "/status"]),
])
def test_inv13_what_a_member_cannot_have_is_refused_with_its_place(people, body, pointers):
    before = people.t.stack.stored()
    people.put("m", body).problem("validation-failed", *pointers)
    people.create("m", **body).problem("validation-failed", *pointers)
    people.patch("m", body).problem("validation-failed", *pointers)
    assert people.t.stack.stored() == before


def test_a_patch_may_say_what_it_is(people):
    people.put("m", FULL)
    for kind, change in (("application/merge-patch+json", "lead"), ("application/merge-patch+json; charset=utf-8", "agent")):
        done = people.t.call("PATCH", "/members/m", {"type": change}, headers={"Content-Type": kind})
        assert done.ok()["type"] == change
    refused = people.t.call("PATCH", "/members/m", {"type": "x"}, headers={"Content-Type": "application/json-patch+json"})
    assert "application/merge-patch+json" in refused.problem("unsupported-media-type")["detail"]
    people.t.call("PUT", "/members/m", {}, headers={"Content-Type": "application/merge-patch+json"}).problem("unsupported-media-type")


def test_a_merge_is_held_to_the_same_limits(people):
    people.put("m", {"attributes": {"a": "x" * 5000}, "groups": {"a": [f"a{i}" for i in range(60)]}}).ok(201)
    people.patch("m", {"attributes": {"b": "x" * 5000}}).problem("validation-failed", "/attributes")
    people.patch("m", {"groups": {"b": [f"b{i}" for i in range(5)]}}).problem("validation-failed", "/groups")
    people.put("m", {"groups": {"a": None}}).problem("validation-failed", "/groups/a")  # null is for merging only
    assert len(people.patch("m", {"groups": {"b": [f"b{i}" for i in range(4)]}}).ok()["groups"]["b"]) == 4


def test_semantics_35_the_first_zone_counts_at_once_another_from_midnight(people, clock):
    assert people.put("m", {"zone": "Asia/Tokyo"}).ok(201)["zone_from"] is None
    assert people.t.show("m")["zone"] == "Asia/Tokyo"
    changed = people.patch("m", {"zone": "Europe/Berlin"}).ok()
    assert (changed["zone"], changed["zone_from"]) == ("Europe/Berlin", "2030-02-13T15:00:00.000Z")  # midnight in Tokyo
    people.patch("m", {"zone": None}).problem("validation-failed", "/zone")
    assert people.patch("m", {"zone": "Europe/Berlin", "type": "x"}).ok()["zone_from"] == "2030-02-13T15:00:00.000Z"
    clock.set(at("2030-02-13T15:00"))
    assert people.get("m").ok()["zone_from"] is None
    assert people.t.show("m")["zone"] == "Europe/Berlin"
    people.t.event("old")
    assert people.put("old", {"zone": "Asia/Tokyo"}).ok()["zone_from"] == "2030-02-14T00:00:00.000Z"  # the tenant's zone is its former one


def test_suspended_members_earn_nothing_until_restored(people):
    people.put("m", FULL).ok(201)
    assert people.verb("suspend", "m", "k").ok() == member("m", status="suspended", **FULL)
    assert people.t.event("m")["denied"] == [{"rule": "r", "reason": "suspended"}]
    assert people.verb("restore", "m").ok() == member("m", **FULL)
    again = people.verb("suspend", "m", "k")
    assert again.replayed and again.ok()["status"] == "suspended"
    assert people.get("m").ok()["status"] == "active"
    assert people.t.event("m")["grants"][0]["amount"] == 10
    people.verb("suspend", "nobody").problem("member-not-found")
    people.t.call("POST", "/members/m/suspend").problem("idempotency-key-missing")


def test_semantics_39_delete_forgets_the_member(people):
    people.put("m", FULL).ok(201)
    event = people.t.event_body("m")
    people.t.post(event).ok()
    gone = people.delete("m", "k")
    assert (gone.status, gone.body) == (204, b"")
    again = people.delete("m", "k")
    assert (again.status, again.body, again.replayed) == (204, b"", True)
    people.delete("m").problem("member-not-found")
    for what in ("", "/profile", "/points", "/events"):
        people.get("m", what).problem("member-not-found")
    people.t.post(event).problem("erased")
    assert people.all() == people.all(type="agent") == people.all("/groups/team/red/members") == []
    assert people.t.stack.sql("SELECT COUNT(*) FROM member_profile WHERE tenant_id = %s", people.t.id)[0][0] == 0
    people.t.event("m")  # the same id later is a new member
    assert people.get("m").ok() == member("m")


def test_m9_each_change_has_its_line_in_the_log_without_what_was_changed(people):
    actor = people.t.key.split("_")[2]
    people.create("m", **FULL).ok(201)
    people.put("m", {"type": "x"}).ok()
    people.patch("m", {"attributes": {"secret-name": 1}}, "k").ok()
    people.patch("m", {"attributes": {"secret-name": 1}}, "k").ok()  # a repeat changes nothing
    people.verb("suspend", "m").ok()
    people.verb("restore", "m").ok()
    people.t.adjust("m", 5).ok(201)
    people.t.member("set", "m", "--type", "lead")
    people.patch("m", {"type": "no code"}).problem("validation-failed")
    assert people.delete("m").status == 204
    every = {"fields": ["type", "display_name", "zone", "attributes", "groups"]}
    assert people.audit() == [
        ("member.create", actor, every), ("member.set", actor, every), ("member.set", actor, {"fields": ["attributes"]}),
        ("member.suspend", actor, None), ("member.restore", actor, None), ("member.adjust", actor, {"currency": "points", "amount": 5}),
        ("member.set", "command", {"fields": ["type"]}), ("member.erase", actor, None)]
    assert "secret" not in json.dumps(people.t.get("/audit").ok())


def test_m9_the_log_names_members_by_their_ids_until_they_are_erased(people):
    """The line has the member's number; whose that is is looked up for those who may read members. Of an erased one nobody can tell."""
    people.create("ada lovelace").ok(201)
    people.create("m").ok(201)
    people.t.adjust("m", 5).ok(201)

    def names(key=None):
        lines = people.t.call("GET", "/audit", key=key).ok()["data"]
        return [(line["action"], line["member"]) for line in lines if line["target"].startswith("member/")]

    assert names() == [("member.adjust", "m"), ("member.create", "m"), ("member.create", "ada lovelace")]
    assert names(people.t.new_key("config:read")) == [(action, None) for action, _ in names()]
    assert people.delete("ada lovelace").status == 204
    assert names() == [("member.erase", None), ("member.adjust", "m"), ("member.create", "m"), ("member.create", None)]
    assert "lovelace" not in json.dumps(people.t.get("/audit").ok())
    people.create("ada lovelace").ok(201)  # somebody new of that id
    assert names()[0] == ("member.create", "ada lovelace") and names()[-1] == ("member.create", None)
    assert {line["member"] for line in people.t.get("/audit").ok()["data"] if not line["target"].startswith("member/")} == {None}


def test_m9_an_operators_doing_stands_in_both_logs(people):
    """In the tenant's own, whom it concerns, and in the operators', which say in which tenant."""
    stack, code = people.t.stack, people.t.code
    operator, prefix = stack.env["ACCOLADE_OPERATOR_KEY"], f"tenant/{people.t.code}"

    def ask(method, path, **more):
        return stack.http.send(method, "/v1" + path, json.dumps(more["body"]).encode() if "body" in more else None, {
            "Authorization": f"Bearer {operator}", "Content-Type": "application/json", **({"Idempotency-Key": more["key"]} if "key" in more else {})})

    made = ask("POST", f"/tenants/{code}/keys", body={"name": "n", "scopes": ["members:read"]}, key=f"k-{code}").ok(201)["key_id"]
    assert ask("POST", f"/tenants/{code}/keys", body={"name": "n", "scopes": ["members:read"]}, key=f"k-{code}").replayed
    ask("POST", f"/tenants/{code}/keys/{made}/rotate", body={}, key=f"r-{code}").ok()
    assert ask("DELETE", f"/tenants/{code}/keys/{made}").status == 204
    ask("POST", f"/tenants/{code}/suspend", key=f"s-{code}").ok()
    ask("POST", f"/tenants/{code}/restore", key=f"b-{code}").ok()
    actor = operator.split("_")[2]
    keys = [(action, actor, f"key/{made}") for action in ("key.revoke", "key.rotate", "key.create")]
    both = [("tenant.restore", actor, prefix), ("tenant.suspend", actor, prefix)]
    own = [(line["action"], line["actor"], line["target"]) for line in people.t.get("/audit").ok()["data"]]
    assert own[:5] == both + keys and own[-1] == ("tenant.create", "command", prefix)
    lines, page = [], ask("GET", "/audit?limit=200").ok()  # all pages: other tests have done things at later times of the clock
    while lines.extend(page["data"]) or page["next_cursor"]:
        page = ask("GET", f"/audit?limit=200&cursor={page['next_cursor']}").ok()
    theirs = [line for line in lines if line["target"].split("/")[:2] == ["tenant", code]]
    assert [(line["action"], line["actor"], line["target"]) for line in theirs[:5]] == \
        both + [(action, actor, f"{prefix}/{target}") for action, _, target in keys]
    assert theirs[4]["detail"]["key"] is None and theirs[4]["detail"]["key_id"] == made and {line["member"] for line in theirs} == {None}


def test_inv12_many_writers_of_one_new_member_make_one(people):
    answers = parallel(8, lambda i: people.put("m", {"attributes": {"n": i}}))
    assert sorted(a.status for a in answers) == [200] * 7 + [201]
    assert people.get("m").ok()["attributes"] in [{"n": i} for i in range(8)]
    answers = parallel(8, lambda i: people.create("n", attributes={"n": i}))
    assert sorted(a.status for a in answers) == [201] + [409] * 7


# ---- lists ----

def fill(people):
    people.put("anna", {"type": "agent", "display_name": "Zoë", "attributes": {"city": "Bonn", "vip": True, "n": 5, "address": {"zip": "53111"}},
                        "groups": {"team": ["red"]}}).ok(201)
    people.put("bob", {"type": "agent", "display_name": "Anna's brother", "attributes": {"city": "Köln", "tags": ["old", "loud"]},
                       "groups": {"team": ["red", "blue"], "gym": ["red"]}}).ok(201)
    people.put("carl", {"type": "lead", "display_name": "Carl 100%", "groups": {"gym": ["red"]}}).ok(201)
    people.t.event("dora")
    people.t.event("annabel")
    people.verb("suspend", "bob").ok()
    people.verb("suspend", "dora").ok()


EVERYBODY = ["anna", "annabel", "bob", "carl", "dora"]


@pytest.mark.parametrize("query, found", [
    ({}, EVERYBODY),
    ({"search": "ann"}, ["anna", "annabel", "bob"]),
    ({"search": "anna"}, ["anna", "annabel", "bob"]),
    ({"search": "zoe"}, ["anna"]),
    ({"search": "ZOË"}, ["anna"]),
    ({"search": "brother"}, ["bob"]),
    ({"search": "100%"}, ["carl"]),
    ({"search": "0_%"}, []),
    ({"search": "Carl"}, ["carl"]),
    ({"search": "nobody"}, []),
    ({"type": "agent"}, ["anna", "bob"]),
    ({"type": "lead"}, ["carl"]),
    ({"type": "none"}, []),
    ({"status": "suspended"}, ["bob", "dora"]),
    ({"status": "active"}, ["anna", "annabel", "carl"]),
    ({"type": "agent", "status": "active"}, ["anna"]),
    ({"attribute": "city:Bonn"}, ["anna"]),
    ({"attribute": "city:Köln"}, ["bob"]),
    ({"attribute": "tags:loud"}, ["bob"]),
    ({"attribute": "vip:true"}, ["anna"]),
    ({"attribute": "n:5"}, ["anna"]),
    ({"attribute": "n:5.0"}, ["anna"]),
    ({"attribute": "n:6"}, []),
    ({"attribute": "address.zip:53111"}, ["anna"]),
    ({"group": "team/red"}, ["anna", "bob"]),
    ({"group": "gym/red"}, ["bob", "carl"]),
    ({"group": "red/team"}, []),
    ({"group": "team/red", "type": "agent", "status": "suspended", "search": "bro", "attribute": "city:Köln"}, ["bob"]),
    ({"type": "agent", "search": "anna"}, ["anna", "bob"]),
])
def test_members_are_found_by_what_they_are(people, query, found):
    fill(people)
    assert sorted(people.all(**query)) == found
    assert sorted(people.all(limit=1, **query)) == found  # page by page, each once
    if not query:
        assert people.all(limit=2) == found  # by id


def test_members_of_other_tenants_and_keys_without_a_state_are_in_no_list(people, make_tenant):
    other = People(make_tenant(CONFIG))
    fill(other)
    assert people.all() == people.all(search="anna") == people.all(type="agent") == people.all("/groups/team/red/members") == []
    assert people.get("anna").problem("member-not-found")


def test_a_list_shows_what_the_member_shows(people):
    fill(people)
    listed = people.page()["data"]
    assert listed == [people.get(name).ok() for name in EVERYBODY]
    assert [m["display_name"] for m in people.page(type="agent", search="anna")["data"]] in (["Zoë", "Anna's brother"], ["Anna's brother", "Zoë"])


def test_changes_are_seen_by_the_next_list(people):
    fill(people)
    people.patch("bob", {"type": "lead", "groups": {"team": ["green"]}}).ok()
    people.verb("restore", "dora").ok()
    people.t.member("set", "annabel", "--type", "agent", "--groups", '{"team":["red"]}')
    people.t.member("suspend", "carl")
    assert sorted(people.all(type="agent")) == ["anna", "annabel"]
    assert sorted(people.all(type="lead")) == ["bob", "carl"]
    assert sorted(people.all(status="suspended")) == ["bob", "carl"]
    assert sorted(people.all("/groups/team/red/members")) == ["anna", "annabel"]
    assert people.all("/groups/team/green/members") == ["bob"]
    assert people.all("/groups/team/none/members") == []


def test_a_page_looks_through_a_bounded_number_and_goes_on_from_there(people):
    people.t.events([people.t.event_body(f"m{i:04}") for i in range(1000)])
    t = people.t.id
    people.t.stack.sql("INSERT INTO member_profile (tenant_id, member_no, display_name, attributes, member_groups) "
                       "SELECT tenant_id, member_no, '', IF(external_id = 'm0777', '{\"x\":1}', ''), '' FROM member_key WHERE tenant_id = %s", t)
    pages, cursor = [], None
    while not pages or cursor:
        answer = people.page(attribute="x:1", limit=1, **({"cursor": cursor} if cursor else {}))
        cursor = answer["next_cursor"]
        pages.append([m["member"] for m in answer["data"]])
    assert sum(pages, []) == ["m0777"] and len(pages) <= 2
    assert len(people.all(limit=200)) == 1000


@pytest.mark.parametrize("query", ["search=", "search=" + "x" * 129, "type=no%20code", "status=erased", "attribute=city", "attribute=:x", "group=team", "group=/red",
                                   "group=a%20b/red", "limit=0", "limit=201", "nonsense=1"])
def test_inv13_filters_that_mean_nothing_are_refused(people, query):
    people.t.call("GET", "/members?" + query).problem("bad-request")


def test_cursors_belong_to_their_list(people):
    fill(people)
    by_id = people.page(limit=1)["next_cursor"]
    by_number = people.page(type="agent", limit=1)["next_cursor"]
    for query in (f"cursor={by_id}&type=agent", f"cursor={by_number}", "cursor=", "cursor=xyz", f"cursor={by_id}x"):
        people.t.call("GET", "/members?" + query).problem("invalid-cursor")


# ---- profiles and groups ----

def test_d5_a_profile_has_points_levels_and_privileges(people):
    people.put("m", FULL).ok(201)
    for _ in range(12):
        people.t.event("m")
    profile = people.get("m", "/profile").ok()
    assert profile == {**member("m", **FULL), "points": people.get("m", "/points").ok()["currencies"], "levels": people.get("m", "/levels").ok()["levels"],
                       "privileges": ["chat", "gifs"]}
    assert profile["points"][0]["available"] == 120
    assert {k: profile["levels"][0][k] for k in ("level", "name", "xp_in_level", "xp_to_next", "progress")} == {
        "level": 2, "name": "Silver", "xp_in_level": 20, "xp_to_next": 180, "progress": 10}


def test_groups_can_be_used_in_conditions_and_audiences(make_tenant):
    t = make_tenant(config(currency(), rule("red", when={"in": ["red", var("member.groups.team")]}, pays=1),
                           rule("north", audience={"when": {"in": ["north", var("member.groups.gym")]}}, pays=2)))
    people = People(t)
    people.put("m", {"groups": {"team": ["blue", "red"]}}).ok(201)
    outcome = t.event("m")
    assert [g["rule"] for g in outcome["grants"]] == ["red"] and outcome["denied"][0]["reason"] == "audience"
    people.patch("m", {"groups": {"team": None, "gym": ["north"]}}).ok()
    outcome = t.event("m")
    assert [g["rule"] for g in outcome["grants"]] == ["north"] and outcome["denied"][0]["reason"] == "condition"


# ---- events ----

def events_of(people, name, **query):
    """Every event, page by page."""
    found, cursor, pages = [], None, 0
    while not pages or cursor:
        answer = people.get(name, "/events", **query, **({"cursor": cursor} if cursor else {})).ok()
        found, cursor, pages = found + answer["data"], answer["next_cursor"], pages + 1
    return found, pages


def test_a_members_events_come_newest_first_each_with_its_outcome(people, clock):
    people.put("m", FULL).ok(201)
    sent = []
    for day in range(4):
        clock.set(NOON + timedelta(days=day))
        for i in range(3):
            body = people.t.event_body("m", data={"n": i}, context={"reference": f"order-{day}-{i}"}, time=NOON + timedelta(days=day, seconds=i - 5))
            sent.append((body, people.t.post(body).ok()))
        people.t.adjust("m", 1).ok(201)  # not an event
        people.t.event("other")
    for limit in (1, 2, 3, 5, 12, 50):
        found, pages = events_of(people, "m", limit=limit)
        assert [e["outcome"] for e in found] == [outcome for _, outcome in reversed(sent)]
        assert pages == (len(sent) + limit - 1) // limit
    for shown, (body, _) in zip(found, reversed(sent)):
        assert shown["event"] == {**{k: body[k] for k in ("source", "id", "type", "time", "data", "context")}}
    assert found[0]["settled_at"].startswith("2030-02-16T12:00:0")


def test_events_under_former_configurations_keep_their_outcomes(people):
    first = people.t.event("m", data={"a": 1})
    people.t.apply(config(currency(), rule("other", "act", pays=1)))
    second = people.t.event("m")
    assert [e["outcome"] for e in people.get("m", "/events").ok()["data"]] == [second, first]


def test_events_that_come_while_paging_move_nothing(people):
    for _ in range(6):
        people.t.event("m")
    before, _ = events_of(people, "m")
    page = people.get("m", "/events", limit=2).ok()
    people.t.event("m")
    rest = people.get("m", "/events", limit=50, cursor=page["next_cursor"]).ok()
    assert page["data"] + rest["data"] == before
    people.get("m", "/events", cursor="nonsense").problem("invalid-cursor")
    people.get("nobody", "/events").problem("member-not-found")


# ---- why ----

RULES = config(
    currency(daily_cap={"amount": 25}), currency("xp"),
    rule("limited", pays=10, limits=[{"count": 1, "per": "hour"}], cooldown_s=60),
    rule("rated", when={">": [var("event.data.rating"), 3]}, grant=[grant(1, "xp", factors=[{"when": {"==": [var("event.data.rating"), 5]}, "multiply": 2}])]),
    rule("agents", audience={"types": ["agent"]}, when={">=": [var("metric.calls.day"), 1]}, grant=[grant(1, "xp")], count=[{"metric": "calls", "by": 1}]))


@pytest.fixture
def asked(make_tenant):
    return People(make_tenant(RULES))


def checks(answer, *names):
    return [{k: v for k, v in c.items() if k != "check"} for c in answer["checks"] if c["check"] in names]


def test_a16_why_says_when_a_rule_next_can_pay(asked, clock):
    asked.t.event("m", time=NOON)
    clock.set(NOON + timedelta(seconds=30))
    why = asked.get("m", "/why", rule="limited").ok()
    assert (why["member"], why["rule"], why["config_version"], why["would_pay"]) == ("m", "limited", 1, False)
    assert why["next_at"] == "2030-02-13T13:00:00.000Z" and why["last_paid_at"] == rfc3339(NOON)
    assert checks(why, "limit") == [{"passed": False, "per": "hour", "used": 1, "of": 1, "resets_at": "2030-02-13T13:00:00.000Z"}]
    assert checks(why, "cooldown") == [{"passed": False, "cooldown_s": 60, "next_at": "2030-02-13T12:01:00.000Z"}]
    assert checks(why, "cap") == [{"passed": True, "currency": "points", "amount": 25, "used": 10, "left": 15, "resets_at": "2030-02-14T00:00:00.000Z"}]
    later = asked.get("m", "/why", rule="limited", at="2030-02-13T14:00:00+01:00").ok()
    assert (later["at"], later["would_pay"], later["next_at"]) == ("2030-02-13T13:00:00.000Z", True, "2030-02-13T13:00:00.000Z")


def test_a16_what_hangs_on_the_event_is_open_unless_it_is_given(asked):
    asked.t.event("m", data={"rating": 4})
    why = asked.get("m", "/why", rule="rated").ok()
    assert (why["would_pay"], checks(why, "condition")) == (None, [{"passed": None, "values": {}, "needs": ["event.data.rating"]}])
    assert checks(why, "amount") == [{"passed": True, "currency": "xp", "least": 1, "most": 2, "needs": ["event.data.rating"]}]
    given = asked.get("m", "/why", rule="rated", data='{"rating":5}').ok()
    assert given["would_pay"] is True and checks(given, "amount") == [{"passed": True, "currency": "xp", "amount": 2}]
    low = asked.get("m", "/why", rule="rated", data='{"rating":1}', type="chat").ok()
    assert low["would_pay"] is False
    assert checks(low, "condition") == [{"passed": False, "values": {"event.data.rating": 1}, "part": "/when"}]
    assert checks(low, "type") == [{"passed": False, "type": "chat", "on": ["act"]}]
    assert why["last_paid_at"] is not None  # found among the member's outcomes: the rule has no cooldown


def test_a16_what_was_paid_long_ago_is_not_said_to_be_never(asked, clock):
    asked.t.event("m", data={"rating": 5})
    asked.t.event("m", "call")
    never = asked.get("m", "/why", rule="agents").ok()
    assert (never["last_paid_at"], never["last_paid_unknown_before"]) == (None, None)  # all that ever was has been looked at
    clock.advance(minutes=1)
    asked.t.events([asked.t.event_body("m", "call") for _ in range(400)])
    long_ago = asked.get("m", "/why", rule="rated").ok()
    assert long_ago["last_paid_at"] is None and long_ago["last_paid_unknown_before"] >= rfc3339(NOON + timedelta(minutes=1))
    limited = asked.get("m", "/why", rule="limited").ok()  # which has a cooldown, and keeps the time
    assert limited["last_paid_at"] is not None and limited["last_paid_unknown_before"] is None


def test_a16_audiences_and_conditions_with_the_members_own_values(asked):
    asked.t.event("m")
    why = asked.get("m", "/why", rule="agents").ok()
    assert why["would_pay"] is False and why["next_at"] is None and why["last_paid_at"] is None
    assert checks(why, "audience") == [{"passed": False, "type": None, "types": ["agent"]}]
    asked.patch("m", {"type": "agent"}).ok()
    assert checks(asked.get("m", "/why", rule="agents").ok(), "condition") == [{"passed": False, "values": {"metric.calls.day": 0}, "part": "/when"}]


def test_a16_it_agrees_with_the_next_event(asked, clock):
    for step in range(12):
        clock.set(NOON + timedelta(minutes=25 * step))
        why = asked.get("m", "/why", rule="limited")
        would = why.ok()["would_pay"] if why.status == 200 else True  # the first event makes the member
        assert any(g["rule"] == "limited" for g in asked.t.event("m")["grants"]) is would, step


def test_inv13_questions_that_mean_nothing(asked):
    asked.t.event("m")
    asked.get("m", "/why").problem("bad-request")
    asked.get("m", "/why", rule="no code").problem("bad-request")
    asked.get("m", "/why", rule="unknown").problem("not-found")
    asked.get("nobody", "/why", rule="limited").problem("member-not-found")
    for query in ("data=5", "data={", "at=now", "type=", "at=1990-01-01T00:00:00Z"):
        asked.t.call("GET", "/members/m/why?rule=limited&" + quote(query, safe="=")).problem("bad-request")
