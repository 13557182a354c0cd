"""Rate limits (M6, DESIGN 3): of each key and of each member with a token, for all workers together, told in RateLimit fields."""
import re
from collections import Counter

import pytest

from accolade import config, currency, parallel, rule
from tokens import TokenKey

POLICY = re.compile(r'"(\w+)";q=(\d+);w=(\d+)')
LEFT = re.compile(r'"(\w+)";r=(\d+);t=(\d+)')


def limit(name, count, per):
    return {"limit": name, "count": count, "per": per}


def limited(*limits):
    return config(currency(), rule("paid", pays=1), rate_limits=list(limits))


def told(answer):
    """name → (allowance, window, left, seconds until all is there)."""
    policy, left = answer.headers["ratelimit-policy"], answer.headers["ratelimit"]
    windows = {name: (int(q), int(w)) for name, q, w in POLICY.findall(policy)}
    rests = {name: (int(r), int(t)) for name, r, t in LEFT.findall(left)}
    assert list(windows) == list(rests), (policy, left)
    assert policy == ", ".join(f'"{n}";q={q};w={w}' for n, (q, w) in windows.items())
    assert left == ", ".join(f'"{n}";r={r};t={t}' for n, (r, t) in rests.items())
    return {name: windows[name] + rests[name] for name in windows}


def refused(answer, seconds):
    answer.problem("rate-limited")
    assert int(answer.headers["retry-after"]) in seconds, answer.headers
    assert f"passes in {answer.headers['retry-after']} s" in answer.json["detail"]
    return answer


def test_every_answer_to_a_key_says_what_is_left(make_tenant):
    """Refusals too, but for those of credentials; the defaults are far from what anybody needs."""
    t = make_tenant(config(currency(), rule("paid", pays=1)))
    assert told(t.send())["events"][:2] == (120000, 60)
    assert told(t.get("/members/m/points"))["reads"][:2] == (60000, 60)
    assert told(t.call("PUT", "/members/x", {"zone": "Mars/Crater"}))["writes"][:2] == (12000, 60)
    assert told(t.get("/members/nobody/points"))["reads"][:2] == (60000, 60)
    assert "ratelimit" not in t.call("GET", "/members/m/points", key="acc_x_y").headers
    assert "ratelimit" not in t.call("GET", "/nowhere").headers


def test_an_allowance_is_exact_over_all_workers_and_leaves_others_alone(make_tenant):
    """32 clients at once, two workers: exactly the allowance passes, and what was refused was not done."""
    t, other = make_tenant(limited(limit("events", 20, "day"))), make_tenant(limited())
    answers = parallel(32, lambda i: t.send(id=f"e{i}"))
    assert Counter(a.status for a in answers) == {200: 20, 429: 12}
    assert sorted(told(a)["events"][2] for a in answers if a.status == 200) == list(range(20))
    for answer in answers:
        if answer.status == 429:
            assert told(answer)["events"][:3] == (20, 86400, 0)
            refused(answer, range(4300, 4321))
    assert t.points("m")["balance"] == 20
    assert t.send(id="e0").status == 429  # a repeat counts too
    assert other.send().status == 200


def test_each_key_and_each_kind_of_request_has_its_own(make_tenant):
    t = make_tenant(limited(limit("reads", 2, "hour"), limit("writes", 1, "hour")))
    second = t.new_key()
    assert [t.get("/config").status for _ in range(3)] == [200, 200, 429]
    assert t.call("HEAD", "/config").status == 429
    assert t.call("GET", "/config", key=second).status == 200
    assert t.call("POST", "/config/plan", {"definitions": []}).status == 200  # computes, as a write does
    refused(t.call("POST", "/config/plan", {"definitions": []}), range(3590, 3601))
    assert t.send().status == 200


def test_a_refused_request_costs_nothing_and_passes_when_it_was_told(make_tenant):
    """The limits' clock is the machine's, which no test and no operator steps."""
    t = make_tenant(limited(limit("events", 1, "second")))
    began = t.stack.clock.now()
    assert t.send().status == 200
    t.stack.clock.advance(days=1)
    statuses = [t.send().status for _ in range(5)]
    t.stack.clock.advance(days=-1)
    while (answer := t.send()).status == 429:
        refused(answer, [1])
    took = (t.stack.clock.now() - began).total_seconds()
    assert answer.status == 200 and (statuses == [429] * 5 or took > 1) and took >= 0.99


def test_an_array_counts_its_items(make_tenant):
    """SEMANTICS 33. One of more than the allowance passes where all of it is there, and is paid in full."""
    t = make_tenant(limited(limit("events", 100, "day")))
    array = [t.event_body() for _ in range(60)]
    assert told(t.post(array))["events"][:3] == (100, 86400, 40)
    answer = t.post([t.event_body() for _ in range(50)])
    assert told(answer)["events"][2] == 40  # it cost nothing
    refused(answer, range(8540, 8641))  # ten are missing
    assert told(t.post([t.event_body() for _ in range(40)]))["events"][2] == 0
    assert t.points("m")["balance"] == 100
    whole = make_tenant(limited(limit("events", 10, "day")))
    assert told(whole.post([whole.event_body() for _ in range(12)]))["events"][2] == 0
    refused(whole.post([whole.event_body() for _ in range(2)]), range(3 * 8640 - 100, 4 * 8640 + 1))
    assert whole.points("m")["balance"] == 12


def test_a_member_has_so_many_on_each_route(make_tenant):
    """The default of 20 a minute, beside the token key's; another member and another route are not touched."""
    t = make_tenant(config(currency(), rule("paid", pays=1)))
    t.event("ann"), t.event("ben")
    key = TokenKey(t)
    ann, ben = key.token("ann"), key.token("ben")
    answers = [t.call("GET", "/members/me/points", key=ann) for _ in range(22)]
    passed = [a for a in answers if a.status == 200]
    assert 20 <= len(passed) <= 21 and answers[-1].status == 429, answers
    assert told(passed[0])["self"] == (20, 60, 19, 3) and told(passed[0])["reads"][:2] == (60000, 60)
    assert told(refused(answers[-1], [1, 2, 3]))["self"][2] == 0
    assert t.call("GET", "/members/me/levels", key=ann).status == 200
    assert t.call("GET", "/members/me/points", key=ben).status == 200
    assert t.get("/members/ann/points").status == 200


def test_a_tenant_sets_its_members_limit_and_narrows_its_keys(make_tenant):
    """In force with the very next request; wider than the installation's only for members."""
    t = make_tenant(limited())
    t.event("ann")
    ann = TokenKey(t).token("ann")
    assert told(t.call("GET", "/members/me/points", key=ann))["self"][:2] == (20, 60)
    t.apply(limited(limit("self", 500, "hour"), limit("reads", 3000000, "minute"), limit("events", 7, "minute")))
    assert told(t.call("GET", "/members/me/points", key=ann))["self"][:2] == (500, 3600)
    assert told(t.get("/config"))["reads"][:2] == (60000, 60)
    assert told(t.send())["events"][:2] == (7, 60)
    t.apply(limited())
    assert told(t.send())["events"][:2] == (120000, 60)


@pytest.mark.parametrize("limits, pointer", [
    ([{"limit": "all", "count": 1, "per": "day"}], "/definitions/0/rate_limits/0/limit"),
    ([limit("self", 1, "day"), limit("self", 2, "day")], "/definitions/0/rate_limits/1"),
    ([limit("self", 0, "day")], "/definitions/0/rate_limits/0/count"),
    ([limit("self", 1, "week")], "/definitions/0/rate_limits/0/per"),
])
def test_a_limit_that_is_none_is_refused(make_tenant, limits, pointer):
    t = make_tenant()
    t.call("POST", "/config/plan", config(rate_limits=limits)).problem("validation-failed", pointer)


def test_an_operators_key_has_limits_too(stack):
    key = stack.cli_json("operator-key", "create", "--name", "limits")["key"]
    answer = stack.http.send("GET", "/v1/tenants", headers={"Authorization": "Bearer " + key})
    assert told(answer)["reads"][:2] == (60000, 60)
