"""Conditional reading (DESIGN 3: strong ETags on the configuration, weak ones on what a member has): If-None-Match and 304."""
import pytest

from accolade import config, currency, rule
from generated import DESCRIPTION, ROUTES

CONFIG = config(currency(), rule("r", pays=5), {"kind": "level_ladder", "code": "career", "currency": "points", "levels": [{"at": 0}, {"at": 12}]})
PATHS = {name: route["pattern"].removeprefix("/v1").format(member="m", kind="rule", code="r") for name, route in ROUTES.items()
         if route["etag"] != "none"}
OF_MEMBERS = [name for name in PATHS if ROUTES[name]["etag"] == "body"]
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
    assert sorted(OF_CONFIG) == ["get_config", "get_definition", "list_definitions"]
    assert sorted(OF_MEMBERS) == ["get_member", "get_member_levels", "get_member_points", "get_member_profile"]
    assert all("304" in DESCRIPTION.operations[name].answers for name in PATHS)


@pytest.mark.parametrize("name", PATHS)
def test_what_the_client_has_already_is_304_until_it_changes(make_tenant, name):
    t = make_tenant(CONFIG)
    t.event()
    first = t.get(PATHS[name])
    etag = first.headers["etag"]
    assert etag.startswith('"v' if name in OF_CONFIG else 'W/"')
    assert (first.headers["cache-control"], first.headers["vary"]) == ("private, no-cache", "Authorization")
    for field in (etag, f'"x", {etag}', "*", etag.removeprefix("W/"), "W/" + etag.removeprefix("W/")):
        same = known(t, PATHS[name], field)
        assert (same.status, same.body, same.headers["etag"]) == (304, b"", etag), field
        assert "content-type" not in same.headers and same.headers["x-request-id"]
    for field in ('"x"', 'W/"x", "y"', etag.strip("W/").strip('"'), '"', ""):
        assert known(t, PATHS[name], field).body == first.body, field
    change(t, name)
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
