"""Levels (D1, D2, D4, D5; SEMANTICS 18–20)."""
import pytest

from accolade import amounts, config, currency, grant, parallel, rule, var

S0 = {"kind": "level_ladder", "code": "level", "currency": "xp", "formula": {"to_next": 500, "max_level": 100}}
MEE6 = {"kind": "level_ladder", "code": "rank", "currency": "xp", "first_level": 0,
        "formula": {"to_next": {"+": [{"*": [5, var("level"), var("level")]}, {"*": [50, var("level")]}, 100]}, "max_level": 100}}
S2_NAMES = ["Bronze"] * 3 + ["Silver"] * 3 + ["Gold"] * 3 + ["Legend"]
S2 = {"kind": "level_ladder", "code": "career", "currency": "points", "levels": [{"at": 1000 * i, "name": n} for i, n in enumerate(S2_NAMES)],
      "grant_each": [grant(100, factors=[{"multiply": 1.25, "why": "level up"}])]}


def with_xp(make_tenant, *ladders):
    """earn(n) earns n of xp by one event; gives its outcome."""
    t = make_tenant(config(currency("xp", spendable=False), *ladders, rule("r", grant=[grant(var("event.data.n"), "xp")])))
    return t, lambda n: t.event(data={"n": n})


def test_C_D_a_saved_ladder_is_seen_at_once_by_every_worker(make_tenant):
    """Although each worker keeps what it read of the key and its tenant for a while."""
    t, earn = with_xp(make_tenant, {"kind": "level_ladder", "code": "career", "currency": "xp", "levels": [{"at": 0, "name": "First"}]})
    earn(1)
    for n in range(10):
        parallel(8, lambda _: t.levels())  # so that all have kept the version before
        ladder = t.call("GET", "/config/level_ladder/career")
        named = {"kind": "level_ladder", "code": "career", "currency": "xp", "levels": [{"at": 0, "name": f"Name {n}"}]}
        t.call("PUT", "/config/level_ladder/career", named, headers={"If-Match": ladder.headers["etag"]}).ok()
        assert {found[0]["name"] for found in parallel(8, lambda _: t.levels())} == {f"Name {n}"}
        assert t.get("/members/m/profile").ok()["levels"][0]["name"] == f"Name {n}"


def test_D2_D5_S0_500_xp_a_level(make_tenant):
    t, earn = with_xp(make_tenant, S0)
    earn(499)
    assert t.levels(ladder="level")["level"] == 1
    outcome = earn(1)
    assert outcome["levels"] == [{"ladder": "level", "from": 1, "to": 2, "name": None, "privileges": []}]
    earn(5350)
    assert t.levels(ladder="level") == {
        "ladder": "level", "level": 12, "name": None, "icon": None, "animation": None, "lifetime_earned": 5850, "xp_in_level": 350,
        "xp_to_next": 150, "progress": 70, "next": {"level": 13, "name": None, "at": 6000}, "privileges": []}
    earn(150)
    level = t.levels(ladder="level")
    assert (level["level"], level["xp_in_level"], level["xp_to_next"], level["progress"]) == (13, 0, 500, 0)


def test_D2_S20_at_the_top_next_is_null_and_progress_100(make_tenant):
    t, earn = with_xp(make_tenant, S0)
    earn(99 * 500 - 1)
    assert t.levels(ladder="level")["level"] == 99
    earn(1)
    top = t.levels(ladder="level")
    assert (top["level"], top["next"], top["progress"], top["xp_in_level"], top["xp_to_next"]) == (100, None, 100, 0, 0)
    assert earn(100000)["levels"] == []
    assert t.levels(ladder="level")["level"] == 100


def test_D2_MEE6_curve(make_tenant):
    t, earn = with_xp(make_tenant, MEE6)
    at, expected = 0, []
    for level in range(12):
        expected.append((at, level))
        at += 5 * level * level + 50 * level + 100
    assert [e[0] for e in expected[:5]] == [0, 100, 255, 475, 770]
    had = 0
    for start, level in expected[1:]:
        earn(start - 1 - had)
        assert t.levels(ladder="rank")["level"] == level - 1
        assert earn(1)["levels"][0]["to"] == level
        assert (t.levels(ladder="rank")["level"], t.levels(ladder="rank")["xp_in_level"]) == (level, 0)
        had = start


def test_D1_ten_levels_of_1000_with_their_names(make_tenant):
    table = [{"at": 1000 * i, "name": n, "icon": f"i{i}", "animation": f"a{i}"} for i, n in enumerate(S2_NAMES)]
    t, earn = with_xp(make_tenant, {"kind": "level_ladder", "code": "career", "currency": "xp", "levels": table})
    assert earn(999)["levels"] == []
    seen = [earn(1)] + [earn(1000) for _ in range(8)]
    assert [(o["levels"][0]["from"], o["levels"][0]["to"], o["levels"][0]["name"]) for o in seen] == \
        [(i + 1, i + 2, S2_NAMES[i + 1]) for i in range(9)]
    assert t.levels(ladder="career") == {
        "ladder": "career", "level": 10, "name": "Legend", "icon": "i9", "animation": "a9", "lifetime_earned": 9000, "xp_in_level": 0,
        "xp_to_next": 0, "progress": 100, "next": None, "privileges": []}


def test_D4_S24_level_up_pays_125_and_the_answer_shows_it(make_tenant):
    t = make_tenant(config(currency(), S2, rule("r", grant=[grant(var("event.data.n"))])))
    t.event(data={"n": 990})
    outcome = t.event(data={"n": 20})
    assert outcome["levels"] == [{"ladder": "career", "from": 1, "to": 2, "name": "Bronze", "privileges": []}]
    bonus = outcome["grants"][1]
    del bonus["transfer"]
    assert bonus == {"ladder": "career", "level": 2, "currency": "points", "base": 100, "amount": 125, "balance": 1135,
                     "steps": [{"why": "level up", "multiply": 1.25}]}
    assert t.points()["lifetime_earned"] == 1135


def test_D4_S19_every_level_crossed_pays_once_ever_lowest_first(make_tenant):
    t = make_tenant(config(currency(), S2, rule("r", grant=[grant(var("event.data.n"))])))
    outcome = t.event(data={"n": 3500})  # crosses 2, 3, 4; their 375 make 3,875
    assert [(g.get("level"), g["amount"], g["balance"]) for g in outcome["grants"]] == [(None, 3500, 3500), (2, 125, 3625), (3, 125, 3750), (4, 125, 3875)]
    assert outcome["levels"] == [{"ladder": "career", "from": 1, "to": 4, "name": "Silver", "privileges": []}]
    t.adjust(amount=-3875).ok(201)
    assert amounts(t.event(data={"n": 100})) == [("r", "points", 100)]  # 3,975 of lifetime: nothing is paid again
    again = t.event(data={"n": 25})  # 4,000
    assert [(g.get("level"), g["amount"]) for g in again["grants"]] == [(None, 25), (5, 125)]


def test_D4_S19_what_a_level_pays_goes_round_again(make_tenant):
    steep = {"kind": "level_ladder", "code": "l", "currency": "points", "levels": [{"at": 0}, {"at": 10}, {"at": 20}, {"at": 30}, {"at": 1000}],
             "grant_each": [grant(10)]}
    t = make_tenant(config(currency(), steep, rule("r", pays=10)))
    outcome = t.event()
    assert [(g.get("level"), g["amount"], g["balance"]) for g in outcome["grants"]] == [(None, 10, 10), (2, 10, 20), (3, 10, 30), (4, 10, 40)]
    assert outcome["levels"] == [{"ladder": "l", "from": 1, "to": 4, "name": None, "privileges": []}]


def test_D4_privileges_and_own_grants_of_a_level_and_another_currency(make_tenant):
    ladder = {"kind": "level_ladder", "code": "l", "currency": "xp", "grant_each": [grant(200, "points")], "levels": [
        {"at": 0, "privileges": ["chat"]}, {"at": 10, "name": "Five", "privileges": ["upload", "invite"], "grant": [grant(7, "points")]},
        {"at": 20, "privileges": ["host"]}]}
    t = make_tenant(config(currency("xp", spendable=False), currency(), ladder, rule("r", grant=[grant(var("event.data.n"), "xp")])))
    t.event(data={"n": 1})
    assert t.levels(ladder="l")["privileges"] == ["chat"]
    outcome = t.event(data={"n": 20})
    assert outcome["levels"] == [{"ladder": "l", "from": 1, "to": 3, "name": None, "privileges": ["upload", "invite", "host"]}]
    assert [(g.get("level"), g["currency"], g["amount"]) for g in outcome["grants"]] == \
        [(None, "xp", 20), (2, "points", 200), (2, "points", 7), (3, "points", 200)]
    assert t.levels(ladder="l")["privileges"] == ["chat", "upload", "invite", "host"]
    assert (t.balance(), t.balance("m", "xp")) == (407, 21)


def test_S37_a_new_ladder_pays_nothing_to_those_who_already_qualify(make_tenant):
    t = make_tenant(config(currency(), rule("r", pays=600)))
    t.event()
    t.event()
    t.apply(config(currency(), S2, rule("r", pays=600)))
    assert t.levels(ladder="career")["level"] == 2
    outcome = t.event()
    assert (amounts(outcome), outcome["levels"]) == ([("r", "points", 600)], [])  # 1,800: level 2 before and after
    assert amounts(t.event()) == [("r", "points", 600), ("career", "points", 125)]  # 2,400: level 3


@pytest.mark.parametrize("formula, part", [
    ({"to_next": {"-": [3, var("level")]}, "max_level": 10}, "/to_next"),
    ({"to_next": 1.5, "max_level": 10}, "/to_next"),
    ({"to_next": var("xp"), "max_level": 10}, "/to_next"),
    ({"to_next": 500, "max_level": 1001}, "/max_level"),
    ({"to_next": 10**15, "max_level": 1000}, "/to_next"),
])
def test_S20_formulas_that_are_refused(shared_tenant, formula, part):
    from accolade import Failed
    with pytest.raises(Failed) as refused:
        shared_tenant.apply(config(currency("xp"), {**S0, "formula": formula}))
    assert refused.value.code == 1
    assert f"/definitions/1/formula{part}" in refused.value.err


CONFIG = config(currency())
