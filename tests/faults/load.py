"""A mixed load of clients that repeat until they have an answer, and the book that is kept of what they were told.

Every operation is made from its number, so that the book holds no more than numbers and digests, and each can be sent again."""
import hashlib
import itertools
import json
import random
import threading
import time
from collections import Counter
from http.client import HTTPException

from accolade import SLOW, Http, config, currency, path_id, rule, var

MEMBERS = 40
AGAIN = {429, 502, 503, 504}  # what a client repeats; and 409 in-progress
GIVE_UP_S = 90

# A rule of each sort that has to hold under faults: a plain one, a limit, a cooldown, a cap that is soon reached, a ladder that pays.
CONFIG = config(
    currency("points", spendable=True, daily_cap={"amount": 3000}), currency("xp"),
    {"kind": "metric", "code": "n"},
    rule("plain", "call", pays=10, count=[{"metric": "n", "by": 1}]),
    rule("rated", "call", grant=[{"currency": "xp", "amount": 5, "factors": [{"when": {"===": [var("event.data.rating"), 5]}, "multiply": 2}]}]),
    rule("few", "visit", pays=7, limits=[{"count": 20, "per": "day"}]),
    rule("slow", "login", pays=3, cooldown_s=60),
    {"kind": "level_ladder", "code": "career", "currency": "xp", "first_level": 1,
     "levels": [{"at": 0, "name": "A"}, {"at": 200, "name": "B"}, {"at": 2000, "name": "C"}],
     "grant_each": [{"currency": "points", "amount": 50}]})


class Operation:
    """kind: event, array, adjustment or read; request: (method, path, body, headers)."""
    def __init__(self, seed, number):
        r = random.Random(f"{seed}/{number}")
        self.number = number
        self.kind = r.choices(["event", "array", "adjustment", "read"], [70, 4, 8, 18])[0]
        headers = {}
        member = f"m{r.randrange(MEMBERS)}"
        if self.kind == "event":
            self.ids = [f"{number}"]
            request = "POST", "/events", self.event(r, self.ids[0])
        elif self.kind == "array":
            self.ids = [f"{number}.{i}" for i in range(r.choice([2, 5, 30, 130]))]
            request = "POST", "/events", [self.event(r, id) for id in self.ids]
        elif self.kind == "adjustment":
            headers["Idempotency-Key"] = f"k{number}"
            request = "POST", f"/members/{member}/adjustments", \
                {"currency": "points", "amount": r.choice([20, 5, -1, -400]), "reason": "a storm"}
        else:
            what = r.choice(["points", "transactions?limit=20", "levels"])
            request = "GET", f"/members/{path_id(member)}/{what}", None
        self.request = (*request, headers)

    @staticmethod
    def event(r, id):
        return {"source": "storm", "id": id, "member": f"m{r.randrange(MEMBERS)}", "type": r.choice(["call", "call", "call", "visit", "login"]),
                "data": {"rating": r.randrange(1, 6)}}


def settled(results):
    """The items of an array, as they are whether or not the repeat of a part has given them."""
    return json.dumps([{k: v for k, v in item.items() if k != "replayed"} for item in results]).encode()


class Book:
    """What was acknowledged: number of the operation → status and digest of the answer; and what it says was paid."""
    def __init__(self):
        self.lock = threading.Lock()
        self.answers, self.events, self.adjustments, self.grants, self.entries = {}, 0, 0, Counter(), 0

    @staticmethod
    def digest(op, answer):
        body = settled(answer.json["data"]) if op.kind == "array" else answer.body
        return answer.status, hashlib.sha256(body).digest()[:16]

    def note(self, op, answer):
        """The first acknowledgement of an operation is written down; of a later one, gives what was."""
        with self.lock:
            known = self.answers.get(op.number)
            if known is not None:
                return known
            self.answers[op.number] = self.digest(op, answer)
            outcomes = [answer.json] if op.kind == "event" else answer.json["data"] if op.kind == "array" else []
            for outcome in outcomes:
                self.events += 1
                for g in outcome["grants"]:
                    self.grants[outcome["member"], g["currency"]] += g["amount"]
                    self.entries += g["amount"] != 0
            if op.kind == "adjustment":
                self.adjustments += 1
                self.entries += 1
                self.grants[op.request[1].split("/")[2], answer.json["currency"]] += answer.json["amount"]
            return None


class Load:
    """Use as a context: threads of clients over the tenant `t`, each with at most `rate` operations a second. What must not be is in
    `violations`."""
    def __init__(self, t, seed, threads=8, rate=15):
        self.t, self.seed, self.rate = t, seed, rate
        self.numbers, self.book, self.violations, self.statuses = itertools.count(1), Book(), [], Counter()
        self.quarantined = []  # operations that were in hand twice when a worker was killed
        self.last_ok, self.slowest_s, self.ending = time.monotonic(), 0.0, threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(i,)) for i in range(threads)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.ending.set()
        for thread in self.threads:
            thread.join()

    def wrong(self, text):
        if len(self.violations) < 50:
            self.violations.append(text)

    def run(self, i):
        http, r = Http(self.t.stack.url, timeout=30, recorder=self.t.stack.recorder), random.Random(f"{self.seed}/client {i}")
        while not self.ending.is_set():
            began = time.monotonic()
            try:
                self.step(http, r)
            except Exception as error:  # a client's own fault must not end it unseen
                self.wrong(f"client {i}: {error!r}")
            time.sleep(max(0.0, r.uniform(0.5, 1.5) / self.rate - (time.monotonic() - began)))

    def step(self, http, r):
        op = Operation(self.seed, next(self.numbers))
        if op.kind == "event" and r.random() < 0.1:  # from two sides at once
            other = threading.Thread(target=self.until_answered, args=(op, Http(self.t.stack.url, timeout=30, recorder=self.t.stack.recorder)))
            other.start()
            self.until_answered(op, http)
            other.join()
            return
        if r.random() < 0.1 and op.number > 20:  # one that was answered before
            op = Operation(self.seed, r.randrange(1, op.number))
            if op.number not in self.book.answers:
                return
        self.until_answered(op, http)

    def once(self, op, http):
        """An answer, or None where there was none."""
        method, path, body, headers = op.request
        try:
            answer = self.t.call(method, path, body, headers=headers, http=http)
        except (OSError, HTTPException):
            self.statuses["no answer"] += 1
            return None
        self.statuses[answer.status] += 1
        return answer

    def until_answered(self, op, http):
        began, r = time.monotonic(), random.Random()
        while True:
            answer = self.once(op, http)
            if answer is not None and answer.status == 503 and answer.json["code"] == "quarantined":
                self.quarantined.append(op)
                return
            if answer is not None and self.is_final(op, answer):
                break
            if time.monotonic() - began > GIVE_UP_S * SLOW:
                self.wrong(f"operation {op.number} ({op.kind}) has no answer after {GIVE_UP_S * SLOW} s; the last one: {answer}")
                return
            time.sleep(r.uniform(0.02, 0.25))
        self.slowest_s = max(self.slowest_s, time.monotonic() - began)
        self.last_ok = time.monotonic()
        self.check(op, answer)

    def first_try(self):
        """An operation that needs no second try."""
        op = Operation(self.seed, next(self.numbers))
        answer = self.once(op, self.t.stack.http)
        if answer is None or not self.is_final(op, answer):
            self.wrong(f"operation {op.number} ({op.kind}) in the calm: {answer}")
        else:
            self.check(op, answer)

    def is_final(self, op, answer):
        if answer.status in AGAIN:
            if answer.headers.get("content-type") != "application/problem+json":
                self.wrong(f"a refusal that is no problem: {answer}")
            elif answer.status == 503 and not answer.headers.get("retry-after"):
                self.wrong(f"503 without Retry-After: {answer}")
            return False
        if answer.status == 409 and answer.json["code"] == "in-progress":
            return False
        if op.kind == "array" and answer.status == 200:  # some of its items may have to be sent again
            return not any(item["status"] == "rejected" and item["problem"]["status"] in {*AGAIN, 409} for item in answer.json["data"])
        return True

    def check(self, op, answer):
        if op.kind == "read":
            if answer.status not in (200, 404):  # 404: no event has made this member yet
                self.wrong(f"operation {op.number}: {answer}")
            return
        if op.kind == "adjustment" and answer.status in (404, 409):  # no such member yet; not enough points
            if op.number in self.book.answers:
                self.wrong(f"operation {op.number} was acknowledged and is refused now: {answer}")
            return
        if answer.status != (201 if op.kind == "adjustment" else 200):
            self.wrong(f"operation {op.number} ({op.kind}): {answer}")
            return
        known = self.book.note(op, answer)
        if known is not None and known != self.book.digest(op, answer):
            self.wrong(f"operation {op.number} ({op.kind}) has another answer than before: {answer}")

    # -- afterwards --

    def check_every_answer(self, threads=6, progress=lambda n, of: None):
        """Every acknowledged answer is still given, byte for byte (invariant 3)."""
        numbers, done = iter(sorted(self.book.answers)), itertools.count(1)
        before, lock = dict(self.book.answers), threading.Lock()

        def run():
            http = Http(self.t.stack.url, timeout=30, recorder=self.t.stack.recorder)
            while True:
                with lock:
                    number = next(numbers, None)
                if number is None:
                    return
                op = Operation(self.seed, number)
                answer = self.once(op, http)
                if answer is None or self.book.digest(op, answer) != before[number]:
                    self.wrong(f"operation {number} ({op.kind}) was acknowledged with another answer than: {answer}")
                elif op.kind != "array" and not answer.replayed:
                    self.wrong(f"operation {number} ({op.kind}) was done again: {answer}")
                elif op.kind == "array" and not all(item.get("replayed") for item in answer.json["data"]):
                    self.wrong(f"operation {number} ({op.kind}) was done again, in part: {answer}")
                progress(next(done), len(before))
        workers = [threading.Thread(target=run) for _ in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        return len(before)

    def check_sums(self):
        """No event twice, none lost: the tables hold what the clients were told, and nothing else."""
        stack, book, id = self.t.stack, self.book, self.t.id
        numbers = {number: external.decode() if isinstance(external, bytes) else external for external, number in
                   stack.sql("SELECT external_id, member_no FROM member_key WHERE tenant_id = %s", id)}
        codes = dict(stack.sql("SELECT code_no, code FROM code_number WHERE tenant_id = %s AND kind = 1", id))
        codes = {no: code.decode() if isinstance(code, bytes) else code for no, code in codes.items()}
        got = {(numbers[member], codes[currency]): int(amount) for member, currency, amount in
               stack.sql("SELECT member_no, currency, SUM(amount) FROM entry WHERE tenant_id = %s GROUP BY member_no, currency", id)}
        told = {key: amount for key, amount in book.grants.items() if amount or key in got}
        if got != told:
            differing = {key: (got.get(key), told.get(key)) for key in {*got, *told} if got.get(key) != told.get(key)}
            self.wrong(f"paid is not what was told (member, currency: paid, told): {differing}")
        for what, wanted, text in (("outcomes", book.events + book.adjustments, "SELECT COUNT(*) FROM outcome WHERE tenant_id = %s"),
                                   ("identities", book.events, "SELECT COUNT(*) FROM event_identity WHERE tenant_id = %s"),
                                   ("entries", book.entries, "SELECT COUNT(*) FROM entry WHERE tenant_id = %s")):
            ((rows,),) = stack.sql(text, id)
            if rows != wanted:
                self.wrong(f"{rows} {what}, but {wanted} were acknowledged")
