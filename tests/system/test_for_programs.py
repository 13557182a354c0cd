"""What `accolade … --json` says to programs: the whole of a member, and refusals."""
import json

import pytest

from accolade import Failed, config, currency, rule

CONFIG = config(currency(daily_cap={"amount": 25}),
                rule("call", "call.completed", grant=[{"currency": "points", "amount": 10, "factors": [
                    {"when": {"==": [{"var": "event.data.rating"}, 5]}, "multiply": 2}]}]),
                rule("early", "call.completed", pays=1, when={"==": [{"var": "event.data.early"}, True]}))


def test_member_show_for_programs_has_the_outcomes_and_why(stack, make_tenant):
    """What the page says stands in the object too, in the form of HTTP: points, levels, and the last ten events with what was denied."""
    tenant = make_tenant(CONFIG)
    for i in range(11):
        tenant.event("m", "call.completed", id=f"c-{i}", data={"rating": 5})
    shown = stack.cli_json("member", "show", tenant.code, "m")
    assert shown["profile"] == tenant.get("/members/m/profile").ok() and shown["profile"]["points"][0]["balance"] == 25
    assert shown["events"] == tenant.get("/members/m/events", limit=10).ok()
    last = shown["events"]["data"][0]["outcome"]
    assert len(shown["events"]["data"]) == 10 and {d["reason"] for d in last["denied"]} == {"capped", "condition"}


def test_a_refusal_for_programs_is_json(stack, make_tenant):
    """On the standard error, with the exit status that it has for people; the faults are those of HTTP."""
    tenant = make_tenant(CONFIG)
    wrong = config(rule("x", "act", pays=-1, cooldown_s="no"))
    for words, code in ((("member", "show", tenant.code, "nobody"), "member-not-found"), (("tenant", "suspend", "no-such"), "not-found"),
                        (("config", "plan", tenant.code, "-"), "validation-failed")):
        with pytest.raises(Failed) as failed:
            stack.cli(*words, "--json", stdin=json.dumps(wrong))
        said = json.loads(failed.value.err)
        assert (failed.value.code, failed.value.out, list(said)) == (1, "", ["code", "detail", "errors", "more_errors"])
        assert said["code"] == code and said["detail"] and said["more_errors"] == 0
    over_http = tenant.call("POST", "/config/plan", wrong).problem("validation-failed")
    assert said["errors"] == over_http["errors"] and len(said["errors"]) > 1
    with pytest.raises(Failed) as failed:
        stack.cli("member", "show", tenant.code, "nobody")
    assert failed.value.err.startswith("accolade: member-not-found: ")
