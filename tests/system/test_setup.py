"""scripts/run: what it makes, that it may be run again, what it mends, what it leaves alone (issue 3, "Set-up"; DESIGN 14)."""
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from accolade import BUILD, DATABASE, ROOT, SLOW, WORK, Stack

VARIABLES = ["ACCOLADE_URL", "ACCOLADE_KEY", "ACCOLADE_OPERATOR_KEY", "ACCOLADE_TENANT", "ACCOLADE_DB_SOCKET", "ACCOLADE_DB_NAME",
             "ACCOLADE_MEMCACHED", "ACCOLADE_EVENTS_SOCKET", "ACCOLADE_BULK_SOCKET", "ACCOLADE_API_SOCKET", "ACCOLADE_ADMIN_SOCKET",
             "ACCOLADE_BIN", "ACCOLADE_DB_PID", "ACCOLADE_MEMCACHED_PID", "ACCOLADE_POOL_PID", "ACCOLADE_NGINX_PID"]
PIDS = [name for name in VARIABLES if name.endswith("_PID")]
PROGRAMS = {DATABASE, "memcached", "accolade-fcgi", "nginx"}


class Mine(Stack):
    cachemode = ""  # these are tests of scripts/run, which would mend it

    def again(self, *options):
        """Runs scripts/run once more, with the options of last time; what it prints."""
        printed = self.script(*options).stdout
        self.read_env()
        return printed

    def status(self):
        done = self.script("--status", check=False)
        return done.returncode, {line.split()[0]: line.split(None, 2)[2] for line in done.stdout.splitlines()}

    def processes(self):
        """Ids of all processes that run in the stack's folder."""
        found = set()
        for cwd in Path("/proc").glob("[0-9]*/cwd"):
            try:
                if self.dir in Path(os.readlink(cwd)).parents and Path(os.readlink(cwd.with_name("exe"))).name.split()[0] in PROGRAMS:
                    found.add(int(cwd.parent.name))
            except OSError:
                continue
        return found

    def pids(self):
        return {name: int(self.env[name]) for name in PIDS}

    def works(self):
        code, services = self.status()
        assert code == 0 and set(services.values()) == {"up"}, services
        answer = self.http.send("GET", "/v1/members/agent-17/points", headers={"Authorization": "Bearer " + self.env["ACCOLADE_KEY"]})
        assert answer.ok()["member"] == "agent-17"
        return True


@pytest.fixture(scope="module")
def mine():
    made = Mine("a folder with spaces", workers=1).start()
    yield made
    made.stop()
    assert made.processes() == set()
    assert made.sanitizer_reports() == []


def stat(pid):
    """State and parent of a process; ("gone", 0) where there is none."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return fields[0], int(fields[1])
    except (FileNotFoundError, ProcessLookupError):
        return "gone", 0


def kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:  # one that ended with its master
        return
    end = time.monotonic() + 10
    while stat(pid)[0] not in ("gone", "Z") and time.monotonic() < end:
        time.sleep(0.02)


def test_demo_env_has_exactly_what_the_issue_names(mine):
    assert [line.split("=", 1)[0] for line in (mine.dir / "demo.env").read_text().splitlines()] == VARIABLES
    assert mine.env["ACCOLADE_URL"] == f"http://127.0.0.1:{mine.port}"
    assert mine.env["ACCOLADE_TENANT"] == "demo"
    for name in VARIABLES:
        if name.endswith("_SOCKET") or name == "ACCOLADE_MEMCACHED":
            assert Path(mine.env[name]).is_socket(), name
    for name, program in zip(PIDS, [DATABASE, "memcached", "accolade-fcgi", "nginx"]):
        assert Path(os.readlink(f"/proc/{mine.env[name]}/exe")).name == program
    (mine.dir / "show").write_text('. "$1/demo.env"; "$ACCOLADE_BIN" tenant list --json\n')
    assert '"demo"' in subprocess.run(["sh", mine.dir / "show", mine.dir], capture_output=True, text=True, check=True).stdout


def test_the_printed_curl_line_works_as_printed(mine):
    line = mine.again().splitlines()[-1]
    assert line.startswith("curl ")
    answer = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=True).stdout
    assert '"status":"processed"' in answer and '"amount":20' in answer


def test_the_demo_has_a_day_of_events(mine):
    sent = len((ROOT / "presets" / "call-center" / "day.jsonl").read_text().splitlines())
    (stored,) = mine.sql("SELECT COUNT(*) FROM event_identity WHERE received_day IS NOT NULL")
    assert stored[0] >= sent > 50


def test_running_again_is_quick_and_changes_nothing(mine):
    before, workers, key = mine.pids(), mine.pool_workers(), (mine.dir / "installation.key").read_bytes()
    env = (mine.dir / "demo.env").read_bytes()
    began = time.monotonic()
    mine.again()
    assert time.monotonic() - began < 5 * SLOW
    assert (mine.pids(), mine.pool_workers()) == (before, workers)
    assert (mine.dir / "demo.env").read_bytes() == env
    assert (mine.dir / "installation.key").read_bytes() == key and len(key) == 32
    assert (mine.dir / "installation.key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", PIDS)
def test_what_was_killed_is_mended_and_the_rest_left_alone(mine, name):
    before = mine.pids()
    kill(before[name])
    assert mine.status()[0] == 1
    mine.again()
    assert mine.works()
    after = mine.pids()
    assert {n for n in PIDS if after[n] != before[n]} == {name}
    # A master that was killed leaves workers that keep the port or the socket: they are gone too.
    seen = {p: stat(p) for p in mine.processes()}
    assert all(p in after.values() or parent in after.values() for p, (state, parent) in seen.items() if state != "gone"), seen


def test_all_killed_at_once_is_mended(mine):
    for pid in mine.processes():
        kill(pid)
    mine.again()
    assert mine.works()


def test_a_lost_socket_and_a_stopped_process_are_mended(mine):
    os.unlink(mine.env["ACCOLADE_BULK_SOCKET"])
    os.unlink(mine.env["ACCOLADE_MEMCACHED"])
    os.kill(int(mine.env["ACCOLADE_NGINX_PID"]), signal.SIGSTOP)
    for worker in mine.processes():
        if os.readlink(f"/proc/{worker}/exe").endswith("/nginx"):
            os.kill(worker, signal.SIGSTOP)
    code, services = mine.status()
    assert code == 1 and (services["pool"], services["memcached"], services["nginx"]) == ("not answering",) * 3
    mine.again()
    assert mine.works()


def test_a_number_that_another_program_has_now_is_not_taken_for_ours(mine):
    mine.stop()
    with subprocess.Popen(["sleep", "100"], cwd=mine.dir) as other:
        for service in ("database", "memcached", "pool", "nginx"):
            (mine.dir / "run" / f"{service}.pid").write_text(f"{other.pid} 1\n")
        mine.again()
        assert mine.works() and other.pid not in mine.pids().values()
        mine.stop()
        assert mine.processes() == set()
        assert other.poll() is None
        other.kill()
    mine.again()
    assert mine.works()


def test_two_stacks_live_side_by_side(mine, stack):
    assert stack.url != mine.url
    assert not set(mine.processes()) & {int(stack.env[name]) for name in PIDS}
    mine.stop()
    assert stack.http.send("GET", "/v1/members/x/points").problem("unauthenticated")
    mine.again()
    assert mine.works()


def test_the_environment_of_another_stack_does_not_steer_it(mine, stack):
    subprocess.run([ROOT / "scripts" / "run", "--dir", mine.dir], env={**os.environ, "BUILD": BUILD, **stack.env}, check=True,
                   capture_output=True)
    mine.read_env()
    assert mine.works()
    assert mine.env["ACCOLADE_DB_SOCKET"] == str(mine.dir / "database" / "mysqld.sock")


def test_other_workers_are_taken_and_remembered(mine):
    mine.again("--workers", "3")
    assert len(mine.pool_workers()) == 3 + 1 + 2
    mine.again()
    assert len(mine.pool_workers()) == 3 + 1 + 2
    mine.again("--workers", "1")
    assert len(mine.pool_workers()) == 1 + 1 + 1


@pytest.mark.parametrize("wrong, said", [
    ("log_level=9", "--set: 'log_level' must be a whole number from 0 to 3"), ("frobnicate=1", "--set: unknown setting 'frobnicate'"),
    ("installation_key_file=/nowhere", "pool did not start"),
    ("db_socket=/nowhere", "not ready: database away, schema unknown, durability unknown, memcached ok"),
])
def test_a_setting_that_is_wrong_is_said_and_not_kept(mine, wrong, said):
    before = mine.pids()["ACCOLADE_POOL_PID"]
    done = mine.script("--set", wrong, check=False)
    assert done.returncode == 1 and said in done.stdout + done.stderr
    if said.startswith("not ready"):
        assert "Accolade runs" not in done.stdout
        code, services = mine.status()
        assert code == 1 and "not ready: " + services.pop("readyz") == said and set(services.values()) == {"up"}
    elif "did not start" not in said:
        assert mine.pids()["ACCOLADE_POOL_PID"] == before and mine.works()
    mine.again()
    assert mine.works() and wrong not in (mine.dir / "accolade.conf").read_text()


def test_settings_are_kept_and_one_is_dropped(mine):
    def ours():
        conf = (mine.dir / "accolade.conf").read_text().splitlines()
        return [line for line in conf if line.startswith(("backlog", "self_per"))]

    mine.again("--set", "backlog=177", "--set", "self_per_minute=55")
    mine.again("--set", "backlog=")
    assert ours() == ["self_per_minute = 55"]
    mine.again("--set", "backlog=178")  # replaces all those of last time
    assert ours() == ["backlog = 178"]
    mine.again("--set", "backlog=", "--set", "never_given=")
    assert ours() == [] and mine.works()


@pytest.mark.parametrize("options, said", [
    (["--port", "0"], "--port takes"), (["--port", "70000"], "--port takes"), (["--workers", "x"], "--workers takes"),
    (["--preset", "none"], "no such preset: none (there are: call-center)"), (["--set", "log_level"], "--set takes NAME=VALUE"),
    (["--set", "log level=1"], "--set takes NAME=VALUE"), (["--frob"], "no such option"), (["--dir"], "needs a value"),
    (["--dir", "/tmp/" + "d" * 90], "too long"), (["--dir", '/tmp/a"b'], "a character that"),
])
def test_bad_options_are_refused(options, said):
    done = subprocess.run([ROOT / "scripts" / "run", "--dir", WORK / "refused", *options], capture_output=True, text=True)
    assert done.returncode == 1 and said in done.stderr


def test_a_taken_port_is_said(mine, stack):
    other = WORK / "no port"
    done = subprocess.run([ROOT / "scripts" / "run", "--dir", other, "--port", str(stack.port)], capture_output=True, text=True,
                          env={**os.environ, "BUILD": BUILD})
    subprocess.run([ROOT / "scripts" / "run", "--dir", other, "--stop"], check=True, capture_output=True)
    shutil.rmtree(other)
    assert done.returncode == 1 and f"port {stack.port} is taken" in done.stderr
    assert "building" not in done.stdout  # it is said before any work is done


def test_stopping_what_does_not_run(mine):
    done = subprocess.run([ROOT / "scripts" / "run", "--dir", WORK / "nothing", "--stop"], capture_output=True, text=True)
    assert done.returncode == 0 and not (WORK / "nothing").exists()
    assert subprocess.run([ROOT / "scripts" / "run", "--dir", WORK / "nothing", "--status"], capture_output=True).returncode == 1


# ---- the server of another system (issue 5, "Other engines") ----

def test_a_folder_without_a_server_is_refused(tmp_path):
    done = subprocess.run([ROOT / "scripts" / "run", "--dir", WORK / "no server"], capture_output=True, text=True,
                          env={**os.environ, "ACCOLADE_TEST_SERVER": str(tmp_path)})
    assert done.returncode == 1 and f"neither mariadbd nor mysqld is in {tmp_path}/usr/sbin" in done.stderr
    assert not (WORK / "no server").exists()


def test_the_server_of_a_root_folder_runs_in_a_namespace_of_its_own():
    """Our own root folder is one too."""
    if subprocess.run(["unshare", "--mount", *(["--map-root-user"] if os.getuid() else []), "true"], capture_output=True).returncode:
        pytest.skip("no namespaces here")
    folder, script = WORK / "another server", ROOT / "tests" / "sql" / "server"
    subprocess.run([script, "start", folder], env={**os.environ, "ACCOLADE_TEST_SERVER": "/"}, check=True)
    try:
        pid = (folder / "db.pid").read_text().strip()
        assert os.readlink(f"/proc/{pid}/ns/mnt") != os.readlink("/proc/self/ns/mnt")
        assert os.readlink(f"/proc/{pid}/exe") == "/usr/sbin/mariadbd"
        asked = subprocess.run(["mariadb", "--no-defaults", "-u", "root", "-S", folder / "db.sock", "-N", "-e", "SELECT @@datadir"],
                               capture_output=True, text=True, check=True)
        assert asked.stdout == f"{folder}/data/\n"
    finally:
        subprocess.run([script, "stop", folder], check=True)
    assert not folder.exists() and stat(int(pid))[0] in ("gone", "Z")
