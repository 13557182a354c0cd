"""docs/OPERATIONS.md, "Backup and restore": its commands are run as they stand; a server that lost everything has everything again."""
import os
import re
import signal
import subprocess
import time
from datetime import date
from pathlib import Path

import pytest

from accolade import NOON, ROOT, Stack, config, currency, rule

# What a test cannot have: other users, units, and perhaps zstd.
SHIMS = {"sudo": 'while [[ $1 == -* ]]; do shift 2; done; exec "$@"', "systemctl": "exit 0", "zstd": '[ "$1" != -dc ] || shift; exec cat "$@"'}


def blocks():
    section = (ROOT / "docs" / "OPERATIONS.md").read_text().partition("\n## Backup and restore\n")[2].partition("\n## ")[0]
    backup, restore, start = re.findall(r"^```sh\n(.*?)^```$", section, re.M | re.S)
    assert "systemctl start accolade " in start
    return backup, restore


@pytest.fixture
def own(recorder):
    made = Stack("restored", workers=1, recorder=recorder).start()
    made.clock.set(NOON)
    yield made
    made.stop()
    assert made.sanitizer_reports() == []


def run(stack, folder, script):
    """As an administrator of the stack's server and host."""
    tools = folder / "tools"
    tools.mkdir(exist_ok=True)
    accolade = f'exec "{stack.env["ACCOLADE_BIN"]}" "$@"'
    for name, text in {**SHIMS, "accolade": accolade}.items():
        (tools / name).write_text(f"#!/bin/bash\n{text}\n")
        (tools / name).chmod(0o755)
    (folder / "my.cnf").write_text(f"[client]\nuser = root\nsocket = {stack.env['ACCOLADE_DB_SOCKET']}\n")
    script = re.sub(r"/etc/accolade/\w+\.conf", f"'{stack.dir}/accolade.conf'", script.replace("…", date.today().isoformat()))
    script = script.replace("/usr/local/share/accolade/scripts", str(ROOT / "scripts"))
    environment = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}:/usr/sbin", "MYSQL_HOME": str(folder)}
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", script], cwd=folder, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_issue4_what_was_lost_is_restored_as_operations_says(own, tmp_path):
    backup, restore = blocks()
    t = own.tenant(config(currency(), rule("r", pays=5)))
    first = t.send(id="kept", context={"reference": "order 7"})
    t.adjust(amount=-2).ok(201)
    run(own, tmp_path, backup)
    assert [file.stat().st_mode & 0o077 for file in tmp_path.glob("*.sql.zst")] == [0, 0, 0]
    people, ledger = ((tmp_path / f"{name}-{date.today()}.sql.zst").read_text(errors="replace") for name in ("people", "ledger"))
    for table in ("member_key", "member_profile", "member_group"):  # who is who stands in one of them alone
        assert f"CREATE TABLE `{table}`" in people and f"CREATE TABLE `{table}`" not in ledger
    assert "CREATE TABLE `entry`" in ledger

    pool = own.pool_pid()
    os.kill(pool, signal.SIGTERM)
    while Path(f"/proc/{pool}").exists() and "State:\tZ" not in Path(f"/proc/{pool}/status").read_text():
        time.sleep(0.05)
    for name in ("accolade_sqitch", "accolade"):
        run(own, tmp_path, f"mariadb -e 'DROP DATABASE IF EXISTS {name}; CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin'")
    said = run(own, tmp_path, restore)
    assert "All invariants hold." in said and "ERROR" not in said
    own.script()
    own.read_env()
    again = t.send(id="kept", context={"reference": "order 7"})
    assert again.replayed and again.body == first.body
    assert t.balance() == 3
    assert [line["context"] for line in t.transactions()["data"]] == [None, {"reference": "order 7"}]  # what was sealed can be read
    assert t.event()["grants"][0]["balance"] == 8
    t.verify()
