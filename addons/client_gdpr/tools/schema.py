"""What stands in ``data.json`` of a package, as JSON Schema (draft 2020-12). It lies beside the data in the archive."""

from typing import Any, Final

FORMAT: Final = "client-gdpr-package"
VERSION: Final = 1

_TEXT = {"type": "string"}
_MAYBE = {"type": ["string", "null"]}
_COUNT = {"type": "integer", "minimum": 0}
_MOMENT = {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}$"}
_VALUE = {
    "oneOf": [
        {"type": ["string", "number", "boolean", "null"]},
        {"type": "array", "items": {"type": "string"}},
    ]
}


def _record(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {**required, **(optional or {})},
        "required": list(required),
        "additionalProperties": False,
    }


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


SCHEMA: Final[dict[str, Any]] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Answer to a request for access (GDPR Art. 15) or portability (Art. 20)",
    "description": "Moments are UTC. Tables are named as in the system they come from; labels are for people.",
    **_record(
        {
            "format": {"const": FORMAT},
            "version": {"const": VERSION},
            "kind": {"enum": ["access", "portability"]},
            "request": _TEXT,
            "received": _MOMENT,
            "written": _MOMENT,
            "language": _TEXT,
            "information": _list(
                _record({"code": _TEXT, "law": _TEXT, "title": _TEXT, "text": _TEXT, "items": _list(_TEXT)})
            ),
            "grounds": _list(
                _record(
                    {
                        "reason": _TEXT,
                        "kind": {"enum": ["obliging", "permitting"]},
                        "law": _TEXT,
                        "until": _MAYBE,
                        "scope": _list(_TEXT),
                        "source": _TEXT,
                        "label": _TEXT,
                        "words": _TEXT,
                    }
                )
            ),
            "consents": _list(
                _record(
                    {
                        "purpose": _TEXT,
                        "lawful_basis": _MAYBE,
                        "channel": _TEXT,
                        "address": _MAYBE,
                        "state": _TEXT,
                        "since": _MOMENT,
                        "until": _MAYBE,
                        "source": _TEXT,
                        "notice": _MAYBE,
                        "company": {"type": "integer"},
                    }
                )
            ),
            "files": _list(
                _record(
                    {
                        "path": _MAYBE,
                        "name": _TEXT,
                        "kind": _TEXT,
                        "of": _TEXT,
                        "state": {"enum": ["included", "changed", "missing", "deleted", "link"]},
                        "size": _COUNT,
                        "sha256": _MAYBE,
                        "note": _TEXT,
                    }
                )
            ),
            "notes": _list(_TEXT),
            "mentions": _list(_record({"model": _TEXT, "id": _COUNT, "field": _TEXT, "text": _TEXT})),
            "tables": _list(
                _record(
                    {
                        "model": _TEXT,
                        "name": _TEXT,
                        "topic": _TEXT,
                        "count": _COUNT,
                        "fields": {"type": "object", "additionalProperties": _TEXT},
                        "records": _list(
                            _record({"id": _COUNT, "values": {"type": "object", "additionalProperties": _VALUE}})
                        ),
                    }
                )
            ),
            "withheld": _list(
                _record(
                    {
                        "model": _TEXT,
                        "id": _COUNT,
                        "field": _TEXT,
                        "reason": {"enum": ["staff", "address", "number", "account", "name", "hand"]},
                        "count": _COUNT,
                    }
                )
            ),
        }
    ),
}
