"""api/openapi.yaml as checks and tests use it, and what the tables in C say (api/describe.c)."""
import functools
import json
import os
import subprocess
from pathlib import Path
from urllib.parse import unquote

import jsonschema
import yaml

ROOT = Path(__file__).resolve().parents[2]
DESCRIPTION = ROOT / "api" / "openapi.yaml"
METHODS = ("get", "put", "post", "patch", "delete")


@functools.lru_cache
def tables():
    """Routes, problems, words, kinds and schemas, as the program prints them."""
    out = Path(os.environ.get("OUT", ROOT / "build" / os.environ.get("BUILD", "dev")))
    return json.loads(subprocess.run([out / "api" / "describe"], capture_output=True, text=True, check=True, cwd=ROOT).stdout)


class Answer:
    """One documented answer of an operation."""
    def __init__(self, description, node):
        self.description = description
        self.headers = {name.lower(): description.resolve(header) for name, header in node.get("headers", {}).items()}
        self.content = {kind: description.resolve(media) for kind, media in node.get("content", {}).items()}

    @functools.cached_property
    def codes(self):
        """The problems that it can be."""
        return self.description.problem_codes(self.content.get("application/problem+json", {}).get("schema", {}))


class Operation:
    def __init__(self, description, pattern, method, item):
        node = item[method]
        self.pattern, self.method, self.node = pattern, method.upper(), node
        self.name = node.get("operationId", f"{method} {pattern}")
        self.parameters = [description.resolve(p) for p in item.get("parameters", []) + node.get("parameters", [])]
        body = description.resolve(node.get("requestBody", {}))
        self.body_required = body.get("required", False)
        self.body = body.get("content", {})
        self.answers = {str(status): Answer(description, description.resolve(answer)) for status, answer in node["responses"].items()}
        self.security = node.get("security")
        self.segments = pattern.split("/")

    def takes(self, segments):
        """Whether these decoded segments of a path are its own."""
        return len(segments) == len(self.segments) and all(mine == other or (mine.startswith("{") and other)
                                                           for mine, other in zip(self.segments, segments))

    def parameters_in(self, place):
        return {p["name"]: p for p in self.parameters if p["in"] == place}


class Description:
    def __init__(self, path=DESCRIPTION):
        self.node = yaml.load(Path(path).read_text(), yaml.CSafeLoader)
        self.operations = {}
        for pattern, item in self.node["paths"].items():
            for method in METHODS:
                if method in item:
                    operation = Operation(self, pattern, method, item)
                    self.operations[operation.name] = operation
        self.validators = {}

    def resolve(self, node):
        while "$ref" in node:
            reference = node["$ref"]
            node = self.node
            for step in reference.removeprefix("#/").split("/"):
                node = node[step.replace("~1", "/").replace("~0", "~")]
        return node

    def problem_codes(self, schema):
        """All values that a schema of problems allows for `code`, beside the base schema's list of all codes."""
        if "$ref" in schema:
            return set()
        code = schema.get("properties", {}).get("code", {})
        found = set(code.get("enum", [])) | ({code["const"]} if "const" in code else set())
        for part in schema.get("allOf", []) + schema.get("oneOf", []):
            found |= self.problem_codes(part)
        return found

    def match(self, method, target):
        """The operations whose path is that of the raw target: the one of this method, or None, and all of them."""
        segments = [unquote(segment) for segment in target.partition("?")[0].split("/")]
        same = [o for o in self.operations.values() if o.takes(segments)]
        # A literal goes before a parameter, as in /config/versions and /config/{kind}.
        fewest = min((o.pattern.count("{") for o in same if o.method == method), default=0)
        exact = [o for o in same if o.method == method and o.pattern.count("{") == fewest]
        return (exact[0] if exact else None), same

    def faults(self, schema, value):
        """What of a value does not fit a schema of the description."""
        key = id(schema)
        if key not in self.validators:
            whole = {**schema, "components": self.node["components"]}
            self.validators[key] = jsonschema.Draft202012Validator(whole)
        return [f"{'/'.join(map(str, e.absolute_path)) or 'the whole'}: {e.message[:300]}" for e in self.validators[key].iter_errors(value)]
