"""Requests made from the tables and the API description: for each route a good one, and everything that is wrong with others like it."""
import copy
import re
import sys
from urllib.parse import quote, unquote, urlencode

from accolade import ROOT

sys.path.insert(0, str(ROOT / "tests" / "contract"))
from description import Description, tables  # noqa: E402

DESCRIPTION = Description()
ROUTES = {route["name"]: route for route in tables()["routes"]}
PUBLIC = {name: route for name, route in ROUTES.items() if not route["admin"]}
JSON = "application/json"
QUERIES = ["", "x", "-1", "0", "1.5", "1000000000", "no%20code", "no-such-word", "a:b", "x" * 65, "x" * 129]
WRONG = [None, True, False, 5, -1, 1.5, 10**16, "", "x", "x\u0007y", "no such word", [], [None], [[]], {}, {"x": 1}]


# ---- values that fit a schema ----

def fits(schema, value):
    return not DESCRIPTION.faults(schema, value)


def resolved(schema):
    return {**DESCRIPTION.resolve(schema), **{k: v for k, v in schema.items() if k == "required"}} if "$ref" in schema else schema


def text_of(schema):
    if schema.get("format") == "date-time":
        return "2030-02-13T12:00:00.000Z"
    return "x" * max(schema.get("minLength", 1), 1)


def samples(schema):
    """Values with every member that the schema knows; several, so that each of its alternatives is in one of them."""
    schema = resolved(schema)
    for choice in ("oneOf", "anyOf"):
        if choice in schema:
            own = {k: v for k, v in schema.items() if k not in (choice, "description", "type", "required")}
            return [value for part in schema[choice] for value in samples({**own, **resolved(part)}) if fits(schema, value)]
    if "const" in schema:
        return [schema["const"]]
    if "enum" in schema:
        return [schema["enum"][0]]
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        return objects(schema)
    if kind == "array":
        return [[value] * max(schema.get("minItems", 1), 1) for value in samples(schema.get("items", {}))]
    if kind == "string":
        return [text_of(schema)]
    if kind in ("integer", "number"):
        return [max(schema.get("minimum", 1), 1)]
    return [True]  # a boolean, or anything


def objects(schema):
    each = {name: samples(part) for name, part in schema.get("properties", {}).items()}
    for i, (name, part) in enumerate(schema.get("properties", {}).items()):
        if part.get("format") == "date-time":
            each[name] = [f"2030-02-13T12:00:{i:02d}.000Z"]  # what begins first ends later
    if not each:
        return [{f"x{i}": 1 for i in range(schema.get("minProperties", 0))}]
    first = {name: values[0] for name, values in each.items()}
    return [first] + [{**first, name: value} for name, values in each.items() for value in values[1:]]


# ---- what is wrong with others like it ----

def places(schema, value, at=()):
    """Every place of a value with the schema that holds there: (path, schema, whether it may be left out)."""
    schema = resolved(schema)
    for choice in ("oneOf", "anyOf"):
        if choice in schema:
            part = next((part for part in schema[choice] if fits(part, value)), None)
            if part is not None:
                yield from places(part, value, at)
            return
    if isinstance(value, dict):
        for name, part in schema.get("properties", {}).items():
            if name in value:
                yield at + (name,), part, name not in schema.get("required", [])
                yield from places(part, value[name], at + (name,))
    if isinstance(value, list) and value and "items" in schema:
        yield at + (0,), schema["items"], True
        yield from places(schema["items"], value[0], at + (0,))


def closed_objects(schema, value, at=()):
    """The places of objects that take no further members."""
    schema = resolved(schema)
    for choice in ("oneOf", "anyOf"):
        if choice in schema:
            part = next((part for part in schema[choice] if fits(part, value)), {})
            yield from closed_objects(part, value, at)
            return
    if isinstance(value, dict):
        if schema.get("additionalProperties") is False:
            yield at
        for name, part in schema.get("properties", {}).items():
            if name in value:
                yield from closed_objects(part, value[name], at + (name,))
    if isinstance(value, list) and value and "items" in schema:
        yield from closed_objects(schema["items"], value[0], at + (0,))


def pointer(path):
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def changed(value, path, new):
    """A copy with another value at the path; `new` may be a function of the object or list that holds the place."""
    value = copy.deepcopy(value)
    if not path:
        return new
    holder = value
    for step in path[:-1]:
        holder = holder[step]
    if callable(new):
        new(holder, path[-1])
    else:
        holder[path[-1]] = new
    return value


def beyond_bounds(schema):
    """Values of the right type, just outside of what the schema allows."""
    schema = resolved(schema)
    if "maxLength" in schema:
        yield "x" * (schema["maxLength"] + 1)
    if schema.get("minLength", 0) > 0:
        yield ""
    if "maximum" in schema:
        yield schema["maximum"] + 1
    if "minimum" in schema:
        yield schema["minimum"] - 1
    if "maxItems" in schema:
        (item, *_) = samples(schema.get("items", {}))
        yield [f"{item}{i}" if isinstance(item, str) else item for i in range(schema["maxItems"] + 1)]
    if schema.get("minItems", 0) > 0:
        yield []


def wrong_values(schema, value):
    """(path, body): each with one value that its schema refuses."""
    for path, part, _ in places(schema, value):
        for wrong in [*WRONG, *beyond_bounds(part)]:
            if not fits(part, wrong):
                yield path, changed(value, path, wrong)


def missing_members(schema, value):
    for path, _, optional in places(schema, value):
        if not optional:
            yield path, changed(value, path, lambda holder, step: holder.pop(step))


def unknown_members(schema, value):
    for path in closed_objects(schema, value):
        for name in ("unknown", "a/b~c"):
            yield path + (name,), changed(value, path + (name,), 1)


def schema_without(name, *members):
    schema = DESCRIPTION.node["components"]["schemas"][name]
    return {**schema, "properties": {k: v for k, v in schema["properties"].items() if k not in members}}


def body_schema(name):
    return DESCRIPTION.operations[name].body[JSON]["schema"]


def of_text(schema, text):
    """A query's text as the value that the schema means."""
    if schema.get("type") == "integer" and re.fullmatch(r"-?[0-9]+", text):
        return int(text)
    return text.split(",") if schema.get("type") == "array" else text


def wrong_queries(name):
    """(query, code): each with one parameter that its schema refuses."""
    operation = DESCRIPTION.operations[name]
    yield "nonsense=1", "bad-request"
    yield "%zz=1", "bad-request"
    for parameter, node in operation.parameters_in("query").items():
        schema = DESCRIPTION.resolve(node["schema"])
        wrong = [value for value in QUERIES if not fits(schema, of_text(schema, unquote(value)))]
        wrong += ["yesterday", "2030-02-30T12:00:00Z", "2030-02-13"] if schema.get("format") == "date-time" else []
        if parameter == "cursor":
            wrong = ["", "garbage", "AAAA", "x" * 500]
        for value in wrong:
            yield f"{parameter}={value}", "invalid-cursor" if parameter == "cursor" else "bad-request"
        good = quote(str(node.get("example", samples(node["schema"])[0])))
        yield f"{parameter}={good}&{parameter}={good}", "bad-request"
        yield f"{parameter}=%zz", "bad-request"


# ---- a tenant with everything that a good request speaks of ----

class World:
    """Values for every {…} of a path, twice, and good requests: the examples of the description, sent by a tenant that is like theirs."""
    def __init__(self, stack):
        self.stack = stack
        first = DESCRIPTION.operations["apply_config"].body[JSON]["examples"]["first-configuration"]["value"]
        self.document = {"definitions": first["definitions"]}
        self.tenant = stack.tenant(self.document)
        self.other = stack.tenant()
        self.suspended = stack.tenant()
        stack.cli("tenant", "suspend", self.suspended.code)
        self.operator = stack.env["ACCOLADE_OPERATOR_KEY"]
        for member, event in (("agent-17", "c-8841"), ("agent-18", "c-8842")):
            self.tenant.event(member, "call.completed", source="dialer", id=event, data={"rating": 5})
        ruled = [stack.tenant() for _ in range(2)]  # whom the operator's routes are about
        self.values = [
            {"source": "dialer", "id": event, "member": member, "kind": kind, "code": code, "tenant": t.code, "key": t.make_key()["key_id"],
             "version": version, "kid": stack.cli_json("token-key", "create", t.code, "--algorithm", "HS256", "--name", "test")["kid"]}
            for event, member, kind, code, t, version in (("c-8841", "agent-17", "rule", "call-completed", ruled[0], "1"),
                                                 ("c-8842", "agent-18", "level_ladder", "career", ruled[1], "0"))]
        tenants = "events:write members:read members:write ledger:write config:read config:write rewards:write analytics:read".split()
        self.lesser = {route["scope"]: None for route in PUBLIC.values()}  # keys with every scope but that one
        for scope in self.lesser:
            self.lesser[scope] = self.tenant.new_key(",".join(s for s in tenants if s != scope))
        self.number = 0

    def path(self, route, which=0, **changes):
        """The address, with the query that it needs; changes are put in as they are."""
        path = route["pattern"]
        groups = {"kind": "team", "code": "red"} if path.startswith("/v1/groups/") else {}
        for name, value in {**self.values[which], **groups, **changes}.items():
            path = path.replace("{" + name + "}", value if name in changes else quote(value, safe=""))
        assert "{" not in path, f"{route['name']}: World.values needs something for {path}"
        query = {name: node["example"] for name, node in DESCRIPTION.operations[route["name"]].parameters_in("query").items()
                 if node.get("required")}
        return f"{path}?{urlencode(query)}" if query else path

    def key_of(self, route):
        return self.operator if route["scope"] == "operator" else self.tenant.key

    def fresh(self, prefix="g"):
        self.number += 1
        return f"{prefix}{self.number}-{self.tenant.code}"

    def etag(self, route, which=0):
        """What If-Match needs: the ETag of the same address, else that of the whole configuration."""
        for path in (self.path(route, which), "/v1/config"):
            got = self.stack.http.send("GET", path, None, {"Authorization": f"Bearer {self.key_of(route)}"})
            if got.status == 200 and "etag" in got.headers:
                return got.headers["etag"]
        raise AssertionError(f"{route['name']}: no ETag for If-Match")

    def mend(self):
        """After good requests: what all others speak of is there again."""
        for values in self.values:
            self.tenant.event(values["member"], "call.completed", data={"rating": 5})
            self.tenant.member("restore", values["member"])
            self.stack.cli("tenant", "restore", values["tenant"])
        for member in [row["member"] for row in self.tenant.get("/members").ok()["data"]]:
            if member not in [values["member"] for values in self.values]:
                self.tenant.member("erase", member, "--yes")
        self.tenant.apply(self.document)

    def takes(self, route, header):
        return header in DESCRIPTION.operations[route["name"]].parameters_in("header")

    def good_body(self, route):
        """The first example of the request; None where the route takes none."""
        if not route["body_max"]:
            return None
        examples = DESCRIPTION.operations[route["name"]].body[JSON].get("examples")
        assert examples, f"{route['name']}: the description has no example of its request"
        body = copy.deepcopy(next(iter(examples.values()))["value"])
        if isinstance(body, dict):
            if self.takes(route, "If-Match"):
                body.pop("version", None) if "definitions" in body else None
            if "tenant" in body:
                body["tenant"] = self.fresh()
        return body

    def cases(self, route):
        """(label, path, headers, schema, body) for every alternative of what the route takes: nothing in it is wrong by its schema."""
        schema = body_schema(route["name"])
        path, headers = self.path(route), self.headers(route)
        if route["name"] == "put_definition":  # one address for each kind; kind and code stand there
            for kind, name in tables()["kinds"].items():
                own = self.path(route, kind=kind, code="settings" if kind == "settings" else "new-one")
                got = self.stack.http.send("GET", own, None, {"Authorization": headers["Authorization"]})
                for body in samples(DESCRIPTION.node["components"]["schemas"][name]):
                    yield kind, own, {**headers, "If-Match": got.headers.get("etag")}, schema_without(name, "kind", "code"), \
                        {k: v for k, v in body.items() if k not in ("kind", "code")}
            return
        for body in samples(schema):
            if not isinstance(body, dict):
                continue  # of a list each item is refused alone
            if "definitions" in body:
                body["version"] = int(self.etag(route).strip('"v'))
            definition = body.get("definitions", [{}])[0]
            if definition.get("kind") == "settings":
                definition["code"] = "settings"
            yield definition.get("kind", ""), path, headers, schema, body

    def headers(self, route, which=0):
        headers = {"Authorization": f"Bearer {self.key_of(route)}"}
        if route["body_max"]:
            headers["Content-Type"] = JSON
        if route["idempotency"] != "none":
            headers["Idempotency-Key"] = self.fresh("key")
        if self.takes(route, "If-Match"):
            headers["If-Match"] = self.etag(route, which)
        return headers

    def send(self, route, path, raw, headers):
        return self.stack.http.send(route["method"], path, raw, {k: v for k, v in headers.items() if v is not None})
