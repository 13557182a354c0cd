"""Holds api/openapi.yaml against the tables in C: python3 compare.py [FILE]. Each fault is a line; fails where there is one."""
import sys

from description import DESCRIPTION, Description, tables

FRONT = ("502", "504")  # what nginx answers where the workers do not
CLOUDEVENTS = ("application/cloudevents+json", "application/cloudevents-batch+json")


def security_of(route):
    if route["scope"] is None:
        return []
    own = {"operator_key" if route["scope"] == "operator" else "tenant_key": [route["scope"]]}
    others = [{"operator_key": ["operator"]}] if route["operators_too"] else []
    return [own, *others, *([{"member_token": ["self"]}] if route["self"] else [])]


def key_of(operation):
    key = operation.parameters_in("header").get("Idempotency-Key")
    return "none" if key is None else "required" if key.get("required") else "optional"


def schema_name(operation):
    schema = operation.body.get("application/json", {}).get("schema", {})
    return schema.get("$ref", "").rpartition("/")[2] or None


def least_answers(route):
    """What every route of this form can answer: status → problems."""
    wanted = {status: set() for status in FRONT}
    wanted["default"] = set()
    if route["etag"] != "none":
        wanted["304"] = set()
    if route["scope"] is None:
        return {**wanted, "404": {"not-found"}} if route["admin"] else wanted
    bad = {"bad-request"}
    unprocessable = set()
    if route["body_max"]:
        bad.add("malformed-json")
        unprocessable.add("validation-failed")
        wanted["413"], wanted["415"] = {"body-too-large"}, {"unsupported-media-type"}
    if "cursor" in route["query"]:
        bad.add("invalid-cursor")
    if route["idempotency"] != "none":
        bad.add("idempotency-key-invalid")
        unprocessable.add("idempotency-key-reused")
        wanted["409"] = {"in-progress"}
    if route["if_match"] != "none":
        wanted["412"] = {"version-mismatch"}
    if route["if_match"] == "version" and route["write"]:
        wanted["428"] = {"precondition-required"}
    if route["idempotency"] == "required":
        bad.add("idempotency-key-missing")
    if "{" in route["pattern"]:
        wanted["404"] = {"not-found"}
    if unprocessable:
        wanted["422"] = unprocessable
    refused = {"400": bad, "401": {"unauthenticated"}, "403": {"missing-scope", "tenant-suspended"}}
    return {**wanted, **refused, "429": {"rate-limited"}, "503": {"unavailable"}}


def of_route(route, operation):
    for what, in_table, described in (
        ("method", route["method"], operation.method),
        ("path", route["pattern"], operation.pattern),
        ("scope", security_of(route), operation.security),
        ("Idempotency-Key", route["idempotency"], key_of(operation)),
        ("If-Match", route["if_match"] != "none", "If-Match" in operation.parameters_in("header")),
        ("query", sorted(route["query"]), sorted(operation.parameters_in("query"))),
        ("a body", route["body_max"] > 0, bool(operation.body)),
        ("a required body", route["body_required"], operation.body_required),
    ):
        if in_table != described:
            yield f"{what}: {in_table} in the table, {described} in the description"
    compared = "If-None-Match" in operation.parameters_in("header")
    etags = {status for status, answer in operation.answers.items() if "etag" in answer.headers} if route["method"] == "GET" else set()
    if compared != (route["etag"] != "none") or etags != ({"200", "304"} if compared else set()):
        yield f"its ETag is {route['etag']} in the table, which is not what If-None-Match and the headers of 200 and 304 say"
    types = ["application/json", *(CLOUDEVENTS if route["cloudevents"] else ()),
             *(("application/merge-patch+json",) if route["merge_patch"] else ())]
    if operation.body and sorted(operation.body) != sorted(types):
        yield f"the body is sent as {sorted(types)}, not as {sorted(operation.body)}"
    if route["body"] and schema_name(operation) != route["body"]:
        yield f"the body is a {route['body']}, not a {schema_name(operation)}"
    for status, codes in least_answers(route).items():
        if status not in operation.answers:
            yield f"{status} is not described"
        elif codes - operation.answers[status].codes:
            yield f"{status} can be {', '.join(sorted(codes - operation.answers[status].codes))}, which is not described"
    for status, answer in operation.answers.items():
        replayed = "idempotency-replayed" in answer.headers
        if status.startswith("2") and route["idempotency"] != "none" and not replayed:
            yield f"{status} can be a repeat: Idempotency-Replayed is not described"


def of_answers(operation, statuses):
    for status, answer in operation.answers.items():
        if status.startswith("2") or status == "304":
            continue
        if list(answer.content) != ["application/problem+json"]:
            yield f"{status} is not a problem"
        if not answer.codes:
            yield f"{status} does not say which problems it can be"
        for code in answer.codes:
            if code not in statuses:
                yield f"{status} names a problem that does not exist: {code}"
            elif status != "default" and statuses[code] != int(status):
                yield f"{status} can never be {code}, which is {statuses[code]}"


def faults(description, told):
    routes = {route["name"]: route for route in told["routes"]}
    statuses = {problem["code"]: problem["status"] for problem in told["problems"]}
    yield from (f"{name}: a route that is not described" for name in routes if name not in description.operations)
    seen = {"method-not-allowed"}  # of no route; the introduction describes it
    for name, operation in description.operations.items():
        if name not in routes:
            yield f"{name}: described, but there is no such route"
            continue
        yield from (f"{name}: {fault}" for fault in of_route(routes[name], operation))
        yield from (f"{name}: {fault}" for fault in of_answers(operation, statuses))
        seen.update(*(answer.codes for answer in operation.answers.values()))
    yield from (f"{code}: a problem that no answer can be" for code in statuses if code not in seen)


def main(arguments):
    found = list(faults(Description(arguments[0] if arguments else DESCRIPTION), tables()))
    for fault in found:
        print(fault, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
