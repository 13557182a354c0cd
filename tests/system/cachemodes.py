"""What can be wrong with a stack's memcached, by ACCOLADE_TEST_MEMCACHED: no answer may depend on it (invariant 8).

absent   it has ended, and nobody listens
flushed  it loses everything, every second
hung     it has been stopped: it takes requests and never answers
wrong    something else listens in its place, and answers each question with a copy that was stored under another name, or with rubbish
"""
import os
import signal
import socket
import threading
import time
from pathlib import Path

MODE = os.environ.get("ACCOLADE_TEST_MEMCACHED", "")
STATES = {"": "ok", "absent": "away", "flushed": "ok", "hung": "away", "wrong": "ok"}  # as /readyz names it
STATE = STATES[MODE]


def ask(path, *commands, end=None):
    """Sends commands to a memcached, each without its line end; what it answers to them, as bytes, until it closes or says `end`."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(10)
        s.connect(str(path))
        s.sendall(b"".join(c + b"\r\n" for c in (*commands, b"quit")))
        got = b""
        while not (end and got.endswith(end)) and (part := s.recv(65536)):
            got += part
    return got


def names(path):
    """The names of all copies."""
    lines = ask(path, b"lru_crawler metadump all", end=b"END\r\n").splitlines()
    found = (line.split()[0][len(b"key="):].replace(b"%3A", b":") for line in lines if line.startswith(b"key="))
    return list(dict.fromkeys(found))  # one that moves meanwhile is told twice


def value(path, name):
    """What is stored under a name; None: nothing."""
    head, _, rest = ask(path, b"get " + name).partition(b"\r\n")
    return rest[:int(head.split()[3])] if head.startswith(b"VALUE") else None


def put(path, name, text):
    assert ask(path, b"set %s 0 600 %d" % (name, len(text)) + b"\r\n" + text) == b"STORED\r\n"


class Wrong:
    """A memcached whose every answer is wrong: get finds what was stored last under another name."""
    def __init__(self, path):
        self.path, self.stored, self.asked = Path(path), [], 0
        self.path.unlink(missing_ok=True)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.path))
        self.listener.listen(256)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def get(self, name):
        self.asked += 1
        for other, text in reversed(self.stored):
            if other != name:
                return text
        return b"rubbish " * 20

    def serve(self, client):
        try:
            with client, client.makefile("rb") as lines:
                for line in lines:
                    words = line.split()
                    if words[0] == b"get":
                        text = self.get(words[1])
                        client.sendall(b"VALUE %s 0 %d\r\n%s\r\nEND\r\n" % (words[1], len(text), text))
                    elif words[0] == b"set":
                        self.stored = self.stored[-99:] + [(words[1], lines.read(int(words[4]) + 2)[:-2])]
                        client.sendall(b"STORED\r\n")
                    elif words[0] == b"quit":
                        return
                    else:
                        client.sendall(b"VERSION 1.6.18\r\n" if words[0] == b"version" else b"ERROR\r\n")
        except (OSError, IndexError, ValueError):
            return

    def close(self):
        self.listener.close()


class Spoiled:
    """A stack's memcached in a mode, until close()."""
    def __init__(self, mode, pid, path):
        self.mode, self.pid, self.path = mode, pid, path
        self.over, self.wrong = threading.Event(), None
        if mode in ("absent", "wrong"):
            self.kill(signal.SIGKILL)
            while self.lives():
                time.sleep(0.01)
        if mode == "absent":
            Path(path).unlink(missing_ok=True)
        if mode == "wrong":
            self.wrong = Wrong(path)
        if mode == "hung":
            self.kill(signal.SIGSTOP)
        if mode == "flushed":
            threading.Thread(target=self.flush, daemon=True).start()

    def kill(self, number):
        try:
            os.kill(self.pid, number)
        except ProcessLookupError:
            pass

    def lives(self):
        try:
            return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        except (FileNotFoundError, ProcessLookupError):
            return False

    def flush(self):
        while not self.over.is_set():
            try:
                ask(self.path, b"flush_all")
            except OSError:
                pass
            self.over.wait(1)

    def close(self):
        self.over.set()
        if self.wrong:
            self.wrong.close()
        if self.mode == "hung":
            self.kill(signal.SIGCONT)
