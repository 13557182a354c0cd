"""Conditions (DESIGN 3: strong ETags on the configuration and on what is kept of a member, weak ones on what a member has): If-None-Match
and 304, If-Match and 412."""
import json
import re

import pytest

from accolade import config, currency, rule
from fastcgi import ask, message
from generated import DESCRIPTION, ROUTES

CONFIG = config(currency(), rule("r", pays=5), {"kind": "level_ladder", "code": "career", "currency": "points", "levels": [{"at": 0}, {"at": 12}]})
PATHS = {name: route["pattern"].removeprefix("/v1").format(member="m", kind="rule", code="r", version=1) for name, route in ROUTES.items()
         if route["etag"] != "none"}
OF_MEMBERS = [name for name in PATHS if ROUTES[name]["etag"] == "body"]
EXACT = [name for name in PATHS if ROUTES[name]["etag"] == "exact"]
OF_CONFIG = [name for name in PATHS if ROUTES[name]["etag"] == "version"]


def known(t, path, etag, **more):
    return t.call("GET", path, headers={"If-None-Match": etag}, **more)


def change(t, name):
    """Something that the answer of this route shows."""
    if name in OF_CONFIG:
        t.apply(config(currency(), rule("r", pays=6)))
    elif name == "get_member":
        t.member("set", "m", "--type", "senior")
    else:
        t.event()


def test_which_answers_have_one():
    assert sorted(OF_CONFIG) == ["get_config", "get_config_version", "get_definition", "list_definitions"]
    assert sorted(OF_MEMBERS) == ["get_member_levels", "get_member_points", "get_member_profile"] and EXACT == ["get_member"]
    assert all("304" in DESCRIPTION.operations[name].answers for name in PATHS)


@pytest.mark.parametrize("name", PATHS)
def test_what_the_client_has_already_is_304_until_it_changes(make_tenant, name):
    t = make_tenant(CONFIG)
    t.event()
    first = t.get(PATHS[name])
    etag = first.headers["etag"]
    assert etag.startswith('"v' if name in OF_CONFIG else '"' if name in EXACT else 'W/"')
    assert (first.headers["cache-control"], first.headers["vary"]) == ("private, no-cache", "Authorization")
    for field in (etag, f'"x", {etag}', "*", etag.removeprefix("W/"), "W/" + etag.removeprefix("W/")):
        same = known(t, PATHS[name], field)
        assert (same.status, same.body, same.headers["etag"]) == (304, b"", etag), field
        assert "content-type" not in same.headers and same.headers["x-request-id"]
    for field in ('"x"', 'W/"x", "y"', etag.strip("W/").strip('"'), '"', ""):
        assert known(t, PATHS[name], field).body == first.body, field
    change(t, name)
    if name == "get_config_version":  # what it was stays what it was
        assert known(t, PATHS[name], etag).status == 304 and known(t, "/config/versions/2", etag).ok()["version"] == 2
        return
    second = known(t, PATHS[name], etag)
    assert second.status == 200 and second.body != first.body and second.headers["etag"] != etag
    assert known(t, PATHS[name], second.headers["etag"]).status == 304


def test_a_refusal_has_no_etag_and_is_never_304(make_tenant):
    t = make_tenant(CONFIG)
    for path, code in (("/members/nobody/profile", "member-not-found"), ("/config/rule/none", "not-found")):
        answer = known(t, path, "*")
        answer.problem(code)
        assert "etag" not in answer.headers and answer.headers["cache-control"] == "no-store"
    known(t, "/config", "*", key=t.key[:-1] + "x").problem("unauthenticated")


def test_equal_members_of_two_tenants_are_compared_each_for_itself(make_tenant):
    one, other = make_tenant(CONFIG), make_tenant(CONFIG)
    one.event(), other.event()
    etag = one.get("/members/m/points").headers["etag"]
    other.event()
    assert known(one, "/members/m/points", etag).status == 304
    assert known(other, "/members/m/points", etag).ok()["currencies"][0]["balance"] == 10


@pytest.mark.parametrize("name", PATHS)
def test_reading_under_the_condition_that_it_is_still_the_same(make_tenant, name):
    t = make_tenant(CONFIG)
    t.event()
    first = t.get(PATHS[name])
    etag, strong = first.headers["etag"], name not in OF_MEMBERS
    for field, same in ((etag, strong), (f'"x", {etag}', strong), ("*", True), ('"x"', False), ("W/" + etag.removeprefix("W/"), False)):
        answer = t.call("GET", PATHS[name], headers={"If-Match": field})
        assert answer.body == first.body if same else answer.problem("version-mismatch"), field


def writes(t):
    """Each way to change a member, by what it may be sent with."""
    return {"PUT": lambda **more: t.call("PUT", "/members/m", {"type": "junior"}, **more),
            "PATCH": lambda **more: t.call("PATCH", "/members/m", {"attributes": {"city": "Bonn"}}, **more),
            "DELETE": lambda **more: t.call("DELETE", "/members/m", **more)}


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_a_member_is_changed_only_as_it_was_seen(make_tenant, method):
    """Somebody else was quicker: the late change is refused and does nothing; from what is there now, it is done, and a repeat is answered
    though the member has another ETag by then."""
    t = make_tenant(CONFIG)
    t.event()
    write = writes(t)[method]
    stale = t.get("/members/m").headers["etag"]
    t.event()  # what a member has is not what is kept of it
    assert t.get("/members/m").headers["etag"] == stale
    t.member("set", "m", "--type", "senior")
    now = t.get("/members/m")
    before = t.stack.stored()
    for field in (stale, f'{stale}, "x"', "W/" + now.headers["etag"]):
        write(headers={"If-Match": field}).problem("version-mismatch")
    assert t.get("/members/m").body == now.body and t.stack.stored() == before
    headers = {"If-Match": now.headers["etag"], "Idempotency-Key": "once"}
    done = write(headers=headers)
    assert done.status in (200, 204) and not done.replayed
    again = write(headers=headers)
    assert (again.status, again.body, again.replayed) == (done.status, done.body, True)
    if method != "DELETE":
        assert write(headers={"If-Match": "*"}).status == 200
    else:
        write(headers={"If-Match": "*"}).problem("member-not-found")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_an_empty_condition_is_none_that_holds(make_tenant, method):
    """Whether the web server passes it on or not; and one that came twice is not half looked at."""
    t = make_tenant(CONFIG)
    t.event()
    before = t.stack.stored()
    for field in ("", " ", ",", "v7", '"x'):
        writes(t)[method](headers={"If-Match": field}).problem("bad-request")
    socket = re.search(r"^api_socket = (.+)$", (t.stack.dir / "accolade.conf").read_text(), re.M)[1]
    body = b"" if method == "DELETE" else b"{}"
    for params in ({"HTTP_IF_MATCH": ""}, {"HTTP_IF_MATCH": "*", "http_if_match": "*"}):
        sent = message(method, "/v1/members/m", body, key=t.key, **params).replace(b"http_if_match", b"HTTP_IF_MATCH")
        answer = ask(socket, sent)
        assert (answer.status, json.loads(answer.body)["code"]) == (400, "bad-request")
    answer = ask(socket, message("POST", "/v1/events", json.dumps(t.event_body()).encode(), key=t.key, HTTP_IF_MATCH=""))
    assert (answer.status, json.loads(answer.body)["code"]) == (412, "no-etag")
    assert t.stack.stored() == before


def test_a_condition_on_a_member_that_is_not_there_makes_none(make_tenant):
    t = make_tenant(CONFIG)
    before = t.stack.stored()
    for field in ("*", '"0123456789abcdef"'):
        t.call("PUT", "/members/new", {}, headers={"If-Match": field}).problem("version-mismatch")
        t.call("PATCH", "/members/new", {}, headers={"If-Match": field}).problem("member-not-found")
        t.call("DELETE", "/members/new", headers={"If-Match": field}).problem("member-not-found")
    assert t.stack.stored() == before
    assert t.get("/members").ok()["data"] == []
    assert t.call("PUT", "/members/new", {}).status == 201


def test_a_changed_member_comes_with_the_etag_of_the_next_change(make_tenant):
    """No GET is needed between two conditional changes, also where the answer is a repeat."""
    t = make_tenant(CONFIG)
    whole = {"type": "junior", "display_name": "Mia Ü", "zone": "Europe/Berlin", "attributes": {"b": 1.50, "a": [{"z": None}]}, "groups": {"team": ["red"]}}
    etag, seen = None, []
    for method, body in (("PUT", whole), ("PUT", {"type": "senior"}), ("PATCH", {"attributes": {"c": 2e3}}), ("PATCH", {})):
        headers = {"If-Match": etag, "Idempotency-Key": f"k{len(seen)}"}
        done, again = (t.call(method, "/members/new", body, headers=headers) for _ in range(2))
        assert done.status in (200, 201) and again.replayed
        etag = done.headers["etag"]
        seen.append(etag)
        assert again.headers["etag"] == etag == t.get("/members/new").headers["etag"]
    assert len(set(seen)) == 3  # the last one changed nothing


def test_a_definition_is_only_made_never_replaced(make_tenant):
    """RFC 9110, 13.1.2: If-None-Match: * of what is there is 412."""
    t = make_tenant(CONFIG)
    body, only_new = {"name": "Other", "on": ["act"], "grant": [{"currency": "points", "amount": 1}]}, {"If-None-Match": "*"}
    before = t.stack.stored()
    t.call("PUT", "/config/rule/r", body, headers=only_new).problem("version-mismatch")
    t.call("PUT", "/config/rule/r", body).problem("precondition-required")
    gone = t.call("PUT", "/config/rule/new", {**body, "kind": "boost"}, headers={"If-Match": '"v1"'}).problem("version-mismatch")
    assert (gone["detail"], gone["errors"]) == ("there is no such definition by now", []) and t.stack.stored() == before
    assert t.call("PUT", "/config/rule/new", body, headers=only_new).status == 201
    t.call("PUT", "/config/rule/new", body, headers=only_new).problem("version-mismatch")


def test_what_is_not_there_is_named(make_tenant):
    t = make_tenant(CONFIG)
    assert t.get("/config/rule/none").problem("not-found")["detail"] == 'there is not a rule "none"'
    headers = {"If-Match": '"v1"', "Idempotency-Key": "back"}
    assert t.call("DELETE", "/config/rule/none", headers=headers).problem("not-found")["detail"] == 'there is not a rule "none"'
    back = t.call("POST", "/config/rollback", {"version": 99}, headers=headers).problem("not-found")
    assert back["detail"] == "the configuration never had version 99" and [e["pointer"] for e in back["errors"]] == ["/version"]
