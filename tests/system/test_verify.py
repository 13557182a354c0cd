"""`accolade verify` finds every kind of damage, done by hand, and names the place (invariants 1, 2, 3, 10, the lanes; DESIGN 12)."""
import re
import struct
from datetime import timedelta

import pytest

from accolade import NOON, Failed
from damaged import BALANCE, CAP, COOLDOWN, CREATED, DAY, EARNED, EVER, HASH, LIMIT, METRIC, MONTH, SEQ, World


@pytest.fixture(scope="module")
def world(stack):
    made = World(stack)
    assert made.report()["violations"] == []
    yield made
    assert made.report()["violations"] == []  # every damage was mended


# ---- the damages ----

DAMAGES = []


def damage(tables, *expected):
    """expected: (invariant, place, what is said there), the last two regular expressions."""
    def note(function):
        DAMAGES.append(pytest.param(tables.split(), expected, function, id=function.__name__))
        return function
    return note


MINE = "tenant_id = %(t)s AND member_no = %(m)s"
WALLET = MINE + " AND currency = %(c)s AND part = 1"
POINTS = r"member \d+ currency points part available"


def entry(w, change, seq=2):
    w.change(f"UPDATE entry SET {change} WHERE {WALLET} AND seq = {seq}", c=w.points)


@damage("entry", (1, POINTS + " seq 2$", r"balance_after is 40; 20 before and an amount of 21 give 41"), (1, " seq 2$", "hash"),
        (1, " seq 2$", "the amount is not that of the transfer in outcome day"), (1, POINTS + "$", r"balance of \d+; the entries add up to \d+"))
def an_amount(w):
    entry(w, "amount = amount + 1")


@damage("entry", (1, " seq 2$", "balance_after is 41; 20 before"), (1, " seq 3$", "balance_after"), (1, " seq 2$", "hash"))
def a_balance_after(w):
    entry(w, "balance_after = balance_after + 1")


@damage("entry", (1, " seq 2$", "the hash is not that of its predecessor and its content"))
def a_hash(w):
    entry(w, "hash = REVERSE(hash)")


@damage("entry", (1, " seq 3$", "comes after seq 1: what lies between is missing"), (1, "outcome day", "seq 2 has no entry"),
        (1, POINTS + "$", "the entries add up to"))
def an_entry_deleted(w):
    w.change(f"DELETE FROM entry WHERE {WALLET} AND seq = 2", c=w.points)


@damage("entry", (1, POINTS + "$", r"the state row is at seq \d+, the last entry has seq \d+"), (1, "outcome day", "has no entry"))
def the_last_entry_deleted(w):
    w.change(f"DELETE FROM entry WHERE {WALLET} ORDER BY seq DESC LIMIT 1", c=w.points)


@damage("entry", (1, " seq 2$", r"created_at 1 is before its predecessor's \d+"))
def a_time_that_goes_back(w):
    entry(w, "created_at = 1")


@damage("entry", (1, " seq 2$", "the cause is not that of the transfer"), (1, " seq 2$", "hash"))
def a_cause(w):
    entry(w, "cause_n = cause_n + 1")


@damage("entry", (1, " seq 2$", "the kind is not that of the transfer"))
def a_kind(w):
    entry(w, "kind = 2")


@damage("entry", (1, " seq 2$", "the contra account is not that of the transfer"), (1, " seq 2$", "hash"))
def a_contra_account(w):
    entry(w, "contra = 2")


@damage("entry", (1, " seq 2$", "the contra account is not that of the transfer"), (1, " seq 2$", "hash"))
def a_contra_account_that_does_not_exist(w):
    entry(w, "contra = 250")


@damage("entry", (1, " seq 2$", "the transfer id is not that of the transfer"))
def a_transfer_id(w):
    entry(w, "transfer = REVERSE(transfer)")


@damage("entry", (1, " seq 99$", "comes after seq"), (1, " seq 99$", r"its cause, outcome day \d+ lane \d+ n \d+ i \d+, has no such transfer"),
        (1, POINTS + "$", "the last entry has seq 99"))
def an_entry_too_many(w):
    w.change(f"INSERT INTO entry SELECT tenant_id, member_no, currency, part, 99, amount, balance_after, kind, contra, cause_day, cause_lane, "
             f"cause_n, cause_i, transfer, created_at, hash FROM entry WHERE {WALLET} AND seq = 2", c=w.points)


@damage("entry", (1, r"member \d+ currency points part held$", "has entries up to seq 1, but the state row has no such wallet"))
def a_wallet_that_the_state_row_does_not_have(w):
    w.change(f"INSERT INTO entry SELECT tenant_id, member_no, currency, 2, 1, amount, amount, kind, contra, cause_day, cause_lane, "
             f"cause_n, cause_i, transfer, created_at, hash FROM entry WHERE {WALLET} AND seq = 1", c=w.points)


@damage("entry", (1, "currency number 999 part unknown seq 1$", "has no such transfer of this member"))
def numbers_that_no_table_has(w):
    w.change(f"INSERT INTO entry SELECT tenant_id, member_no, 999, 200, 1, amount, amount, 201, 202, cause_day, cause_lane, "
             f"cause_n, cause_i, transfer, created_at, hash FROM entry WHERE {WALLET} AND seq = 1", c=w.points)


@damage("entry", (1, "^member 5$", "has entries but no state row"))
def entries_of_nobody(w):
    w.change(f"INSERT INTO entry SELECT tenant_id, 5, currency, part, 1, amount, amount, kind, contra, cause_day, cause_lane, "
             f"cause_n, cause_i, transfer, created_at, hash FROM entry WHERE {WALLET} AND seq = 1", c=w.points)


# state rows

@damage("member_state", (1, POINTS + "$", r"the state row has a balance of \d+; the entries add up to \d+"),
        (2, "^currency points$", "come to 1 together instead of 0"))
def a_balance(w):
    hot = w.hot()
    w.write_hot(hot.add(hot.wallets[w.points, 1] + BALANCE, 1))


@damage("member_state", (1, POINTS + "$", "the state row is at seq"))
def the_seq_of_a_wallet(w):
    hot = w.hot()
    w.write_hot(hot.add(hot.wallets[w.points, 1] + SEQ, 1))


@damage("member_state", (1, POINTS + "$", "the state row has another hash than the last entry"))
def the_hash_of_a_wallet(w):
    hot = w.hot()
    w.write_hot(hot.flip(hot.wallets[w.points, 1] + HASH))


@damage("member_state", (1, POINTS + "$", "the state row says that the last entry was created at"))
def the_time_of_a_wallet(w):
    hot = w.hot()
    w.write_hot(hot.add(hot.wallets[w.points, 1] + CREATED, 1))


@damage("member_state", (1, r"^member \d+$", "the state row is damaged"), (2, "^currency points$", "instead of 0"))
def a_state_row_cut_off(w):
    w.write_hot(bytes(w.hot().data[:-1]))


@damage("member_state", (1, r"^member \d+$", "has entries but no state row"), (1, r"^member \d+$", "has outcomes but no state row"),
        (2, "^currency gems$", "come to -7 together"))
def a_state_row_deleted(w):
    w.change(f"DELETE FROM member_state WHERE {MINE}")


@damage("member_state", (3, r"^member \d+$", r"the outcome of version (\d+) of \1 is missing"))
def a_version_ahead(w):
    w.change(f"UPDATE member_state SET version = version + 1 WHERE {MINE}")


@damage("member_state", (3, r"^member \d+$", r"there is an outcome of version \d+; the state row has version \d+"))
def a_version_behind(w):
    w.change(f"UPDATE member_state SET version = version - 1 WHERE {MINE}")


def counter_damage(name, key, place, what):
    @damage("member_state", (10, place, what))
    def counter(w):
        hot = w.hot()
        w.write_hot(hot.add(hot.counters[key(w)], 1))
    DAMAGES[-1] = pytest.param(*DAMAGES[-1].values, id=name)


counter_damage("a_metric", lambda w: (METRIC, w.acts, EVER), r"^member \d+ metric acts ever$", r"is 9001, recounting gives 9000")
counter_damage("a_metric_of_a_day", lambda w: (METRIC, w.acts, DAY), "metric acts day from 2030-02-13T00:00:00.000Z$", "is 3001, recounting gives 3000")
counter_damage("a_metric_of_a_month", lambda w: (METRIC, w.acts, MONTH), "metric acts month from 2030-02-01T", "is 9001, recounting gives 9000")
counter_damage("the_use_of_a_cap", lambda w: (CAP, w.points, DAY), "cap points all periods of a day$", "is 181, recounting gives 180")
counter_damage("the_use_of_a_limit", lambda w: (LIMIT, w.act, DAY), "limit act all periods of a day$", "is 10, recounting gives 9")
counter_damage("a_cooldown", lambda w: (COOLDOWN, w.cool, EVER), "cooldown cool ever$", r"is \d+, recounting gives \d+")
counter_damage("points_earned", lambda w: (EARNED, w.gems, DAY), "earned gems all periods of a day$", "is 8, recounting gives 7")


@damage("member_state", (10, "lifetime points$", "is 206 earned and 0 spent, the entries give 205 and 0"))
def a_lifetime(w):
    hot = w.hot()
    w.write_hot(hot.add(hot.lifetimes[w.points], 1))


@damage("member_state", (10, "ladder career$", "is paid up to level 4, the outcomes reach level 3"))
def what_a_ladder_has_paid(w):
    (cold,) = w.one(f"SELECT cold FROM member_state WHERE {MINE}")
    w.change(f"UPDATE member_state SET cold = %(cold)s WHERE {MINE}", cold=cold[:-1] + bytes([cold[-1] + 1]))


# closed periods

@damage("member_period", (10, "metric acts day from 2030-02-11T", "is 3001, recounting gives 3000"))
def a_closed_period(w):
    key = MINE + " AND period_kind = 2 AND period_start = %(start)s"
    start = round((NOON - timedelta(days=2, hours=12)).timestamp() * 1000)
    (counters,) = w.one(f"SELECT counters FROM member_period WHERE {key}", start=start)
    at = counters.index(struct.pack(">BH", METRIC, w.acts)) + 8
    changed = bytearray(counters)
    struct.pack_into(">q", changed, at, struct.unpack_from(">q", counters, at)[0] + 1)
    w.change(f"UPDATE member_period SET counters = %(new)s WHERE {key}", start=start, new=bytes(changed))


@damage("member_period", (10, "metric acts day from 2030-02-1", "is 0, recounting gives 3000"), (10, "earned points all periods of a day$", "recounting gives"))
def a_closed_period_deleted(w):
    w.change(f"DELETE FROM member_period WHERE {MINE} AND period_kind = 2 ORDER BY period_start LIMIT 1")


@damage("member_period", (10, r"member \d+ member_period kind 2 start \d+$", "the closed period is damaged"))
def a_closed_period_cut_off(w):
    w.change(f"UPDATE member_period SET counters = 'x' WHERE {MINE} AND period_kind = 2 ORDER BY period_start LIMIT 1")


@damage("member_period", (10, "member_period kind 77 start 5$", "the closed period is damaged"))
def a_closed_period_of_no_kind(w):
    w.change("INSERT INTO member_period VALUES (%(t)s, %(m)s, 77, 5, 'x')")


# keys of members

@damage("member_key", (3, r"^member \d+$", "has no row in member_key"))
def a_member_key_deleted(w):
    w.change(f"DELETE FROM member_key WHERE {MINE}")


@damage("member_key", (3, r"^member \d+$", "has no sealing key, though the member was not erased"))
def a_sealing_key_deleted(w):
    w.change(f"UPDATE member_key SET sealing_key = NULL WHERE {MINE}")


@damage("member_key", (3, "outcome day", "its sealed part was changed: it cannot be opened"))
def a_sealing_key_changed(w):
    w.change(f"UPDATE member_key SET sealing_key = REVERSE(sealing_key) WHERE {MINE}")


@damage("member_key", (3, r"^member \d+$", "is erased in only one of member_key and the state row"))
def a_member_half_erased(w):
    w.change(f"UPDATE member_key SET state = 2 WHERE {MINE}")


# outcomes

def outcome(w, change, member="m", version=2, **more):
    w.change(f"{change} WHERE tenant_id = %(t)s AND member_no = %(who)s AND member_version = {version}", who=w.numbers[member], **more)


@damage("outcome", (0, r"^lane \d+ day \d+ n \d+$", "what lies between is missing|nothing was ever dropped: n 1 to 1 are missing"), (3, r"^member \d+$", r"the outcome of version 2 of \d+ is missing"),
        (1, " seq 2$", "has no such transfer of this member"), (3, "^identity [0-9a-f]{32}$", "which this tenant does not have"))
def an_outcome_deleted(w):
    outcome(w, "DELETE FROM outcome")


@damage("outcome", (0, r"^lane \d+$", r"ends at n \d+ on day \d+, but the last outcome there has n \d+"))
def the_last_outcome_of_a_lane_deleted(w):
    lane, n = idle_lane(w)
    w.change(f"DELETE FROM outcome WHERE lane = {lane} AND n = {n}")


@damage("outcome", (3, r"^member \d+ outcome day", "its clear part is damaged"))
def an_outcome_cut_off(w):
    outcome(w, "UPDATE outcome SET clear = LEFT(clear, 100)")


@damage("outcome", (3, "outcome day", "its clear part is damaged"))
def an_outcome_emptied(w):
    outcome(w, "UPDATE outcome SET clear = ''")


@damage("outcome", (1, " seq 2$", "the amount is not that of the transfer in"), (2, "^currency points$", "instead of 0"))
def an_amount_in_an_outcome(w):
    (clear,) = w.one(f"SELECT clear FROM outcome WHERE {MINE} AND member_version = 2")
    amount, follower = struct.pack(">q", 20), w.one("SELECT COUNT(*) FROM follower WHERE name = 'rollup'")
    assert clear.count(amount) == 3 and follower  # the base, uncapped, the amount
    changed = clear[::-1].replace(amount[::-1], struct.pack(">q", 21)[::-1], 1)[::-1]
    outcome(w, "UPDATE outcome SET clear = %(clear)s", clear=changed)
    w.sql("DELETE FROM follower")  # folded again from the first
    w.sql("DELETE FROM rollup")


@damage("outcome", (10, "metric acts ever$", "is 9000, recounting gives 10000"))
def a_count_in_an_outcome(w):
    (clear,) = w.one(f"SELECT clear FROM outcome WHERE {MINE} AND member_version = 2")
    by = struct.pack(">Hq", w.acts, 1000)
    assert clear.count(by) == 1
    outcome(w, "UPDATE outcome SET clear = %(clear)s", clear=clear.replace(by, struct.pack(">Hq", w.acts, 2000)))


@damage("outcome", (3, "outcome day", "its sealed part was changed"))
def what_is_sealed(w):
    outcome(w, "UPDATE outcome SET sealed = REVERSE(sealed)")


@damage("outcome", (3, "outcome day", "its sealed part was changed"))
def what_is_sealed_of_an_adjustment(w):
    outcome(w, "UPDATE outcome SET sealed = REVERSE(sealed)", version=12)


@damage("outcome", (3, r"^member \d+$", "there is another outcome of version 3"), (3, r"^member \d+$", "the outcome of version 2 of"),
        (3, "outcome day", r"its clear part says .* version 2; the row has .* version 3"))
def the_version_of_an_outcome(w):
    outcome(w, "UPDATE outcome SET member_version = 3")


@damage("outcome", (3, r"^member \d+$", "the outcome of version 2 of"), (0, "outcome day", "is of tenant 4000000, which does not exist"))
def the_tenant_of_an_outcome(w):
    outcome(w, "UPDATE outcome SET tenant_id = 4000000")


@damage("outcome", (1, "^member 5$", "has outcomes but no state row"))
def the_member_of_an_outcome(w):
    outcome(w, "UPDATE outcome SET member_no = 5")


@damage("outcome", (0, r"^lane \d+ day \d+ n \d+$", "has 1 rows; its first says that there are 2"))
def the_rows_of_an_outcome(w):
    outcome(w, "UPDATE outcome SET rows_of = 2")


@damage("outcome", (0, r"^lane \d+ day 30000 n \d+$", "comes after n"), (3, "outcome day 30000", "its clear part says outcome day"))
def the_day_of_an_outcome(w):
    outcome(w, "UPDATE outcome SET day = 30000")


@damage("outcome", (0, r"^lane \d+$", r"ends at n \d+, but there is an outcome with n 1000000 on day"))
def an_outcome_beyond_its_lane(w):
    outcome(w, "INSERT INTO outcome SELECT day, lane, 1000000, i, rows_of, tenant_id, member_no, member_version, clear, sealed FROM outcome")


@damage("outcome", (0, "^lane 4000$", "has outcomes but no row of its own"))
def an_outcome_of_no_lane(w):
    outcome(w, "INSERT INTO outcome SELECT day, 4000, n, i, rows_of, tenant_id, member_no, member_version, clear, sealed FROM outcome")


# identities

def identity_of(w, member="m", version=2):
    return w.one("SELECT e.identity FROM event_identity e JOIN outcome o USING (day, lane, n, i, tenant_id) "
                 f"WHERE o.tenant_id = %(t)s AND o.member_no = %(who)s AND o.member_version = {version}", who=w.numbers[member])[0]


@damage("event_identity", (3, r"^member \d+ outcome day", "its event has no identity: a repeat would be paid again"))
def an_identity_deleted(w):
    w.change("DELETE FROM event_identity WHERE tenant_id = %(t)s AND identity = %(id)s", id=identity_of(w))


@damage("event_identity", (3, "^identity [0-9a-f]{32}$", "which this tenant does not have"), (3, "outcome day", "the identity of its event names another one"))
def an_identity_of_nothing(w):
    w.change("UPDATE event_identity SET n = n + 1000000 WHERE tenant_id = %(t)s AND identity = %(id)s", id=identity_of(w))


@damage("event_identity", (3, "^identity 11111111111111111111111111111111$", "which is that of another event"))
def an_identity_of_another_event(w):
    w.change("INSERT INTO event_identity SELECT tenant_id, %(new)s, fingerprint, day, lane, n, i, received_at, received_day FROM event_identity "
             "WHERE tenant_id = %(t)s AND identity = %(id)s", id=identity_of(w), new=b"\x11" * 16)


@damage("event_identity", (3, "^identity 11111111111111111111111111111111$", "which is not that of an event"))
def an_identity_of_an_adjustment(w):
    w.change("INSERT INTO event_identity SELECT tenant_id, %(new)s, %(new)s, day, lane, n, i, 0, 0 FROM outcome "
             f"WHERE {MINE} AND member_version = 12", new=b"\x11" * 16)


@damage("event_identity", (3, r"^member \d+$", "is erased; 2 outcomes of its events must have an identity, and 1 identities name one"))
def an_identity_of_an_erased_member_deleted(w):
    w.change("DELETE FROM event_identity WHERE tenant_id = %(t)s AND identity = %(id)s", id=identity_of(w, "gone", 1))


def an_identity(w, change, **more):
    w.change(f"UPDATE event_identity SET {change} WHERE tenant_id = %(t)s AND identity = %(id)s", id=identity_of(w, **more))


@damage("event_identity", (3, "^identity [0-9a-f]{32}$", r"has not the fingerprint of its event, that of outcome day \d+ .*: a repeat would be refused"))
def a_fingerprint(w):
    an_identity(w, "fingerprint = REVERSE(fingerprint)")


@damage("event_identity", (3, "^identity [0-9a-f]{32}$", "has not the fingerprint of its event"))
def a_fingerprint_of_an_event_without_a_time(w):
    an_identity(w, "fingerprint = REVERSE(fingerprint)", version=11)


@damage("event_identity", (3, "^identity [0-9a-f]{32}$", r"was received at \d+, which is not on its received_day \d+"))
def the_day_of_an_identity(w):
    an_identity(w, "received_day = received_day + 1")


@damage("event_identity", (3, "^identity [0-9a-f]{32}$", "was received at -1, which is not on its received_day"))
def a_receipt_before_all_days(w):
    an_identity(w, "received_at = -1")


@damage("event_identity", (3, "^identity [0-9a-f]{32}$", r"was received at \d+, long after its outcome was settled, at \d+"))
def a_receipt_long_after_the_outcome(w):
    an_identity(w, "received_at = received_at + 2 * 86400000, received_day = received_day + 2")


# lanes, followers, tenant-side balances

def idle_lane(w):
    """The worker of a lane in use would write it again: that of a command that has ended, and its last n."""
    lane, n = w.one("SELECT lane, n FROM lane WHERE lease_until = 0 AND n > 0 ORDER BY n DESC LIMIT 1")
    return lane, n


@damage("lane", (0, r"^lane \d+$", r"ends at n \d+ on day \d+, but the last outcome there has n \d+"))
def a_lane_ahead(w):
    w.change("UPDATE lane SET n = n + 1 WHERE lane = %(lane)s", lane=idle_lane(w)[0])


@damage("lane", (0, r"^lane \d+$", r"ends at n \d+, but there is an outcome with n \d+ on day \d+"))
def a_lane_behind(w):
    w.change("UPDATE lane SET n = n - 1 WHERE lane = %(lane)s", lane=idle_lane(w)[0])


@damage("lane", (0, r"^lane \d+$", "has outcomes but no row of its own"), (0, r"^follower rollup lane \d+$", r"is at n \d+ of a lane that does not exist"))
def a_lane_deleted(w):
    w.change("DELETE FROM lane WHERE lane = %(lane)s", lane=idle_lane(w)[0])


@damage("lane", (0, r"^lane \d+$", r"ends at n \d+ on day 30000, but that outcome has day \d+"))
def the_day_of_a_lane(w):
    w.change("UPDATE lane SET day = 30000 WHERE lane = %(lane)s", lane=idle_lane(w)[0])


@damage("follower", (0, r"^follower rollup lane \d+$", r"is at day \d+ n \d+, ahead of the lane, which ends at day \d+ n \d+"))
def a_follower_ahead(w):
    w.change("UPDATE follower SET n = n + 1 WHERE name = 'rollup' AND lane = %(lane)s", lane=idle_lane(w)[0])


@damage("follower", (2, "^currency ", "instead of 0"))
def a_follower_behind(w):
    (lane,) = w.one(f"SELECT lane FROM outcome WHERE {MINE} AND member_version = 2")
    w.change("UPDATE follower SET n = 0, day = 0 WHERE name = 'rollup' AND lane = %(lane)s", lane=lane)


@damage("rollup", (2, "^currency points$", "come to 1 together instead of 0"))
def a_tenant_side_balance(w):
    w.change("UPDATE rollup SET balance = balance + 1 WHERE tenant_id = %(t)s AND currency = %(c)s AND account = 1", c=w.points)


@damage("rollup", (2, "^currency gems$", "come to 14 together instead of 0"))
def a_tenant_side_balance_deleted(w):
    w.change("DELETE FROM rollup WHERE tenant_id = %(t)s AND currency = %(c)s AND account = 1", c=w.gems)


@damage("rollup", (2, "^currency points account issuance$", "come to 1 together instead of 0"),
        (2, "^currency points account unknown$", "come to -1 together instead of 0"))
def a_balance_moved_to_another_account(w):
    """All accounts together still come to the same."""
    w.change("UPDATE rollup SET balance = balance + 1 WHERE tenant_id = %(t)s AND currency = %(c)s AND account = 1", c=w.points)
    w.change("INSERT INTO rollup (tenant_id, currency, account, balance) VALUES (%(t)s, %(c)s, 200, -1)", c=w.points)


@damage("rule_paid", (10, r"^member \d+ rule_paid cool 2030-02-13T12:00:00.000Z$", "was paid, but has no row: a late event within its cooldown"))
def a_payment_deleted(w):
    w.change(f"DELETE FROM rule_paid WHERE {MINE} AND rule_no = %(r)s", r=w.cool)


@damage("rule_paid", (10, r"^member \d+ rule_paid cool 2030-02-13T12:00:00.001Z$", "no outcome paid this rule at this time"),
        (10, r"^member \d+ rule_paid cool 2030-02-13T12:00:00.000Z$", "was paid, but has no row"))
def the_time_of_a_payment(w):
    w.change(f"UPDATE rule_paid SET event_time = event_time + 1 WHERE {MINE} AND rule_no = %(r)s", r=w.cool)


@damage("rule_paid", (10, r"^member \d+ rule_paid act 1970-01-01T00:00:05.000Z$|rule_paid act 5000$", "no outcome paid this rule"))
def a_payment_of_another_rule(w):
    w.change("INSERT INTO rule_paid VALUES (%(t)s, %(m)s, %(r)s, 5000)", r=w.act)


@damage("rule_paid", (1, "^member 12345$", "has payments of rules but no state row"))
def a_payment_of_nobody(w):
    w.change("INSERT INTO rule_paid VALUES (%(t)s, 12345, %(r)s, 5000)", r=w.cool)


@damage("code_number", (10, "^code_number currency gems$", "has the number 9, the one before has 2: numbers are given one after the other"),
        (10, "^code_number currency points$", "has the number 2, the one before has 0"))
def a_number(w):
    w.change("UPDATE code_number SET code_no = 9 WHERE tenant_id = %(t)s AND kind = 1 AND code = 'gems'")


@damage("code_number", (10, "^code_number metric acts$", "is missing: version 1 of the configuration cannot be used"),
        (10, "^code_number metric$", "ends at 0, but a row of a member holds 1"))
def a_number_deleted(w):
    w.change("DELETE FROM code_number WHERE tenant_id = %(t)s AND kind = 2")


@damage("code_number", (10, "^code_number unknown extra$", "there is no such kind as 77"))
def a_number_of_no_kind(w):
    w.change("INSERT INTO code_number VALUES (%(t)s, 77, 'extra', 1)")


@pytest.mark.parametrize("tables, expected, damages", DAMAGES)
def test_damage_is_found(world, tables, expected, damages):
    """Each kind of row, damaged by hand."""
    with world.kept({*tables, "follower", "rollup"}):
        damages(world)
        report, own = world.report(), world.report("--tenant", world.tenant.code, "--own")
    found = [(v["invariant"], v["where"], v["what"]) for v in report["violations"]]
    for invariant, where, what in expected:
        name = "lanes" if invariant == 0 else invariant
        assert any(f[0] == name and re.search(where, f[1]) and re.search(what, f[2]) for f in found), (name, where, what, found)
    assert {v["tenant"] for v in report["violations"] if v["invariant"] != "lanes"} <= {world.tenant.code}
    assert own["violations"] == [v for v in report["violations"] if v["invariant"] != "lanes"]


def test_what_was_read_is_said(world):
    report = world.report()
    assert (report["tenants"], report["members"], report["wallets"]) == (1, 3, 5)
    for name, table in (("entries", "entry"), ("outcomes", "outcome"), ("identities", "event_identity")):
        assert report[name] == world.one(f"SELECT COUNT(*) FROM {table} WHERE tenant_id = %(t)s")[0] > 0
    assert report["lanes"] == world.one("SELECT COUNT(*) FROM lane")[0]
    assert report["uncounted"] == 0 and report["counters"] > 20


def test_people_read_it_too(world):
    out = world.stack.cli("verify", "--tenant", world.tenant.code)
    assert re.match(r"Read 1 tenants, 3 members, 5 wallets, .*\nAll invariants hold\.\n$", out)
    with world.kept(["member_state"]):
        a_balance(world)
        with pytest.raises(Failed) as failed:
            world.stack.cli("verify", "--tenant", world.tenant.code)
    assert failed.value.code == 1
    assert re.search(rf"^invariant 1: tenant {world.tenant.code}, member \d+ currency points part available: the state row has", failed.value.out, re.M)
    assert failed.value.out.endswith("\n2 violations.\n")


def test_a_tenant_that_does_not_exist(world):
    with pytest.raises(Failed) as failed:
        world.stack.cli("verify", "--tenant", "nobody")
    assert failed.value.code == 1 and "there is no tenant nobody" in failed.value.err


def test_the_own_rows_of_all_tenants_are_not_asked_for(world):
    with pytest.raises(Failed) as failed:
        world.stack.cli("verify", "--own")
    assert failed.value.code == 2 and "--own goes with --tenant" in failed.value.err


def test_many_violations_are_counted(world):
    """Without the right key every entry is wrong: the report stays short."""
    with world.kept(["entry"]):
        world.sql("UPDATE entry SET hash = REVERSE(hash), transfer = REVERSE(transfer)")
        report = world.report("--json")
    wrong = world.one("SELECT COUNT(*) FROM entry")[0]
    assert len(report["violations"]) + report["more_violations"] >= 2 * wrong
    assert len(report["violations"]) <= 1000
