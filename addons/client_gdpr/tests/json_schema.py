"""The part of JSON Schema (draft 2020-12) that the packages use; a word it does not know is an error, not ignored."""

import re

TYPES = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}
KNOWN = {
    "$schema", "title", "description", "type", "properties", "required", "additionalProperties", "items", "enum",
    "const", "pattern", "minimum", "oneOf",
}  # fmt: skip


def problems(schema, value, place="$"):
    """Yield what does not fit, with its place."""
    if unknown := schema.keys() - KNOWN:
        raise ValueError(f"{place}: unknown words {sorted(unknown)}")
    if "const" in schema and value != schema["const"]:
        yield f"{place}: not {schema['const']!r}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{place}: {value!r} is none of {schema['enum']}"
    if "oneOf" in schema:
        fitting = sum(not list(problems(branch, value, place)) for branch in schema["oneOf"])
        if fitting != 1:
            yield f"{place}: fits {fitting} of the branches"
    if "type" in schema and not _is_of(schema["type"], value):
        yield f"{place}: {type(value).__name__} instead of {schema['type']}"
        return
    if isinstance(value, str) and "pattern" in schema and not re.search(schema["pattern"], value):
        yield f"{place}: does not look like {schema['pattern']}"
    if "minimum" in schema and value < schema["minimum"]:
        yield f"{place}: below {schema['minimum']}"
    if isinstance(value, list) and "items" in schema:
        for number, item in enumerate(value):
            yield from problems(schema["items"], item, f"{place}[{number}]")
    if isinstance(value, dict):
        yield from _of_object(schema, value, place)


def _of_object(schema, value, place):
    properties, others = schema.get("properties", {}), schema.get("additionalProperties", True)
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{place}: {name} is missing"
    for name, item in value.items():
        if name in properties:
            yield from problems(properties[name], item, f"{place}.{name}")
        elif others is False:
            yield f"{place}: {name} is not expected"
        elif isinstance(others, dict):
            yield from problems(others, item, f"{place}.{name}")


def _is_of(names, value):
    names = [names] if isinstance(names, str) else names
    return any(isinstance(value, TYPES[name]) and (name == "boolean" or not isinstance(value, bool)) for name in names)
