from odoo import fields, models

from .consent_event import SOURCES

KINDS = [
    ("scan", "Scan or photo of the signed form"),
    ("recording", "Recording of the call"),
    ("message", "The message itself"),
    ("contract", "Signed contract"),
    ("proof", "Seller's proof of this person's consent"),
]
#: Where nothing but the evidence shows that the person said it.
DEMANDED = {
    "paper": "scan",
    "phone": "recording",
    "sms_keyword": "message",
    "contract": "contract",
    "bought": "proof",
}


class ConsentPurposeEvidence(models.Model):
    """What must be kept when an answer was obtained in a certain way; without it the answer waits and lapses."""

    _name = "consent.purpose.evidence"
    _description = "Evidence Demanded for a Purpose"
    _order = "purpose_id, source"
    _rec_name = "source"

    purpose_id = fields.Many2one("consent.purpose", required=True, index=True, ondelete="cascade")
    source = fields.Selection(SOURCES, "Obtained by", required=True)
    kind = fields.Selection(KINDS, "What shows it", required=True, default="scan")

    _source_once = models.Constraint(
        "unique(purpose_id, source)", "This way of obtaining an answer stands in the list already."
    )
