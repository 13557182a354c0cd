"""Every example of the API description, executed: the requests are sent in the order of a story, the answers are those that it shows."""
import json
import re
import time

import pytest

import cachemodes
from accolade import NOON, Stack
from generated import DESCRIPTION, JSON

# What an operator and a tenant's engineer do, one after the other: (route, example).
STORY = [
    ("healthz", "health"),
    ("readyz", "readiness"),
    ("create_tenant", "a-new-tenant"),
    ("create_key", "a-key-of-all-scopes"),
    ("apply_config", "first-configuration"),
    ("apply_config", "made-from-an-old-version"),
    ("apply_config", "a-reference-to-nothing"),
    ("send_events", "one-event"),
    ("send_events", "several-events"),
    ("send_events", "the-same-event-again"),
    ("send_events", "another-event-under-the-same-id"),
    ("send_events", "a-cloudevent"),
    ("send_events", "a-batch"),
    ("get_event", "outcome-of-an-event"),
    ("get_member_points", "points"),
    ("get_member_levels", "levels"),
    ("list_member_transactions", "transactions"),
    ("simulate_event", "an-event"),
    ("simulate_event", "under-another-configuration"),
    ("explain_rule", "for-any-event"),
    ("create_adjustment", "correction"),
    ("create_adjustment", "more-than-there-is"),
    ("get_member", "a-member-made-by-an-event"),
    ("put_member", "the-whole"),
    ("patch_member", "another-city"),
    ("create_member", "a-new-member"),
    ("list_members", "members"),
    ("list_group_members", "a-team"),
    ("get_member_profile", "a-profile"),
    ("list_member_events", "events"),
    ("suspend_member", "suspended"),
    ("restore_member", "restored"),
    ("get_config", "the-whole"),
    ("plan_config", "a-currency-more"),
    ("put_definition", "a-rule"),
    ("get_definition", "a-rule"),
    ("get_definition_history", "a-rule"),
    ("list_definitions", "rules"),
    ("list_config_versions", "versions"),
    ("get_config_version", "the-first"),
    ("roll_back_config", "back-to-the-first"),
    ("list_audit", "the-last-changes"),
    ("list_tenants", "tenants"),
    ("get_tenant", "a-tenant"),
    ("suspend_tenant", "suspended"),
    ("restore_tenant", "restored"),
    ("list_keys", "keys"),
    ("rotate_key", "with-an-hour-of-overlap"),
    ("create_token_key", "a-secret-made-here"),
    ("list_token_keys", "token-keys"),
    ("metrics", None),
    ("erase_member", None),  # what has neither a body nor one in its answer needs no example
    ("delete_definition", None),
    ("revoke_token_key", None),
    ("revoke_key", None),
]
# Of such texts only the form is compared.
FORMS = [
    re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"),  # ids of ours
    re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"),
    re.compile(r"[0-9a-f]{32}"),  # request ids
    re.compile(r"acc_[0-9a-z]+_[0-9A-Za-z]{16}_[0-9A-Za-z]{40}"),
]
OURS = {"key_id", "kid", "secret", "transaction", "next_cursor", "actor", "target"}  # opaque, or made of what is
if cachemodes.MODE:
    OURS.add("memcached")  # /readyz tells how it is spoiled


class Story:
    """The two who tell it, and what they learned on the way."""
    def __init__(self, stack):
        self.stack, self.operator = stack, stack.env["ACCOLADE_OPERATOR_KEY"]
        self.tenant, self.made = None, {}  # the tenant's key, and ids that its paths need
        self.n = 0

    def path(self, operation):
        path = operation.pattern
        for name, parameter in operation.parameters_in("path").items():
            path = path.replace("{" + name + "}", self.made.get(name) or parameter["example"])
        query = "&".join(f"{name}={p['example']}" for name, p in operation.parameters_in("query").items() if p.get("required"))
        return path + ("?" + query if query else "")

    def headers(self, operation, body):
        self.n += 1
        headers = {}
        if operation.security:
            headers["Authorization"] = f"Bearer {self.operator if 'operator_key' in operation.security[0] else self.tenant}"
        fields = operation.parameters_in("header")
        if "Idempotency-Key" in fields:
            headers["Idempotency-Key"] = f"story-{self.n}"
        if "If-Match" in fields and not (isinstance(body, dict) and "definitions" in body):
            for path in (self.path(operation), "/v1/config"):
                got = self.stack.http.send("GET", path, None, headers)
                if "etag" in got.headers:
                    return {**headers, "If-Match": got.headers["etag"]}
        return headers

    def send(self, operation, name):
        body = kind = None
        for media, content in operation.body.items():
            if name in content.get("examples", {}):
                kind, body = media, content["examples"][name]["value"]
        headers = self.headers(operation, body)
        raw = None if kind is None else json.dumps(body).encode()
        http = self.stack.http if operation.security else self.stack.admin
        answer = http.send(operation.method, self.path(operation), raw, {**headers, **({"Content-Type": kind} if kind else {})})
        if operation.name == "create_key":
            self.tenant, self.made["key"] = answer.json["key"], answer.json["key_id"]
        if operation.name == "create_token_key":
            self.made["kid"] = answer.json["kid"]
        if operation.name in ("apply_config", "put_definition", "roll_back_config") and answer.status < 300:
            time.sleep(0.6)  # what is read of members may show the former configuration for half a second
        return answer


def shown(operation, name):
    """(status, body) as the description has them; (None, None) where it shows no answer."""
    for status, answer in operation.answers.items():
        for content in answer.content.values():
            if name in content.get("examples", {}):
                return int(status), content["examples"][name]["value"]
    return None, None


def same(expected, got, name=""):
    if isinstance(expected, dict) and isinstance(got, dict):
        return list(expected) == list(got) and all(same(expected[key], got[key], key) for key in expected)
    if isinstance(expected, list) and isinstance(got, list):
        return len(expected) == len(got) and all(same(x, y, name) for x, y in zip(expected, got))
    if isinstance(expected, str) and isinstance(got, str):
        return expected == got or name in OURS or any(form.fullmatch(expected) and form.fullmatch(got) for form in FORMS)
    return type(expected) is type(got) and expected == got


def test_every_example_is_in_the_story():
    told = set()
    for operation in DESCRIPTION.operations.values():
        contents = [*operation.body.values(), *(c for answer in operation.answers.values() for c in answer.content.values())]
        examples = {(operation.name, name) for content in contents for name in content.get("examples", {})}
        told |= examples or {(operation.name, None)}
        json_ones = [content for status, answer in operation.answers.items() if status < "3" for content in answer.content if content == JSON]
        assert examples or not (operation.body or json_ones), f"{operation.name} has no example"
    assert told == set(STORY)


@pytest.fixture(scope="module")
def own(recorder):
    """A stack of its own: on the shared one other tests have set the clock forth and back, and what is newest hangs on it."""
    made = Stack("examples", recorder=recorder).start()
    made.clock.set(NOON)
    yield made
    made.verify()
    made.stop()
    assert made.sanitizer_reports() == []


def test_the_examples_are_what_happens(own):
    story, wrong = Story(own), []
    for name, example in STORY:
        operation = DESCRIPTION.operations[name]
        answer = story.send(operation, example)
        status, body = shown(operation, example)
        if status is None and answer.status >= 300:
            wrong.append(f"{name}, {example}: {answer}")
        if status is not None and (answer.status != status or not same(body, answer.json)):
            wrong.append(f"{name}, {example}: expected {status} {json.dumps(body)}\n    got {answer.status} {answer.body.decode()}")
    assert not wrong, "\n".join(wrong)
