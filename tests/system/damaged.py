"""A tenant with a history of every kind, whose rows a test may damage by hand, and the packed column of state rows as bytes."""
import json
import struct
from contextlib import contextmanager
from datetime import timedelta

from accolade import NOON, Failed, config, currency, grant, rule

CONFIG = config(
    currency("points", spendable=True, daily_cap={"amount": 120}),
    currency("gems"),
    {"kind": "metric", "code": "acts"},
    rule("act", pays=20, count=[{"metric": "acts", "by": 1}], limits=[{"count": 8, "per": "day"}]),
    rule("cool", on="cool", grant=[grant(7, "gems")], cooldown_s=60),
    {"kind": "level_ladder", "code": "career", "currency": "points", "levels": [{"at": 0}, {"at": 60}, {"at": 100}],
     "grant_each": [grant(10)]},
)


# ---- the state row as the test reads it ----

class Hot:
    """Where things stand in the packed column `hot` (engine/state_codec.c)."""
    def __init__(self, data):
        self.data, self.wallets, self.lifetimes, self.counters = bytearray(data), {}, {}, {}
        at = 2
        for _ in range(data[1]):
            (number,) = struct.unpack_from(">H", data, at)
            self.wallets[number, data[at + 2]] = at + 3
            at += 43
        count, at = data[at], at + 1
        for _ in range(count):
            self.lifetimes[struct.unpack_from(">H", data, at)[0]] = at + 2
            at += 18
        (groups,), at = struct.unpack_from(">H", data, at), at + 2
        for _ in range(groups):
            what, number, kinds = struct.unpack_from(">BHB", data, at)
            at += 4
            for kind in range(5):
                if kinds >> kind & 1:
                    at += 0 if kind == 0 else 4
                    self.counters[what, number, kind] = at
                    at += 8
        assert at == len(data)

    def add(self, at, by):
        struct.pack_into(">q", self.data, at, struct.unpack_from(">q", self.data, at)[0] + by)
        return bytes(self.data)

    def flip(self, at):
        self.data[at] ^= 1
        return bytes(self.data)


BALANCE, SEQ, HASH, CREATED = 0, 8, 16, 32  # within a wallet
METRIC, CAP, LIMIT, COOLDOWN, EARNED = range(1, 6)
EVER, HOUR, DAY, WEEK, MONTH = range(5)


# ---- a tenant with a history of every kind ----

class World:
    def __init__(self, stack):
        stack.clock.set(NOON)
        self.stack, self.tenant = stack, stack.tenant(CONFIG)
        t = self.tenant
        for day in (2, 1, 0):
            for n in range(3):
                t.event("m", time=NOON - timedelta(days=day, minutes=n))
        t.event("m", "cool", time=NOON)
        t.event("m", "unknown", data={"n": 1.5, "list": [1, "x", None]})
        assert t.adjust("m", 5).status == 201 and t.adjust("m", -3).status == 201
        for n in range(2):
            t.event("n", time=NOON - timedelta(hours=n))
        t.event("gone")
        t.event("gone", "cool")
        self.numbers = {name: int(t.show(name)["member_no"]) for name in ("m", "n", "gone")}
        t.member("erase", "gone", "--yes")
        stack.cli("job", "roll-up")
        self.id = t.id
        self.values = {"t": self.id, **self.numbers}
        codes = stack.sql("SELECT kind, code, code_no FROM code_number WHERE tenant_id = %s", self.id)
        number = {(kind, code.decode()): no for kind, code, no in codes}
        self.points, self.gems, self.acts = number[1, "points"], number[1, "gems"], number[2, "acts"]
        self.act, self.cool = number[3, "act"], number[3, "cool"]

    def sql(self, text, **more):
        connection = self.stack.db()
        try:
            with connection.cursor() as cursor:
                cursor.execute(text, {**self.values, **more})
                return cursor.fetchall()
        finally:
            connection.close()

    def one(self, text, **more):
        (row,) = self.sql(text, **more)
        return row

    def change(self, text, **more):
        """A change that meets exactly one row."""
        connection = self.stack.db()
        try:
            with connection.cursor() as cursor:
                assert cursor.execute(text, {**self.values, **more}) == 1, text
        finally:
            connection.close()

    def hot(self):
        return Hot(self.one("SELECT hot FROM member_state WHERE tenant_id = %(t)s AND member_no = %(m)s")[0])

    def write_hot(self, data):
        self.change("UPDATE member_state SET hot = %(hot)s WHERE tenant_id = %(t)s AND member_no = %(m)s", hot=data)

    def report(self, *options):
        try:
            return json.loads(self.stack.cli("verify", "--json", *(options or ("--tenant", self.tenant.code))))
        except Failed as failed:
            assert failed.code == 1, failed
            report = json.loads(failed.out)
            assert report["violations"] != [] or "--own" in options
            return report

    @contextmanager
    def kept(self, tables):
        """Whatever happens to these tables within, afterwards they are as before."""
        saved = {table: self.sql(f"SELECT * FROM {table}") for table in tables}
        try:
            yield
        finally:
            connection = self.stack.db()
            with connection.cursor() as cursor:
                cursor.execute("BEGIN")
                for table, rows in saved.items():
                    cursor.execute(f"DELETE FROM {table}")
                    if rows:
                        cursor.executemany(f"INSERT INTO {table} VALUES ({', '.join(['%s'] * len(rows[0]))})", rows)
                cursor.execute("COMMIT")
            connection.close()
