"""The receipt: a record of one answer as ISO/IEC TS 27560 arranges it, in terms of the Data Privacy Vocabulary.

Sections: header, processing, parties, events; beside them ``proof``, with which its holder checks everything alone:
the salt and the canonical payload give the commitment, the inclusion proof leads from there to a signed checkpoint.

What the ledger itself says stands in the payload and, readable, in the sections. :func:`check` compares the two, so
a receipt whose readable part was changed is found out, by us and by anybody else.
"""

import json
import re
from dataclasses import dataclass, field
from typing import Any

from . import commitment as commitments
from .canonical import canonical, parse
from .errors import CommitmentMismatch, NoReceipt, NotCanonical, UnknownAlgorithm

SCHEMA = "ISO/IEC TS 27560:2023"
#: A receipt is some kilobytes; what is much larger is something else.
LONGEST = 256 << 10
#: How this vocabulary's short names are spelled out; ``w3id.org`` redirects to the release of the day.
CONTEXT = {
    "dct": "http://purl.org/dc/terms/",
    "dpv": "https://w3id.org/dpv#",
    "eu-gdpr": "https://w3id.org/dpv/legal/eu/gdpr#",
    "pd": "https://w3id.org/dpv/pd#",
    "schema_version": "dct:conformsTo",
    "record_id": "dct:identifier",
    "pii_principal_id": "dpv:hasDataSubject",
    "privacy_notice": "dpv:hasNotice",
    "language": "dct:language",
    "purposes": "dpv:hasPurpose",
    "lawful_basis": "dpv:hasLegalBasis",
    "pii_information": "dpv:hasPersonalData",
    "pii_controllers": "dpv:hasDataController",
    "collection_method": "dpv:hasDataSource",
    "storage_locations": "dpv:hasLocation",
    "retention_period": "dpv:hasDuration",
    "jurisdiction": "dpv:hasJurisdiction",
    "recipient_third_parties": "dpv:hasRecipient",
    "withdrawal_method": "dpv:hasConsentControl",
    "privacy_rights": "dpv:hasRight",
    "party_name": "dpv:hasName",
    "party_contact": "dpv:hasContact",
    "party_address": "dpv:hasAddress",
    "event_time": "dct:date",
    "valid_until": "dct:valid",
    "event_state": "dpv:hasConsentStatus",
    "event_type": "dpv:hasConsentType",
}
LAWFUL_BASES = {
    "consent": "eu-gdpr:A6-1-a",
    "contract": "eu-gdpr:A6-1-b",
    "legal_obligation": "eu-gdpr:A6-1-c",
    "vital": "eu-gdpr:A6-1-d",
    "public_task": "eu-gdpr:A6-1-e",
    "legitimate_interest": "eu-gdpr:A6-1-f",
}
STATES = {
    "requested": "dpv:ConsentRequested",
    "pending": "dpv:ConsentRequestDeferred",
    "given": "dpv:ConsentGiven",
    "informed": "dpv:LegitimateInterestInformed",
    "refused": "dpv:ConsentRefused",
    "withdrawn": "dpv:ConsentWithdrawn",
    "objected": "dpv:LegitimateInterestObjected",
}
EVENT_TYPES = {"given": "dpv:ExpressedConsent"}
PERSONAL_DATA = {
    "email": "pd:EmailAddress",
    "sms": "pd:TelephoneNumber",
    "phone": "pd:TelephoneNumber",
    "messenger": "pd:TelephoneNumber",
    "post": "pd:PhysicalAddress",
}
RIGHTS = [f"eu-gdpr:{right}" for right in ("A7-3", "A15", "A16", "A17", "A18", "A20", "A21", "A77")]

_NUMBER = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Party:
    """Who is named in a receipt. ``number`` tells parties of one receipt apart."""

    number: str
    role: str
    name: str
    address: str = ""
    email: str = ""
    phone: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """What stands in a receipt beside the ledger's own words.

    ``notice_url`` and ``notice_title`` belong to the text that was seen; ``recipients`` are words for people,
    ``countries`` and ``jurisdiction`` codes of ISO 3166; ``withdrawal`` says how to take the answer back.
    """

    purpose_name: str
    purpose_description: str
    controller: Party
    contact: Party | None
    language: str
    withdrawal: str
    jurisdiction: str = ""
    recipients: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    notice_title: str = ""
    notice_url: str = ""
    inclusion: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """What somebody holds: number and commitment of a receipt, and where its readable part disagrees with its proof."""

    number: str
    commitment: str
    algorithm: str
    contradictions: tuple[str, ...] = field(default=())


def record(payload: bytes, salt: bytes, algorithm: str, facts: Facts) -> dict[str, Any]:
    """The receipt of the event with this canonical payload, as JSON values."""
    said = parse(payload)
    result = _readable(said)
    purpose = result["processing"]["purposes"][0]
    purpose |= {"name": facts.purpose_name, "description": facts.purpose_description}
    result["processing"] |= {
        "language": facts.language,
        "pii_controllers": [facts.controller.number],
        "storage_locations": list(facts.countries),
        "retention_period": {"until": said["until"]} if said["until"] else {"until": "withdrawal"},
        "jurisdiction": facts.jurisdiction,
        "recipient_third_parties": list(facts.recipients),
        "withdrawal_method": {"type": "dpv:WithdrawConsent", "how": facts.withdrawal},
        "privacy_rights": RIGHTS,
    }
    if said["notice"]:
        result["processing"]["privacy_notice"] |= {"title": facts.notice_title, "url": facts.notice_url}
    result["parties"] = [_party(party) for party in (facts.controller, facts.contact) if party]
    result["events"][0] |= {"entity_id": said["subject"], "event_type": EVENT_TYPES.get(said["kind"], "dpv:Consent")}
    result["proof"] = {
        "algorithm": algorithm,
        "commitment": commitments.commit(salt, payload, algorithm),
        "salt": bytes(salt).hex(),
        "payload": bytes(payload).decode(),
        "how": "commitment = SHA-256(salt || payload), leaf = SHA-256(0x00 || commitment), from there RFC 6962",
    }
    if facts.inclusion:
        result["proof"]["inclusion"] = facts.inclusion
    return {"@context": CONTEXT, **result}


def as_bytes(receipt: dict[str, Any]) -> bytes:
    """The file that is handed out: canonical JSON."""
    return canonical(receipt)


def check(text: str | bytes) -> Held:
    """What a text proves that somebody holds as a receipt.

    :raises NoReceipt: when it is none: no JSON, a part is missing, or of a form that is never handed out
    """
    if len(text) > LONGEST:
        raise NoReceipt("longer than any receipt")
    try:
        document = json.loads(text)
        proof = document["proof"]
        number = document["header"]["record_id"]
        payload, salt = proof["payload"].encode(), bytes.fromhex(proof["salt"])
        said = parse(payload)
        commitments.check(proof["commitment"], salt, payload, proof["algorithm"])
        wanted = _readable(said)
    except (CommitmentMismatch, NotCanonical):
        # the bytes in its proof were changed: it is a receipt, but no longer ours
        claimed = (str(proof.get("commitment", "")), str(proof.get("algorithm", "")))
        return Held(number_in(number), *claimed, ("proof.payload",))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, UnknownAlgorithm) as error:
        raise NoReceipt("not JSON, or parts are missing") from error
    return Held(number_in(number), proof["commitment"], proof["algorithm"], tuple(_differences(wanted, document, "")))


def number_in(text: str) -> str:
    """A receipt number as somebody types it, in its one form.

    >>> number_in(" 3F2504E0-4F89-41D3-9A0C-0305E82C3301 ")
    '3f2504e0-4f89-41d3-9a0c-0305e82c3301'

    :raises NoReceipt: when it is none
    """
    number = text.strip().lower() if isinstance(text, str) else ""
    if not _NUMBER.fullmatch(number):
        raise NoReceipt("not a receipt number")
    return number


def _readable(said):
    """The part of a receipt that follows from the ledger's payload alone."""
    return {
        "header": {
            "schema_version": SCHEMA,
            "record_id": said["receipt"],
            "receipt_id": said["receipt"],
            "pii_principal_id": said["subject"],
        },
        "processing": {
            "privacy_notice": said["notice"] and dict(said["notice"]),
            "purposes": [
                {
                    "purpose": said["purpose"],
                    "lawful_basis": LAWFUL_BASES.get(said["lawful_basis"], said["lawful_basis"]),
                    "service": said["channel"],
                    "pii_information": [
                        {"pii_type": PERSONAL_DATA.get(said["channel"], "dpv:PersonalData"), "value": said["address"]}
                    ],
                }
            ],
            "collection_method": said["source"],
        },
        "events": [
            {
                "event_time": said["at"],
                "recorded_at": said["recorded_at"],
                "valid_until": said["until"],
                "event_kind": said["kind"],
                "event_state": STATES.get(said["kind"], "dpv:ConsentUnknown"),
                "detail": said.get("detail"),
                "evidence": said.get("evidence") or [],
            }
        ],
    }


def _differences(wanted, held, path):
    """Where ``held`` says something else than ``wanted``; what it says beyond is not the ledger's business."""
    if isinstance(wanted, dict):
        for key, value in wanted.items():
            if not isinstance(held, dict) or key not in held:
                yield f"{path}{key}"
            else:
                yield from _differences(value, held[key], f"{path}{key}.")
    elif isinstance(wanted, list):
        if not isinstance(held, list) or len(held) != len(wanted):
            yield path.rstrip(".")
        else:
            for place, value in enumerate(wanted):
                yield from _differences(value, held[place], f"{path}{place}.")
    elif wanted != held or type(wanted) is not type(held):
        yield path.rstrip(".")


def _party(party):
    values = {
        "party_id": party.number,
        "party_type": party.role,
        "party_name": party.name,
        "party_address": party.address,
        "party_contact": party.email or party.phone or party.url,
        "party_email": party.email,
        "party_phone": party.phone,
        "party_url": party.url,
    }
    return {key: value for key, value in values.items() if value}
