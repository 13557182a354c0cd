#!/usr/bin/python3
"""tests/bench/timing.py DEMO_ENV [N]

How long refusals take on a running stack (scripts/run): of a key that exists and of one that does not, of a token with a false signature
and of one whose key is unknown. N (20,000) requests of each kind, by turns on one connection; medians in microseconds. docs/THREATS.md has
what was measured.
"""
import base64
import http.client
import json
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token(algorithm, kid, signature_bytes):
    now = int(time.time())
    header = {"alg": algorithm, "typ": "JWT", "kid": kid}
    claims = {"sub": "agent-17", "aud": "demo", "iat": now, "exp": now + 3600}
    return ".".join([*(b64(json.dumps(x).encode()) for x in (header, claims)), b64(b"\x01" * signature_bytes)])


def main(path, n=20000):
    lines = (line.split("=", 1) for line in Path(path).read_text().splitlines())
    env = {name: value.strip("'") for name, value in lines}
    made = subprocess.run([env["ACCOLADE_BIN"], "token-key", "create", "demo", "--algorithm", "HS256", "--name", "timing", "--json"], capture_output=True,
                          check=True)
    kid, key_id = json.loads(made.stdout)["kid"], env["ACCOLADE_KEY"].split("_")[2]
    kinds = {
        "a known key, another secret": f"acc_demo_{key_id}_{'0' * 40}",
        "an unknown key": f"acc_demo_{'0' * 16}_{'0' * 40}",
        "a known token key, another signature": token("HS256", kid, 32),
        "an unknown token key": token("HS256", "0" * 16, 32),
        "no credential": "x",
    }
    took = {kind: [] for kind in kinds}
    connection = http.client.HTTPConnection(urlsplit(env["ACCOLADE_URL"]).netloc)
    for _ in range(int(n)):
        for kind, text in kinds.items():
            began = time.perf_counter()
            connection.request("GET", "/v1/members/agent-17/points", headers={"Authorization": f"Bearer {text}"})
            answer = connection.getresponse()
            answer.read()
            took[kind].append(time.perf_counter() - began)
            assert answer.status == 401, answer.status
            if answer.will_close:
                connection.close()
    for kind, times in took.items():
        times.sort()
        low, median, high = (times[len(times) * k // 4] * 1e6 for k in (1, 2, 3))
        print(f"{kind:38} {median:8.1f} µs, half of them {low:.1f} to {high:.1f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
