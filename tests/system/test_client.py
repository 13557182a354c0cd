"""A client that a public generator makes from api/openapi.yaml, and nothing else, runs the quick start of docs/API.md."""
import os
import shutil
import subprocess

import pytest

from accolade import NOON, ROOT, WORK

CONTRACT = ROOT / "tests" / "contract"


def run(*command, cwd=None, **env):
    done = subprocess.run([str(x) for x in command], cwd=cwd, capture_output=True, text=True, timeout=600, env={**os.environ, **env})
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def program():
    """quick_start.ts with the generated client beside it, compiled: it does not compile where it does not fit the description."""
    run(ROOT / "scripts" / "npm-packages")
    folder, tools = WORK / "client", CONTRACT / "node_modules" / ".bin"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(CONTRACT / "client", folder)
    description = ROOT / "api" / "openapi.yaml"
    run(tools / "openapi-ts", "--input", description, "--output", folder / "generated", "--client", "@hey-api/client-fetch", cwd=folder)
    run(tools / "tsc", "--project", folder)
    return folder / "out" / "quick_start.js"


def test_the_generated_client_runs_the_quick_start(stack, program):
    stack.clock.set(NOON)
    out = run("node", program, ACCOLADE_URL=stack.url, ACCOLADE_OPERATOR_KEY=stack.env["ACCOLADE_OPERATOR_KEY"], TENANT="quick-start")
    assert 'back: [3,[{"change":"changed","kind":"rule","code":"call-completed"}]]' in out
    stack.verify("quick-start")


def test_the_client_does_not_compile_against_another_description(program):
    """What the test above relies on: a member that the description does not have is a fault of the compiler."""
    folder = program.parents[1]
    text = (folder / "quick_start.ts").read_text()
    (folder / "wrong.ts").write_text(text.replace("x.balance]), [['points', 30]]", "x.purse]), [['points', 30]]"))
    config = (folder / "tsconfig.json").read_text().replace("quick_start.ts", "wrong.ts")
    (folder / "wrong.json").write_text(config)
    compiler = [CONTRACT / "node_modules" / ".bin" / "tsc", "--project", folder / "wrong.json"]
    done = subprocess.run(compiler, capture_output=True, text=True, timeout=600)
    assert done.returncode != 0 and "Property 'purse' does not exist" in done.stdout, done.stdout
