from odoo import fields, models


class ResCompany(models.Model):
    _inherit = "res.company"

    consent_dpo_email = fields.Char(
        "Privacy contact (e-mail)", help="Where people turn with questions about their data; printed on receipts."
    )
    consent_evidence_megabytes = fields.Integer(
        "Largest evidence file (MB)", default=25, help="Files larger than this are refused when a consent is recorded."
    )
    consent_evidence_months = fields.Integer(
        "Keep evidence after the end (months)",
        default=36,
        help="Evidence is shredded this long after the consent ended: as long as somebody may still ask for proof.",
    )
    consent_send_receipts = fields.Boolean(
        "Send receipts",
        help="Everybody with an e-mail address gets a receipt of each answer that is recorded.",
    )
