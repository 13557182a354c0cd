"""The command as people and programs see it: tables, differences, a member's page, the live view (issue "the surface", 8)."""
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

import pytest

import cachemodes
from accolade import BUILD, ROOT, SANITIZER, SLOW, Failed, config, currency, grant, rule, var
from fastcgi import Master, children

ESCAPE = "\x1b"
COMMAND = ROOT / "build" / BUILD / "accolade"

LADDER = {"kind": "level_ladder", "code": "career", "currency": "points", "first_level": 1,
          "levels": [{"at": 0, "name": "Neuling"}, {"at": 20, "name": "Könner", "privileges": ["wall"]}]}
CONFIG = config(currency(daily_cap={"amount": 25}), LADDER, {"kind": "metric", "code": "calls"},
                rule("call", "call.completed", count=[{"metric": "calls", "by": 1}],
                     grant=[grant(10, factors=[{"when": {"===": [var("event.data.rating"), 5]}, "multiply": 2, "why": "perfect call"}])]),
                rule("early", "call.completed", when={"<": [var("event.data.rating"), 0]}, pays=1))


def lines_of(table):
    """The cells of a table by their columns, which begin where the titles of the head line do or end where they end."""
    return [re.split(r" {2,}", line.strip()) for line in table.splitlines()]


class Terminal:
    """A command on a terminal of its own."""
    def __init__(self, *command, columns=100, rows=40, **env):
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.fd, self.slave, self.seen = master, slave, ""
        self.before = termios.tcgetattr(slave)
        environment = {k: v for k, v in os.environ.items() if k != "NO_COLOR"} | {"TERM": "xterm"} | env
        self.process = subprocess.Popen(list(map(str, command)), stdin=slave, stdout=slave, stderr=slave, env=environment, start_new_session=True,
                                        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.slave)
        os.close(self.fd)
        assert not SANITIZER.search(self.seen), self.seen

    def read(self, seconds):
        if select.select([self.fd], [], [], seconds)[0]:
            self.seen += os.read(self.fd, 65536).decode("utf-8", "replace")

    def wait_for(self, condition, seconds=10):
        end = time.monotonic() + seconds * SLOW
        while not condition(self.seen):
            assert time.monotonic() < end, self.seen
            self.read(0.1)
        return self.seen

    def ends(self, seconds=10):
        """Reads until the command ends; its exit code."""
        end = time.monotonic() + seconds * SLOW
        while self.process.poll() is None:
            assert time.monotonic() < end, self.seen
            self.read(0.1)
        while select.select([self.fd], [], [], 0)[0]:
            self.read(0)
        return self.process.returncode

    def type(self, text):
        os.write(self.fd, text.encode())


def on_terminal(stack, *words, **options):
    with Terminal(stack.env["ACCOLADE_BIN"], *words, **options) as terminal:
        code = terminal.ends()
        return code, terminal.seen.replace("\r\n", "\n")


# ---- tables ----

def test_tenants_are_a_table(stack, make_tenant):
    tenant = make_tenant(CONFIG)
    head, *rows = stack.cli("tenant", "list").splitlines()
    assert re.split(r" {2,}", head) == ["TENANT", "STATUS", "CONFIG", "CREATED (UTC)"]
    found = {row["tenant"]: row for row in stack.cli_json("tenant", "list")}
    assert len(rows) == len(found)
    for row in rows:
        code, status, version, created = re.split(r" {2,}", row)
        shown = found[code]
        assert (status, int(version)) == (shown["status"], shown["config_version"])
        assert created == shown["created_at"][:19].replace("T", " ")
        assert row.index(created) == head.index("CREATED"), "a column begins where its title does"
        assert row == row.rstrip()
    stack.cli("tenant", "suspend", tenant.code)
    (mine,) = [row for row in lines_of(stack.cli("tenant", "list")) if row[0] == tenant.code]
    assert mine[1] == "suspended"
    stack.cli("tenant", "restore", tenant.code)


def test_keys_line_up_whatever_their_names(stack, make_tenant):
    """Widths are those of a terminal, not bytes; on one, the last column is cut and nothing wraps."""
    tenant = make_tenant(CONFIG)
    for name in ("Zoë", "山田太郎", "plain"):
        stack.cli("key", "create", tenant.code, "--name", name, "--scopes", "events:write")
    keys = stack.cli_json("key", "list", tenant.code)
    assert {k["name"] for k in keys} == {"test", "Zoë", "山田太郎", "plain"}
    head, *rows = stack.cli("key", "list", tenant.code).splitlines()
    assert re.split(r" {2,}", head) == ["KEY", "STATUS", "CREATED (UTC)", "EXPIRES (UTC)", "NAME", "SCOPES"]
    begins = head.index("SCOPES")
    for row, key in zip(rows, keys):
        wide = sum(1 for c in row if "一" <= c <= "鿿")
        assert row[begins - wide:] == ", ".join(key["scopes"]) and row[begins - wide - 2:begins - wide] == "  "
        assert key["name"] in row
    code, seen = on_terminal(stack, "key", "list", tenant.code, columns=90)
    assert code == 0 and len(seen.splitlines()) == 1 + len(keys)
    assert any(line.endswith("…") for line in seen.splitlines())
    for line in seen.splitlines():
        plain = re.sub(r"\x1b\[\d*m", "", line)
        assert sum(2 if "一" <= c <= "鿿" else 1 for c in plain) <= 90


def test_an_empty_table_says_so(stack, make_tenant):
    tenant = make_tenant()
    assert stack.cli("config", "versions", tenant.code) == "The tenant has no configuration yet (accolade config apply).\n"


# ---- config plan, rollback, versions, history ----

def changed():
    document = json.loads(json.dumps(CONFIG))
    call = [d for d in document["definitions"] if d.get("code") == "call"][0]
    call["grant"][0]["amount"] = 12
    document["definitions"] = [d for d in document["definitions"] if d.get("code") != "early"]
    document["definitions"].append(rule("late", "call.completed", pays=3))
    return document


PLAN = """\
~ rule call is changed
    …
      "grant": [
        {
          "currency": "points",
  -       "amount": 10,
  +       "amount": 12,
          "factors": [
            {
              "when": {"===": [{"var": "event.data.rating"}, 5]},
    …

- rule early is deleted
  - {
  -   "kind": "rule",
  -   "code": "early",
  -   "on": ["call.completed"],
  -   "when": {"<": [{"var": "event.data.rating"}, 0]},
  -   "grant": [{"currency": "points", "amount": 1}]
  - }

+ rule late is created
  + {
  +   "kind": "rule",
  +   "code": "late",
  +   "on": ["call.completed"],
  +   "grant": [{"currency": "points", "amount": 3}]
  + }

1 created, 1 changed, 1 deleted. Applied, version 1 would become version 2.
"""


def test_a_plan_is_a_difference(stack, make_tenant):
    tenant = make_tenant(CONFIG)
    before = stack.stored()
    assert stack.cli("config", "plan", tenant.code, "-", stdin=json.dumps(changed())) == PLAN
    as_json = stack.cli_json("config", "plan", tenant.code, "-", stdin=json.dumps(changed()))
    over_http = tenant.call("POST", "/config/plan", changed()).ok()
    assert as_json == over_http, "one renderer"
    assert [(c["change"], c["code"]) for c in as_json["changes"]] == [("changed", "call"), ("deleted", "early"), ("created", "late")]
    assert as_json["changes"][0]["before"]["grant"][0]["amount"] == 10 and as_json["changes"][0]["after"]["grant"][0]["amount"] == 12
    assert as_json["changes"][1]["after"] is None and as_json["changes"][2]["before"] is None
    assert stack.stored() == before, "a plan writes nothing"
    assert stack.cli("config", "plan", tenant.code, "-", stdin=json.dumps(CONFIG)) == "Nothing differs from version 1.\n"
    with pytest.raises(Failed) as failed:
        stack.cli("config", "plan", tenant.code, "-", stdin=json.dumps(config(rule("x", "act", pays=-1, cooldown_s="no"))))
    assert failed.value.code == 1 and "/definitions/0/" in failed.value.err and failed.value.out == ""


def test_S25_a_plan_judges_the_version_as_an_apply_does(stack, make_tenant):
    tenant = make_tenant(CONFIG)
    for stale in (0, 2):
        document = {"version": stale, **changed()}
        for command in ("plan", "validate"):
            with pytest.raises(Failed) as failed:
                stack.cli("config", command, tenant.code, "-", stdin=json.dumps(document))
            assert failed.value.code == 1 and "version-mismatch: the configuration is at version 1 by now" in failed.value.err
        tenant.call("POST", "/config/plan", document).problem("version-mismatch")
        tenant.call("POST", "/config/plan", {"version": 1, **changed()}, headers={"If-Match": f'"v{stale}"'}).problem("version-mismatch")
    tenant.call("POST", "/config/plan", changed(), headers={"If-Match": '"v0"'}).problem("version-mismatch")
    tenant.call("POST", "/config/plan", changed(), headers={"If-Match": "v1"}).problem("bad-request")
    assert tenant.call("POST", "/config/plan", {"version": 1, **changed()}, headers={"If-Match": '"v1"'}).ok()["version"] == 2


def test_colours_are_for_terminals(stack, make_tenant):
    tenant = make_tenant(CONFIG)
    path = tenant.document_file(changed())
    code, seen = on_terminal(stack, "config", "plan", tenant.code, path)
    assert code == 0
    assert f'{ESCAPE}[31m  -       "amount": 10,{ESCAPE}[0m\n{ESCAPE}[32m  +       "amount": 12,{ESCAPE}[0m\n' in seen
    assert re.sub(r"\x1b\[\d*m", "", seen) == PLAN
    for env in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        assert on_terminal(stack, "config", "plan", tenant.code, path, **env) == (0, PLAN)
    assert ESCAPE in on_terminal(stack, "config", "plan", tenant.code, path, NO_COLOR="")[1]  # empty: as if it were not set
    code, seen = on_terminal(stack, "config", "plan", tenant.code, path, "--json")
    assert ESCAPE not in seen and json.loads(seen)["version"] == 2


def test_rollback_versions_and_history(stack, make_tenant):
    tenant = make_tenant(CONFIG)
    tenant.apply(changed())
    out = stack.cli("config", "rollback", tenant.code, 1)
    assert out == "  changed  rule call\n  created  rule early\n  deleted  rule late\nThe configuration is at version 3\n"
    assert {k: v for k, v in tenant.export().items() if k != "version"} == \
        {k: v for k, v in json.loads(stack.cli("config", "export", tenant.code, "--version", 1)).items() if k != "version"}
    assert stack.cli_json("config", "rollback", tenant.code, 3) == {"version": 3, "changes": []}
    rows = lines_of(stack.cli("config", "versions", tenant.code))
    assert rows[0] == ["VERSION", "MADE (UTC)", "BY"] and [r[0] for r in rows[1:]] == ["3", "2", "1"] and {r[2] for r in rows[1:]} == {"command"}
    assert stack.cli("config", "versions", tenant.code, "--limit", 1).splitlines()[-1] == "There are older ones (--limit)."
    assert stack.cli_json("config", "versions", tenant.code) == tenant.get("/config/versions").ok()
    late = stack.cli("config", "history", tenant.code, "rule", "late").splitlines()
    assert late[:3] == ["version 3: deleted", "", "version 2: created"]
    call = [line for line in stack.cli("config", "history", tenant.code, "rule", "call").splitlines() if line.startswith(("version", "  -", "  +       \"am"))]
    assert call == ["version 3: changed", '  -       "amount": 12,', '  +       "amount": 10,', "version 2: changed", '  -       "amount": 10,',
                    '  +       "amount": 12,', "version 1: created", '  +       "amount": 10,']
    assert stack.cli_json("config", "history", tenant.code, "rule", "call") == tenant.get("/config/rule/call/history").ok()
    for words, code in ((("rollback", tenant.code, 9), 1), (("rollback", tenant.code, "x"), 2), (("history", tenant.code, "rule", "never"), 1),
                        (("versions", tenant.code, "--limit", 0), 2), (("versions", "nobody"), 1)):
        with pytest.raises(Failed) as failed:
            stack.cli("config", *words)
        assert failed.value.code == code and failed.value.err.startswith("accolade: "), words


# ---- a member's page ----

def test_a_member_on_one_page(stack, make_tenant):
    tenant = make_tenant(CONFIG)
    tenant.event("zoë", "call.completed", id="c-1", data={"rating": 5})
    tenant.event("zoë", "call.completed", id="c-2", data={"rating": 1})
    tenant.event("zoë", "call.completed", id="c-3", data={"rating": 1})
    tenant.event("zoë", "never.named", id="c-4")
    stack.cli("member", "set", tenant.code, "zoë", "--display-name", "Zoë Ångström", "--type", "agent", "--groups", '{"team":["red"]}')
    page = stack.cli("member", "show", tenant.code, "zoë")
    assert ESCAPE not in page
    lines = page.splitlines()
    assert lines[0] == f"zoë of {tenant.code}"
    for field in (["name", "Zoë Ångström"], ["status", "active"], ["type", "agent"], ["groups", '{"team":["red"]}']):
        assert any(line.split(None, 1) == field for line in lines), field
    sections = {part.splitlines()[0]: lines_of("\n".join(part.splitlines()[1:])) for part in page.split("\n\n")[1:]}
    assert sections["Wallets"] == [["CURRENCY", "BALANCE", "HELD", "AVAILABLE", "TODAY", "EARNED", "SPENT"], ["points", "25", "0", "25", "25", "25", "0"]]
    assert sections["Levels"] == [["LADDER", "LEVEL", "NAME", "IN LEVEL", "TO NEXT", "%", "PRIVILEGES"], ["career", "2", "Könner", "5", "0", "100", "wall"]]
    assert ["metric", "calls", "ever", "-", "3"] in sections["Counters"]
    events = page[page.index("Last events"):].splitlines()[1:]
    at = tenant.get("/members/zoë/events".replace("ë", "%C3%AB")).ok()["data"]
    heads = [e["event"]["time"][:19].replace("T", " ") for e in at]
    reset = "2030-02-14 00:00:00"
    assert events == [
        f"  {heads[0]}  never.named  test c-4",
        "    nothing: no rule that is for it had anything to pay or to count",
        f"  {heads[1]}  call.completed  test c-3",
        "    # calls +1 to 3",
        f"    - call: capped, 25 of 25 used until {reset}",
        "    - early: condition (/when)",
        f"  {heads[2]}  call.completed  test c-2",
        f"    + 5 points  call, capped from 10, 25 of 25 used until {reset}, balance 25",
        "    # calls +1 to 2",
        "    - early: condition (/when)",
        f"  {heads[3]}  call.completed  test c-1",
        "    + 20 points  call, 10 × 2 (perfect call), balance 20",
        "    ^ career level 2 Könner, from 1",
        "    # calls +1 to 1",
        "    - early: condition (/when)",
    ]
    shown = stack.cli_json("member", "show", tenant.code, "zoë")
    assert {"member", "member_no", "version", "status", "wallets", "lifetimes", "counters", "ladders"} <= set(shown)
    assert shown["wallets"][0]["balance"] == 25 and shown["version"] == 5


def test_a_member_is_shown_with_the_values_that_HTTP_answers(stack, make_tenant):
    tenant = make_tenant(config(zone="Europe/Berlin"))
    tenant.join("m")
    for options in ((), ("--type", "agent", "--display-name", "M", "--zone", "Asia/Tokyo")):
        if options:
            stack.cli("member", "set", tenant.code, "m", *options)
        over_http, shown = tenant.get("/members/m").ok(), stack.cli_json("member", "show", tenant.code, "m")
        assert {name: shown[name] for name in over_http} == over_http
        assert (shown["type"], shown["zone"]) == (("agent", "Asia/Tokyo") if options else (None, None))
        assert (shown["zone_now"], shown["zone_now_of"]) == ("Europe/Berlin", "tenant")
        assert "  zone         Europe/Berlin (the tenant's)" in stack.cli("member", "show", tenant.code, "m")


def test_the_last_ten_events(stack, make_tenant):
    tenant = make_tenant(CONFIG)
    for i in range(12):
        tenant.event("m", "never.named", id=f"e-{i:02}")
    page = stack.cli("member", "show", tenant.code, "m")
    assert re.findall(r"test (e-\d\d)$", page, re.M) == [f"e-{i:02}" for i in range(11, 1, -1)]


def test_what_members_send_does_not_steer_the_terminal(stack, make_tenant):
    tenant = make_tenant(CONFIG)
    tenant.join("m")
    stack.cli("member", "set", tenant.code, "m", "--attributes", json.dumps({"a": "\x1b[2J\u009b2J"}, ensure_ascii=False))
    for code, seen in (on_terminal(stack, "member", "show", tenant.code, "m", NO_COLOR="1"), (0, stack.cli("member", "show", tenant.code, "m"))):
        assert code == 0 and ESCAPE not in seen and "\u009b" not in seen


def test_a_narrow_terminal_cuts_lines(stack, make_tenant):
    tenant = make_tenant(CONFIG)
    tenant.event("m", "call.completed", data={"rating": 5})
    stack.cli("member", "set", tenant.code, "m", "--attributes", json.dumps({"long": "x" * 300}))
    code, seen = on_terminal(stack, "member", "show", tenant.code, "m", columns=60, NO_COLOR="1")
    events = seen[seen.index("Last events"):]
    assert code == 0 and all(len(line) <= 60 for line in events.splitlines() + [x for x in seen.splitlines() if "attributes" in x])
    assert "xxx…" in seen


# ---- for programs ----

def test_every_json_output_is_json(stack, make_tenant):
    tenant = make_tenant(CONFIG)
    tenant.event("m", "call.completed", data={"rating": 5})
    path = tenant.document_file(changed())
    key = tenant.make_key("events:write")["key_id"]
    for words in (["tenant", "list"], ["tenant", "suspend", tenant.code], ["tenant", "restore", tenant.code], ["key", "list", tenant.code],
                  ["key", "rotate", tenant.code, key], ["key", "revoke", tenant.code, key], ["config", "export", tenant.code],
                  ["config", "validate", tenant.code, path], ["config", "plan", tenant.code, path], ["config", "apply", tenant.code, path],
                  ["config", "versions", tenant.code], ["config", "history", tenant.code, "rule", "call"], ["config", "rollback", tenant.code, "1"],
                  ["member", "show", tenant.code, "m"], ["member", "set", tenant.code, "m", "--type", "agent"], ["member", "suspend", tenant.code, "m"],
                  ["member", "restore", tenant.code, "m"], ["job", "roll-up"], ["verify", "--tenant", tenant.code], ["top", "--once"]):
        out = stack.cli(*words, "--json")
        assert out.endswith("\n") and out.count("\n") == 1, words
        json.loads(out)
        code, seen = on_terminal(stack, *words, "--json") if words[0] in ("tenant", "top") and len(words) == 2 else (0, "{}")
        assert code == 0 and ESCAPE not in seen and json.loads(seen) is not None


def test_a_suspension_is_answered_as_over_http(stack, make_tenant):
    tenant = make_tenant(CONFIG)
    tenant.join("m")
    assert tenant.member("suspend", "m") == tenant.get("/members/m").ok() and tenant.get("/members/m").json["status"] == "suspended"
    assert stack.cli("member", "restore", tenant.code, "m") == "Member m is active.\n"
    assert tenant.member("erase", "m", "--yes") == {"member": "m", "status": "erased"}


def test_an_export_is_laid_out_to_be_edited(stack, make_tenant):
    definitions = [*CONFIG["definitions"], {"kind": "rule", "code": "odd", "name": "a \"{[,:]}\" \\\\", "on": ["x"], "when": {"in": ["x", []]},
                                              "grant": [grant(1)]}]
    tenant = make_tenant({"definitions": definitions})
    out, line = stack.cli("config", "export", tenant.code), stack.cli("config", "export", tenant.code, "--json")
    assert json.loads(out) == json.loads(line)
    assert out == json.dumps(json.loads(line), indent=2, ensure_ascii=False) + "\n"
    assert stack.cli("config", "plan", tenant.code, "-", stdin=out).strip().lower().startswith("nothing")


# ---- what is not a command ----

@pytest.mark.parametrize("words, said", [
    (["config"], "accolade: config what? There are: export, apply, validate, plan, rollback, versions, history\n"),
    (["config", "frob"], "accolade: there is no command config frob; of config there are: export, apply,"),
    (["frob", "x"], "accolade: there is no command frob; there are: tenant, key, operator-key, token-key, config, member, job, top, verify\n"),
    (["help", "frob"], "accolade: there is no command frob; there are: tenant,"),
])
def test_what_is_no_command_is_told_what_there_is(words, said):
    done = subprocess.run([COMMAND, *words], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "") and done.stderr.startswith(said)


def test_help_is_a_word_too():
    def said(*words):
        return subprocess.run([COMMAND, *words], capture_output=True, text=True, check=True).stdout

    assert said("help") == said("--help") and "  tenant create CODE\n" in said("help")
    assert said("help", "key") == said("key", "--help") and "reads within half a second" in said("help", "key")


def test_help_of_one_command_is_its_own():
    def said(*words):
        return subprocess.run([COMMAND, *words], capture_output=True, text=True, check=True).stdout

    plan = said("config", "plan", "--help")
    assert "  config plan TENANT" in plan and "config apply" not in plan and said("help", "config", "plan") == plan
    assert "config apply" in said("config", "--help") and "config apply" in said("config", "frob", "--help")


def test_which_release_it_is():
    done = subprocess.run([COMMAND, "--version"], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "accolade 0.1.0-dev\n", "")


# ---- top ----

def sample(stack, *words):
    return stack.cli_json(*words, "top", "--once")


def pool_of(taken, name):
    (found,) = [p for p in taken["pools"] if p["pool"] == name]
    return found


def test_figures_move_with_requests(stack, make_tenant):
    tenant = make_tenant(CONFIG)
    before = sample(stack)
    assert [p["pool"] for p in before["pools"]] == ["events", "bulk", "api"]
    tenant.events([tenant.event_body(type="call.completed", data={"rating": 1}) for _ in range(3)])
    tenant.event("m", "call.completed", data={"rating": 1})
    for _ in range(4):
        tenant.balance("m")
    assert tenant.get("/members/nobody/points").status == 404
    after = sample(stack)

    def grown(pool, figure):
        return pool_of(after, pool)["total"][figure] - pool_of(before, pool)["total"][figure]

    assert after["started_at"] == before["started_at"] and after["master"] == stack.pool_pid()
    assert grown("events", "requests") == 2 and grown("events", "events") == 4 and grown("events", "sets") == 2
    assert grown("api", "requests") == 5 and grown("api", "refused") == 1 and grown("api", "failed") == 0
    for name in ("events", "api"):
        total = pool_of(after, name)["total"]
        assert sum(s["sets"] for s in total["set_sizes"]) == total["sets"] and [s["up_to"] for s in total["set_sizes"]] == [1, 2, 4, 8, 16]
        durations = total["duration_ms"]
        assert 0 < durations["p50"] <= durations["p95"] <= durations["p99"] and durations["mean"] > 0
    assert 0.9 <= after["interval_s"] <= 3 * SLOW
    for pool in after["pools"]:
        wanted = {"events": stack.workers, "bulk": 1, "api": (stack.workers + 1) // 2}[pool["pool"]]
        assert pool["workers"]["wanted"] == pool["workers"]["ready"] == wanted and pool["workers"]["starts"] >= wanted
        assert pool["held"] >= 0 and pool["waiting"] in (0, None)
        assert pool["now"] is not None and pool["now"]["requests_per_s"] >= 0
    for server, state in (("database", "ok"), ("memcached", cachemodes.STATE)):
        assert after[server]["state"] == state and after[server]["age_s"] >= 0


def test_rates_while_requests_come(stack, make_tenant):
    tenant = make_tenant(CONFIG)
    watching = subprocess.Popen([stack.env["ACCOLADE_BIN"], "top", "--once", "--json"], stdout=subprocess.PIPE, text=True)
    sent = 0
    while watching.poll() is None:
        tenant.event("m", "call.completed", data={"rating": 1})
        sent += 1
    now = pool_of(json.loads(watching.stdout.read()), "events")["now"]
    assert 0 < now["events_per_s"] <= sent and now["requests_per_s"] == now["events_per_s"]
    assert now["duration_ms"]["p50"] > 0


def test_one_sample_for_people(stack):
    out = stack.cli("top", "--once")
    assert ESCAPE not in out and out.startswith("accolade  20")
    assert re.search(rf"^database ok \(\d+\.\d s ago\)   memcached {cachemodes.STATE} \(\d+\.\d s ago\)$", out, re.M)
    tables = {part.split()[0]: lines_of(part) for part in out.split("\n\n")[1:]}
    assert set(tables) == {"WORKERS", "NOW", "TOTAL", "SETS"}
    for name in ("WORKERS", "NOW", "TOTAL"):
        assert [row[0] for row in tables[name][1:]] == ["events", "bulk", "api"]
        assert all(len(row) == len(tables[name][0]) for row in tables[name])
    assert tables["WORKERS"][0] == ["WORKERS", "READY", "BUSY", "STARTED", "DIED", "WAITING", "IN WORK"]
    assert tables["WORKERS"][1][1] == f"{stack.workers} of {stack.workers}"
    assert all(len(line) <= 80 for line in out.splitlines())


def test_a_stream_for_programs(stack):
    watching = subprocess.Popen([stack.env["ACCOLADE_BIN"], "top", "--json"], stdout=subprocess.PIPE, text=True)
    first, second = json.loads(watching.stdout.readline()), json.loads(watching.stdout.readline())
    watching.send_signal(signal.SIGINT)
    assert watching.wait(10) == 0
    assert first["taken_at"] < second["taken_at"] and second["interval_s"] >= 0.9


@pytest.mark.parametrize("key", ["q", "\x03"], ids=["q", "ctrl-c"])
def test_the_live_view_gives_the_terminal_back(stack, key):
    with Terminal(stack.env["ACCOLADE_BIN"], "top", columns=100, rows=30) as terminal:
        terminal.wait_for(lambda seen: seen.count("q or Ctrl-C ends") >= 2)
        terminal.type(key)
        assert terminal.ends() == 0
        assert terminal.seen.count("accolade") >= 2 and "REQ/S" in terminal.seen
        entered, left = terminal.seen.index("\x1b[?1049h"), terminal.seen.index("\x1b[?1049l")
        assert entered < terminal.seen.index("database") < left
        assert "\x1b[?25h" in terminal.seen[left - 20:] and "\x1b[?7h" in terminal.seen[left - 20:]
        assert termios.tcgetattr(terminal.slave) == terminal.before


def test_a_small_window_is_not_left_by_what_is_drawn(stack):
    with Terminal(stack.env["ACCOLADE_BIN"], "top", columns=40, rows=8) as terminal:
        terminal.wait_for(lambda seen: seen.count("q or Ctrl-C ends") >= 2)
        terminal.type("q")
        assert terminal.ends() == 0
        for page in terminal.seen.split("\x1b[H")[1:]:
            assert page.split("\x1b[J")[0].count("\n") <= 7


# ---- the page behind it ----

@pytest.fixture
def master(stack, tmp_path):
    with Master(stack, tmp_path / "pool") as made:
        yield made


def top_of(master):
    return subprocess.run([COMMAND, "-c", master.conf, "top", "--once", "--json"], capture_output=True, text=True, timeout=60)


def test_the_page_lives_as_long_as_its_pool(stack, master):
    page = master.folder / "page"
    assert page.stat().st_mode & 0o777 == 0o640 and not (master.folder / "page.new").exists()
    taken = json.loads(top_of(master).stdout)
    assert taken["master"] == master.process.pid and pool_of(taken, "events")["workers"]["wanted"] == 1
    master.process.terminate()
    master.process.wait(30)
    assert not page.exists()
    done = top_of(master)
    assert done.returncode == 1 and done.stdout == "" and str(page) in done.stderr and "No such file" in done.stderr


def test_a_killed_pool_is_not_taken_for_a_running_one(stack, master):
    workers = children(master.process.pid)
    master.process.kill()
    master.process.wait(30)
    master.wait(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in workers))
    assert (master.folder / "page").exists()
    time.sleep(3.5)
    done = top_of(master)
    assert done.returncode == 1 and f"no sign of life from accolade-fcgi (process {master.process.pid})" in done.stderr


def test_a_pool_of_another_build_is_refused_politely(stack, master):
    page = master.folder / "page"
    raw = bytearray(page.read_bytes())
    assert raw[:8] == b"ACCOPAGE"
    raw[8] += 1
    page.unlink()
    page.write_bytes(raw)
    done = top_of(master)
    assert done.returncode == 1 and "another build" in done.stderr and done.stdout == ""
    page.write_bytes(b"something else")
    assert "is no page of accolade-fcgi" in top_of(master).stderr
    master.process.terminate()
    master.process.wait(30)
    assert page.read_bytes() == b"something else", "what is not its own page stays"


def test_deaths_and_silence_show(stack, master):
    victim = master.worker("api")
    os.kill(victim, signal.SIGKILL)
    master.wait(lambda: master.workers("api") not in ([], [victim]))
    api = pool_of(json.loads(top_of(master).stdout), "api")
    assert api["workers"]["deaths"] == 1 and api["workers"]["starts"] == 2 and api["workers"]["ready"] == 1


def test_the_live_view_waits_for_a_pool(stack, master):
    with Terminal(COMMAND, "-c", master.conf, "top") as terminal:
        terminal.wait_for(lambda seen: "REQ/S" in seen)
        master.process.terminate()
        master.process.wait(30)
        terminal.wait_for(lambda seen: "No pool to be seen." in seen)
        terminal.type("q")
        assert terminal.ends() == 0


def test_top_needs_no_secrets(stack, master):
    """Neither the database nor the installation key: an operator may watch without the right to read them."""
    conf = master.folder / "watch.conf"
    conf.write_text(f"page_file = {master.folder / 'page'}\ninstallation_key_file = /nonexistent\ndb_socket = /nonexistent\n")
    done = subprocess.run([COMMAND, "-c", conf, "top", "--once"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "WORKERS" in done.stdout
    conf.write_text("page_file =\n")
    done = subprocess.run([COMMAND, "-c", conf, "top", "--once"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "page_file is empty" in done.stderr
