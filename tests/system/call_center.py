"""The call centre of S2, counted again: twelve agents' events, and what presets/call-center must make of each. Written from the seed
and SEMANTICS, not from the engine."""
import random
from collections import defaultdict
from datetime import datetime, time, timedelta, timezone

from accolade import rfc3339

DAYS = 35
FIRST_DAY = datetime(2030, 1, 9, tzinfo=timezone.utc)  # a Wednesday; the 35 days span six ISO weeks and two months
AGENTS = [f"agent-{n:02d}" for n in range(1, 13)]
NAMES = ["Bronze"] * 3 + ["Silver"] * 3 + ["Gold"] * 3 + ["Legend"]
POINTS = {"call.completed": ("call-completed", 10, "calls"), "lead.converted": ("lead-converted", 50, "conversions"),
          "quality.reviewed": ("quality-reviewed", 5, "quality_reviews"), "feedback.received": ("feedback-received", 3, "feedback")}


def events_of_a_life(seed=2024):
    """{(day, agent): events in order of time}. The first three agents reach the daily cap on most days, the next three on a few, the last
    six never; agent-12 stays away for weeks."""
    rng, life = random.Random(seed), {}
    for day in range(DAYS):
        for number, agent in enumerate(AGENTS):
            strong = 3 if number < 3 else 2 if number < 6 and day % 5 == 0 else 1
            if rng.random() < (0.8 if number == 11 else 0.1):
                continue
            types = ["call.completed"] * rng.randint(4 * strong, 9 * strong) + ["lead.converted"] * rng.randint(0, [0, 2, 9, 14][strong])
            types += ["quality.reviewed"] * rng.randint(0, 3) + ["feedback.received"] * rng.randint(0, 4)
            rng.shuffle(types)
            seconds = sorted(rng.sample(range(8 * 3600, 18 * 3600), len(types)))
            life[day, agent] = [event(rng, day, agent, n, kind, s) for n, (kind, s) in enumerate(zip(types, seconds))]
    return life


def event(rng, day, agent, n, kind, second):
    body = {"source": "dialer", "id": f"{day}-{agent}-{n}", "type": kind, "member": agent, "time": rfc3339(FIRST_DAY + timedelta(days=day, seconds=second))}
    if kind == "call.completed":
        body["data"] = {"rating": rng.choice([1, 2, 3, 4, 4, 5, 5])}
    return body


def level_of(lifetime):
    return min(10, 1 + lifetime // 1000)


class Agent:
    """What one agent must have after each of its events."""
    def __init__(self):
        self.balance = self.lifetime = self.entries = 0
        self.paid_level = 1
        self.used = defaultdict(int)  # day → points by rules
        self.earned = defaultdict(int)  # day → points by rules and levels
        self.counts = defaultdict(int)  # (metric, period, start) → number
        self.capped_days = set()

    def count(self, metric, day):
        for period, start in (("ever", None), ("day", day), ("week", day - timedelta(days=day.weekday())), ("month", day.replace(day=1))):
            self.counts[metric, period, start] += 1
        return {"metric": metric, "by": 1, "value": self.counts[metric, "ever", None]}

    def pay(self, day, amount):
        self.balance += amount
        self.lifetime += amount
        self.earned[day] += amount
        self.entries += 1
        return self.balance

    def settle(self, body):
        """The outcome that the event must have, without ids of transfers and version."""
        day = datetime.combine(datetime.fromisoformat(body["time"][:10]), time(), timezone.utc)
        code, base, metric = POINTS[body["type"]]
        perfect = body.get("data", {}).get("rating") == 5
        level, cap = level_of(self.lifetime), 500 + 50 * (level_of(self.lifetime) - 1)
        wanted = base * 2 if perfect else base
        paid = min(wanted, max(0, cap - self.used[day]))
        grants, denied, counters, levels = [], [], [self.count(metric, day)], []
        figures = {"amount": cap, "used": self.used[day] + paid, "resets_at": rfc3339(day + timedelta(days=1))}
        if paid:
            self.used[day] += paid
            grants.append({"rule": code, "currency": "points", "base": base, "amount": paid, "balance": self.pay(day, paid),
                           "steps": [{"why": "perfect call", "multiply": 2}] if perfect else []})
            if paid < wanted:
                grants[0].update(uncapped=wanted, reason="capped", cap=figures)
        else:
            denied.append({"rule": code, "reason": "capped", "next_at": figures["resets_at"], "cap": figures})
        if paid < wanted:
            self.capped_days.add(day)
        if body["type"] == "call.completed":
            if perfect:
                counters.append(self.count("perfect_calls", day))
            else:
                denied.append({"rule": "perfect-call", "reason": "condition", "part": "/when"})
        while self.paid_level < level_of(self.lifetime):  # what a level pays may reach the next
            self.paid_level += 1
            grants.append({"ladder": "career", "level": self.paid_level, "currency": "points", "base": 100, "amount": 125,
                           "balance": self.pay(day, 125), "steps": [{"why": "level up", "multiply": 1.25}]})
        if self.paid_level > level:
            levels.append({"ladder": "career", "from": level, "to": self.paid_level, "name": NAMES[self.paid_level - 1], "privileges": []})
        return {"source": body["source"], "id": body["id"], "status": "processed", "member": body["member"], "grants": grants, "denied": denied,
                "counters": counters, "levels": levels, "streaks": [], "goals": [], "badges": [], "pending": []}
