"""S2's story on the preset call-center: twelve agents, 35 days, every number counted again (issue 3, 10; O2; A8, D1, D4, A18; invariant 5)."""
import json
import random
from datetime import timedelta

from accolade import ROOT, at, rfc3339
from call_center import AGENTS, DAYS, FIRST_DAY, NAMES, Agent, events_of_a_life, level_of

PRESET = json.loads((ROOT / "presets" / "call-center" / "config.json").read_text())


def send(t, agents, bodies, seen):
    """Sends them in arrays; every outcome is what the recount says. seen: grants and level-ups that came by."""
    for i in range(0, len(bodies), 1000):
        part = bodies[i:i + 1000]
        for body, got in zip(part, t.events(part), strict=True):
            assert got.pop("config_version") == 1
            for g in got["grants"]:
                assert len(g.pop("transfer")) == 36
            level = level_of(agents[body["member"]].lifetime)
            expected = agents[body["member"]].settle(body)
            assert got == expected, body
            for g in got["grants"]:
                seen.add(("partial", level, g["cap"]["amount"]) if "uncapped" in g else ("level", g["level"], g["amount"]) if "level" in g else g["rule"])
            seen.update(("denied", level, d["cap"]["amount"]) for d in got["denied"] if d["reason"] == "capped")


def check(t, agents, day):
    """What is read of each agent on the day."""
    for name, agent in agents.items():
        if not agent.counts:
            t.get(f"/members/{name}/points").problem("member-not-found")
            continue
        cap, used = 500 + 50 * (level_of(agent.lifetime) - 1), agent.used.get(day, 0)
        assert t.points(name) == {"currency": "points", "balance": agent.balance, "held": 0, "available": agent.balance,
                                  "lifetime_earned": agent.lifetime, "lifetime_spent": 0, "earned_today": agent.earned.get(day, 0),
                                  "daily_cap": {"amount": cap, "used": used, "left": max(0, cap - used), "resets_at": rfc3339(day + timedelta(days=1))}}, name
        got, level = t.levels(name, "career"), level_of(agent.lifetime)
        floor = 1000 * (level - 1)
        assert (got["level"], got["name"], got["lifetime_earned"], got["xp_in_level"]) == (level, NAMES[level - 1], agent.lifetime, agent.lifetime - floor)
        if level < 10:
            assert (got["xp_to_next"], got["progress"]) == (floor + 1000 - agent.lifetime, (agent.lifetime - floor) // 10)
            assert got["next"] == {"level": level + 1, "name": NAMES[level], "at": floor + 1000}
        else:
            assert (got["next"], got["progress"]) == (None, 100)


def counters_of(t, name):
    """{(metric, period, start): value} of the state row: of each period the present one."""
    return {(c["of"], c["period"], c["start"]): c["value"] for c in t.show(name)["counters"] if c["what"] == "metric"}


def latest(agent):
    """The same from the recount: of each metric and period the latest in which it was counted."""
    newest = {}
    for metric, period, start in agent.counts:
        if start is None or start > newest.get((metric, period), at("2000-01-01")):
            newest[metric, period] = start
    return {(m, p, start and rfc3339(start)): agent.counts[m, p, start] for (m, p), start in newest.items()}


def test_O2_twelve_agents_live_35_days_and_again_late_and_shuffled(make_tenant, clock):
    life = events_of_a_life()
    clock.set(FIRST_DAY)
    t = make_tenant(PRESET)
    agents, seen = {name: Agent() for name in AGENTS}, set()
    for day in range(DAYS):
        evening = FIRST_DAY + timedelta(days=day, hours=20)
        clock.set(evening)
        send(t, agents, sorted((e for name in AGENTS for e in life.get((day, name), [])), key=lambda e: e["time"]), seen)
        check(t, agents, FIRST_DAY + timedelta(days=day))

    # The story shows what S2 tells of: otherwise it proves nothing.
    assert {("partial", 1, 500), ("partial", 2, 550), ("denied", 1, 500), ("denied", 2, 550), ("partial", 10, 950)} <= seen
    assert {("level", n, 125) for n in range(2, 11)} <= seen and not any(s[0] == "level" and s[2] != 125 for s in seen if isinstance(s, tuple))
    assert {"call-completed", "lead-converted", "quality-reviewed", "feedback-received"} <= seen
    capped = {name for name, agent in agents.items() if agent.capped_days}
    assert len(capped) >= 3 and len(set(AGENTS) - capped) >= 6
    for name, agent in agents.items():
        assert counters_of(t, name) == latest(agent), name
        summary = t.transactions(name, currency="points", limit=1)["summary"]
        assert summary == {"currency": "points", "earned": agent.balance, "spent": 0, "net": agent.balance, "count": agent.entries}
    report = t.verify()
    assert report["entries"] == sum(a.entries for a in agents.values())
    assert report["outcomes"] == sum(map(len, life.values()))

    # The same events a month late: each member's day shuffled, arrays that reach over days.
    rng, late, seen = random.Random(7), [], set()
    for day in range(DAYS):
        bodies = [e for name in AGENTS for e in life.get((day, name), [])]
        rng.shuffle(bodies)
        late += bodies
    clock.set(FIRST_DAY + timedelta(days=DAYS + 1))
    u = make_tenant({"definitions": [{**d, "late_window_s": 60 * 86400} if d["kind"] == "settings" else d for d in PRESET["definitions"]]})
    again = {name: Agent() for name in AGENTS}
    send(u, again, late, seen)
    check(u, again, FIRST_DAY + timedelta(days=DAYS + 1))
    for name in AGENTS:
        first, second = agents[name], again[name]
        assert second.counts == first.counts and counters_of(u, name) == counters_of(t, name)  # no count depends on order
        if name not in capped:  # nor does a point where the cap was never met
            assert (u.points(name)["balance"], second.earned) == (t.points(name)["balance"], first.earned)
        for day in first.earned:
            if not {d for d in first.capped_days | second.capped_days if d <= day}:
                assert second.earned[day] == first.earned[day]
    assert u.verify()["entries"] == sum(a.entries for a in again.values())
