"""Holds recorded requests and answers against api/openapi.yaml: python3 recorded.py FILE…

The tests write one JSON line for each request (tests/system/accolade.py, Recorder). Every answer must be one that the description
has: status, content type, header fields, body; and a request that was accepted must be one that it allows. What is described and was never
answered is told too: a route, a status of a route, a problem. What no test can bring about stands in NEVER_SEEN, each with its reason.
"""
import json
import re
import sys
from collections import Counter
from urllib.parse import unquote

from description import Description
from description import tables

CUT = 200_000  # the recorder keeps no more of a body
REQUEST_ID = re.compile(r'(?<="request_id":")[A-Za-z0-9-]+')
PROBLEM = {"$ref": "#/components/schemas/Problem"}
# Fields of an answer that mean something to a client: undocumented they may not be there.
MEANT = {"accept-encoding", "allow", "etag", "idempotency-replayed", "location", "ratelimit", "ratelimit-policy", "retry-after", "www-authenticate"}
# Of addresses and methods that are not described.
NOWHERE = {"bad-request", "not-found", "method-not-allowed", "body-too-large", "uri-too-long", "headers-too-large", "rate-limited",
           "bad-gateway", "timeout"}

# (route, status) or problem → why nobody saw it. "*" is any route.
NEVER_SEEN = {}


def parsed(text):
    """(value, None), or (None, what is wrong); a body that the recorder cut is not looked at."""
    if text is None or len(text) >= CUT:
        return None, None
    try:
        return json.loads(text), None
    except ValueError as error:
        return None, f"not JSON: {error}"


class Checked:
    def __init__(self, description=None):
        self.description = description or Description()
        self.faults = Counter()    # text → how often
        self.examples = {}         # text → where it was first seen
        self.fitting = set()       # bodies that were found good, without their request ids: most are alike
        self.statuses = Counter()  # (route, status)
        self.problems = Counter()

    # -- one line --

    def note(self, line):
        for fault in self.of_line(line):
            self.faults[fault] += 1
            sent, got = f"{line['method']} {line['target'][:200]}", f"{line['status']} {line['answer'][:300]}"
            self.examples.setdefault(fault, f"{line['test']}: {sent} → {got}")

    def of_line(self, line):
        head = line["method"] == "HEAD"
        operation, same = self.description.match("GET" if head else line["method"], line["target"])
        if head:
            yield from self.of_head(line, operation)
            return
        answer, broken = parsed(line["answer"])
        code = answer.get("code") if isinstance(answer, dict) and line["status"] >= 400 else None
        self.problems[code] += 1
        if operation is None:
            yield from self.of_nowhere(line, same, answer, code)
            return
        self.statuses[operation.name, str(line["status"])] += 1
        documented, of_any = operation.answers.get(str(line["status"])), operation.answers.get("default")
        if documented is None and of_any is not None and code in of_any.codes:
            documented = of_any
        where = f"{operation.name} {line['status']}"
        if documented is None:
            yield f"{where}{' ' + code if code else ''}: is not described"
            return
        yield from (f"{where}: {fault}" for fault in self.of_answer(line, documented, answer, broken))
        if line["status"] < 300:
            yield from (f"{where}: the request was accepted, but {fault}" for fault in self.of_request(line, operation, answer))

    def of_head(self, line, operation):
        """As GET, without the body: only that its status is described can be seen."""
        if line["answer"]:
            yield "HEAD: has a body"
        if operation is not None and str(line["status"]) not in operation.answers:
            yield f"{operation.name} {line['status']}: HEAD gets what is not described"

    def of_nowhere(self, line, same, answer, code):
        """An address or method that is not described can only be refused."""
        where = f"{'another method' if same else 'no route'} {line['status']}"
        if line["answer_headers"].get("content-type") != "application/problem+json" or code not in NOWHERE:
            yield f"{where}: is no problem of such addresses"
            return
        yield from (f"{where}: {fault}" for fault in self.description.faults(PROBLEM, answer))
        if line["status"] == 405 and "allow" in line["answer_headers"]:  # of what nginx itself refuses, TRACE, it says nothing more
            allowed = {o.method for o in same} | ({"HEAD"} if any(o.method == "GET" for o in same) else set())
            said = set(line["answer_headers"]["allow"].split(", "))
            if allowed != said:
                yield f"{where}: Allow says {sorted(said)}, described are {sorted(allowed)}"

    def of_answer(self, line, documented, answer, broken):
        headers = line["answer_headers"]
        for name, header in documented.headers.items():
            if name not in headers:
                if header.get("required"):
                    yield f"{name} is missing"
            else:
                yield from (f"{name}: {fault}" for fault in self.description.faults(header["schema"], headers[name]))
        yield from (f"{name} is not described" for name in sorted(MEANT & set(headers) - set(documented.headers)))
        if not documented.content:
            if line["answer"] or "content-type" in headers:
                yield "has a body"
            return
        kind = headers.get("content-type")
        if kind not in documented.content:
            yield f"the content type is {kind}"
        elif "json" not in kind:
            yield from self.description.faults(documented.content[kind]["schema"], line["answer"])
        elif broken:
            yield broken
        elif len(line["answer"]) < CUT:
            yield from self.of_body(line, documented.content[kind]["schema"], answer)

    def of_body(self, line, schema, answer):
        key = (id(schema), line["status"], REQUEST_ID.sub("", line["answer"]))
        if key in self.fitting:
            return
        found = self.description.faults(schema, answer)
        if line["status"] >= 400 and answer.get("status") != line["status"]:
            found.append(f"the problem says {answer.get('status')}")
        if not found:
            self.fitting.add(key)
        yield from found

    def of_request(self, line, operation, answer):
        query = {pair.partition("=")[0] for pair in line["target"].partition("?")[2].split("&") if pair}
        yield from (f"{name} is not described" for name in sorted(query - set(operation.parameters_in("query"))))
        for name, parameter in operation.parameters_in("header").items():
            if parameter.get("required") and name.lower() not in line["headers"]:
                yield f"{name} is described as required"
        sent = line["headers"].get("content-type", "").partition(";")[0].strip().lower()
        if any(name.startswith("ce-") for name in line["headers"]):
            yield from self.of_binary(line, operation, sent)
            return
        chunked = line["body"] is None and "transfer-encoding" in line["headers"]  # not put together again
        if not operation.body or chunked or (not line["body"] and not operation.body_required):
            return
        if sent not in operation.body:
            yield f"the content type {sent} is not described"
            return
        body, broken = parsed(line["body"])
        if broken or len(line["body"]) >= CUT:
            return  # not UTF-8 as it was recorded, or cut
        yield from self.description.faults(operation.body[sent]["schema"], accepted(body, answer))

    def of_binary(self, line, operation, sent):
        """A CloudEvent in binary mode: its attributes are header fields, the body is data alone."""
        mode, known = operation.node.get("x-cloudevents-binary"), operation.parameters_in("header")
        if mode is None:
            yield "header fields of CloudEvents are not described"
            return
        fields = {name: unquote(value) for name, value in line["headers"].items() if name.startswith("ce-")}
        yield from (f"{name} is described as required" for name in mode["required"] if name not in fields)
        if not set(mode["one_of"]) & set(fields):
            yield f"one of {', '.join(mode['one_of'])} is described as required"
        for name, value in fields.items():
            if name in known:
                yield from (f"{name}: {fault}" for fault in self.description.faults(known[name]["schema"], value))
            elif not re.fullmatch(mode["extensions"], name):
                yield f"{name} is not described"
        body, broken = parsed(line["body"])
        if line["body"] and sent != "application/json":
            yield f"the content type {sent} is not described"
        elif line["body"] and not broken and len(line["body"]) < CUT:
            yield from self.description.faults(mode["data"], body)

    # -- all of them --

    def unseen(self):
        """What is described, and was never answered in a whole run."""
        excused = set()

        def missing(key, what):
            if key not in NEVER_SEEN:
                yield what
            excused.add(key)

        for operation in self.description.operations.values():
            for status in operation.answers:
                if status != "default" and (operation.name, status) not in self.statuses:
                    general = ("*", status)
                    key = general if general in NEVER_SEEN else (operation.name, status)
                    yield from missing(key, f"{operation.name}: no test saw {status}")
        for problem in tables()["problems"]:
            if problem["code"] not in self.problems:
                yield from missing(problem["code"], f"{problem['code']}: no test saw this problem")
        yield from (f"{key}: stands in NEVER_SEEN, and was seen" for key in NEVER_SEEN if key not in excused)


def accepted(body, answer):
    """Of a list only the items that were not rejected."""
    results = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(body, list) or not isinstance(results, list):
        return body
    return [item for item, result in zip(body, results) if result.get("status") != "rejected"]


def check(paths):
    checked = Checked()
    for path in paths:
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                checked.note(json.loads(line))
    return checked


def report(checked):
    return [f"{fault} ({n} times)\n    {checked.examples[fault]}" for fault, n in checked.faults.most_common()]


if __name__ == "__main__":
    done = check(sys.argv[1:])
    told = report(done) + list(done.unseen())
    print("\n".join(told))
    sys.exit(1 if told else 0)
