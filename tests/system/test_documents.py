"""The commands that README.md and docs/API.md show work as they stand, one after the other, and give the answers that are shown."""
import json
import re
import subprocess

import pytest

from accolade import NOON, ROOT

# What differs from run to run, beside UUIDs.
VOLATILE = {"created_at", "request_id", "at", "last_paid_at", "next_at", "resets_at", "key", "key_id", "next_cursor"}
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
BLOCK = re.compile(r"^```(sh)?\n(.*?)^```$", re.M | re.S)
MARK = "--- end of the block ---"


def blocks(name):
    """[(commands, the answers shown below them or None)]"""
    found = []
    for language, text in BLOCK.findall((ROOT / name).read_text()):
        if language == "sh":
            found.append([text, None])
        elif found and found[-1][1] is None:
            found[-1][1] = text
    return found


def values(text):
    """The JSON values of a text, one after the other; what is not JSON is passed over line by line."""
    decoder, found, at = json.JSONDecoder(), [], 0
    while at < len(text):
        try:
            value, end = decoder.raw_decode(text, at)
            found.append(value)
            at = end
        except ValueError:
            at = text.find("\n", at)
            if at < 0:
                break
        while at < len(text) and text[at].isspace():
            at += 1
    return found


def lasting(value):
    if isinstance(value, dict):
        return {k: "…" if k in VOLATILE and v is not None else lasting(v) for k, v in value.items()}
    if isinstance(value, list):
        return [lasting(v) for v in value]
    return "…" if isinstance(value, str) and UUID.fullmatch(value) else value


def run(stack, folder, name):
    """[(commands, the answers shown, what was printed)] of each block, all in one shell."""
    chosen = [(commands, shown) for commands, shown in blocks(name) if "call" in commands]
    script = "set -e\n" + f"echo '{MARK}'\n".join(commands for commands, _ in chosen)
    script = script.replace(". var/demo.env", f". '{stack.dir}/demo.env'")
    done = subprocess.run(["sh", "-c", script], cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return [(*block, printed) for block, printed in zip(chosen, done.stdout.split(MARK + "\n"))]


# Where a document shows an …, the answer only has to be one that is no problem.
@pytest.mark.parametrize("name, all_of_them, whole", [("README.md", 5, 1), ("docs/API.md", 13, 6)])
def test_issue4_what_documents_show_works(stack, tmp_path, name, all_of_them, whole):
    stack.clock.set(NOON)
    (tmp_path / "var").mkdir()
    compared = 0
    ran = run(stack, tmp_path, name)
    for commands, shown, printed in ran:
        answers = values(printed)
        problems = [a for a in answers if isinstance(a, dict) and {"type", "status", "code"} <= set(a)]
        assert not problems, (commands, printed)
        assert len(answers) >= len(re.findall(r"^call ['/](?!.*\|)", commands, re.M)), (commands, printed)
        if shown is not None and "…" not in shown:
            assert lasting(values(shown)) == lasting(answers), (commands, printed)
            compared += 1
    assert (len(ran), compared) == (all_of_them, whole)  # none was passed over
    assert [path.name for path in tmp_path.iterdir()] == ["var"]  # a checkout stays as it is
