"""What is installed and what a host needs for it (issue 3, 1–3 and 5): the release build, its units, nginx in production, the apt line.

Nothing of it is started: the stack's own programs are tried elsewhere, and these files differ from theirs only in paths and names."""
import os
import re
import subprocess
from pathlib import Path

import pytest

from accolade import BUILD, ROOT, WORK

ACCOLADE = ROOT / "build" / BUILD / "accolade"

pytestmark = pytest.mark.skipif(BUILD == "asan", reason="the same files whatever the build")


def run(*words, **more):
    return subprocess.run([str(w) for w in words], capture_output=True, text=True, timeout=300, **more)


@pytest.fixture(scope="module")
def installed():
    there = WORK / "installed"
    done = run("make", "-s", "-C", ROOT, "install", f"DESTDIR={there}")
    assert done.returncode == 0, done.stderr
    return there


def test_what_is_installed_is_hardened(installed):
    """PIE, read-only relocations bound at once, a stack that is not executable, checked copies, a guard on the stack."""
    assert "-Werror" in run("make", "-s", "-C", ROOT, "flags").stdout.split()
    for program in ("bin/accolade", "sbin/accolade-fcgi"):
        elf = run("readelf", "-hldW", "--dyn-syms", installed / "usr/local" / program).stdout
        assert re.search(r"Type:\s+DYN", elf) and "GNU_RELRO" in elf and "BIND_NOW" in elf
        assert re.search(r"GNU_STACK.* RW +0x", elf) and "_chk@" in elf and "__stack_chk_fail" in elf


def test_a_release_build_knows_no_switch_of_tests(installed):
    """MECHANICS 1: neither the test clock nor planted ends exist in it, by file or by environment."""
    worker, conf = installed / "usr/local/sbin/accolade-fcgi", WORK / "switches.conf"
    for name in ("clock_file", "trap_dir"):
        conf.write_text(f"{name} = /nowhere\n")
        done = run(worker, "-c", conf, "-T")
        assert done.returncode != 0 and f"{conf}:1: unknown setting '{name}'" in done.stderr
    conf.write_text("")
    done = run(worker, "-c", conf, "-T", env={**os.environ, "ACCOLADE_CLOCK_FILE": "/nowhere"})
    assert done.returncode == 0 and "workers" in done.stdout and not re.search("clock_file|trap_dir", done.stdout)


def test_units_start_what_is_installed(installed):
    units = installed / "usr/local/lib/systemd/system"
    assert {p.name for p in units.iterdir()} >= {"accolade.service", "accolade@.socket", "accolade-job@.service", "accolade-job@retention.timer"}
    for unit in [*units.glob("*.service"), *units.glob("*.d/*.conf")]:
        programs = re.findall(r"^Exec.*?(/usr/local/\S+)", unit.read_text(), re.M)
        assert programs and all(os.access(str(installed) + program, os.X_OK) for program in programs), (unit.name, programs)
    assert units / "accolade-job@verify.service.d/verify.conf" in units.glob("*.d/*.conf") and (units / "accolade-job@verify.timer").is_file()


def test_units_know_another_prefix_and_everybody_can_read_what_is_installed():
    there = WORK / "installed-elsewhere"
    done = run("make", "-s", "-C", ROOT, "install", f"DESTDIR={there}", "PREFIX=/opt/points", umask=0o077)
    assert done.returncode == 0, done.stderr
    assert [path for path in (there / "opt").rglob("*") if path.stat().st_mode & 0o444 != 0o444] == []
    assert (there / "opt/points/share/accolade/presets/call-center").is_dir() and (there / "opt/points/share/accolade/sql/sqitch.plan").is_file()
    units = [file for file in (there / "opt/points/lib/systemd/system").rglob("*") if file.is_file()]
    assert len(units) >= 8 and not [unit for unit in units if "/usr/local" in unit.read_text()]
    assert "ExecStart=/opt/points/sbin/accolade-fcgi -c " in (there / "opt/points/lib/systemd/system/accolade.service").read_text()


def test_units_keep_what_OPERATIONS_says(installed):
    """A restart of the service leaves its sockets alone; whoever dies is started again, and nothing is in nginx's way then."""
    units, drop_in = installed / "usr/local/lib/systemd/system", (ROOT / "systemd/nginx.service.d/accolade.conf").read_text()
    service, socket = (units / "accolade.service").read_text(), (units / "accolade@.socket").read_text()
    assert re.search(r"^Sockets=accolade@events.socket accolade@bulk.socket accolade@api.socket$", service, re.M)
    assert not re.search(r"^(PartOf|BindsTo|StopPropagatedFrom)=", socket, re.M) and "Backlog=1024" in socket
    assert "DirectoryMode=0755" in socket  # nginx gets through before the pool has ever run
    assert "OOMPolicy=continue" in service  # one worker without memory does not end the others
    for text in (service, drop_in):
        assert re.search(r"^Restart=on-failure$", text, re.M)
        assert re.search(r"^StartLimitIntervalSec=0$.*^\[Service\]", text, re.M | re.S)  # and however often it dies
    assert re.search(r"^ExecStartPre=.* -c /etc/accolade/accolade.conf -T ", service, re.M)  # settings that are refused fail the start
    listening = re.findall(r"listen\s+unix:([^\s;]+)", (ROOT / "nginx/accolade.conf").read_text())
    assert listening and all(f"ExecStartPre=-/bin/rm -f {path}\n" in drop_in for path in listening)


def test_nginx_in_production_is_taken_as_it_is(installed):
    """With this folder for its paths and a certificate of its own; and nobody keeps connections to workers open (MECHANICS 4)."""
    there, example = WORK / "production", installed / "usr/local/share/accolade/nginx"
    there.mkdir(exist_ok=True)
    assert run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=points.example.org", "-days", "1",
               "-keyout", there / "key.pem", "-out", there / "fullchain.pem").returncode == 0
    for file in example.glob("*.conf"):
        text = file.read_text()
        assert not re.search(r"^\s*fastcgi_keep_conn", text, re.M)
        text = text.replace("/etc/ssl/accolade/", f"{there}/").replace("/var/log/nginx/", f"{there}/").replace("/run/", f"{there}/")
        text = re.sub(r"listen \[::\]:\d+[^;]*;", "", text)
        (there / file.name).write_text(re.sub(r"listen (\d+)", r"listen 127.0.0.1:\1", text))
    (there / "nginx.conf").write_text(f"pid {there}/nginx.pid;\nerror_log stderr;\nevents {{}}\nhttp {{ include accolade.conf; }}\n")
    (there / "fastcgi_params").write_text(Path("/etc/nginx/fastcgi_params").read_text())
    done = run("nginx", "-p", there, "-c", there / "nginx.conf", "-t", env={**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin"})
    assert done.returncode == 0 and "test is successful" in done.stderr, done.stderr


def test_who_may_not_install_is_told_the_apt_line(tmp_path):
    """A normal user on a host where a package is missing; dpkg-query says so here, and the program that could make up for it is named as
    no other. As root the same would install."""
    if os.getuid() != 0:
        pytest.skip("needs to become another user")
    tmp_path.chmod(0o755)
    for name, text in {"dpkg-query": "#!/bin/sh\nexit 1\n", "apt-get": "#!/bin/sh\necho called; exit 1\n"}.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    script = (ROOT / "scripts" / "packages").read_text()
    (tmp_path / "packages").write_text(script)
    (tmp_path / "lib.sh").write_text((ROOT / "scripts" / "lib.sh").read_text())
    for parent in tmp_path.parents[:3]:
        if parent.owner() == "root" and "pytest" in parent.name:
            parent.chmod(0o755)
    done = run("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "bash", tmp_path / "packages", "--install", "run",
               env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, cwd="/")
    assert done.returncode == 1 and "called" not in done.stdout
    line = re.search(r"^  sudo apt-get install --no-install-recommends (.+)$", done.stdout, re.M)
    assert line and "mariadb-server-core" in line[1].split(), done.stdout + done.stderr


def test_every_command_explains_itself():
    text = run(ACCOLADE, "--help").stdout
    commands = [line.split() for line in re.findall(r"^  ([a-z][a-z -]+?)(?: [A-Z].*)?$", text, re.M)]
    assert len(commands) >= 28 and ["verify"] in commands and ["member", "erase"] in commands
    for words in commands:
        done = run(ACCOLADE, *words, "--help")
        assert done.returncode == 0 and re.search(rf"^  {' '.join(words)}(?: [A-Z]|$)", done.stdout, re.M), words
        assert len(done.stdout) < len(text), words


def test_every_script_explains_itself():
    scripts = [p for p in (ROOT / "scripts").iterdir() if p.is_file() and os.access(p, os.X_OK)] + [ROOT / "tests/sql/run"]
    assert len(scripts) >= 28
    for script in scripts:
        done = run(script, "--help")
        assert done.returncode == 0 and script.name in done.stdout and done.stderr == "", (script, done)
