import base64
import hashlib
import hmac
import json
from collections import defaultdict
from datetime import date, datetime

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ..models.gdpr_data_map import PERSON


class GdprVault(models.Model):
    """Identity values moved out of a sealed row, encrypted under the key of their subject."""

    _name = "gdpr.vault"
    _description = "Sealed Identity"
    _rec_name = "res_id"

    model_name = fields.Char("Model", required=True, readonly=True)
    res_id = fields.Many2oneReference("Record", model_field="model_name", required=True, readonly=True)
    subject_id = fields.Many2one("consent.subject", required=True, readonly=True, index=True, ondelete="restrict")
    request_id = fields.Many2one("gdpr.request", readonly=True, index="btree_not_null", ondelete="restrict")
    kind = fields.Selection([("block", "Blocked after erasure")], required=True, readonly=True)
    law = fields.Char(readonly=True)
    until = fields.Date(readonly=True, help="Last day on which the law needs these values.")
    payload = fields.Binary(attachment=False, required=True, readonly=True, groups=fields.NO_ACCESS)
    mailbox_digest = fields.Char(readonly=True, index="btree_not_null", groups=fields.NO_ACCESS)
    number_digest = fields.Char(readonly=True, index="btree_not_null", groups=fields.NO_ACCESS)

    _one_per_record = models.Constraint("unique(model_name, res_id)", "This record is sealed already.")

    @api.model
    def _seal(self, model, sealings, kind):
        """Move values into the vault and leave the placeholder in the rows.

        :param sealings: list of :class:`Sealing`, one a record
        :raises UserError: when a record is sealed already, or the key cannot be used
        """
        records = self.env[model].browse(sealing.res_id for sealing in sealings)
        if self.search_count([("model_name", "=", model), ("res_id", "in", records.ids)]):
            raise UserError(self.env._("One of the records is sealed already: cancel this request."))
        partners = records if model == PERSON else records.partner_id
        subjects = self.env["consent.subject"]._of_partners(partners, create=True)
        vals_list, ring = [], self.env["consent.key"]._ring()
        for record, sealing in zip(records, sealings, strict=True):
            subject = subjects[record.id if model == PERSON else record.partner_id.id]
            payload = subject._encrypt(self._pack(record, sealing.fields), self._associated(model, record.id))
            vals_list.append(
                {
                    "model_name": model,
                    "res_id": record.id,
                    "subject_id": subject.id,
                    "request_id": sealing.request_id,
                    "kind": kind,
                    "law": sealing.law,
                    "until": sealing.until,
                    "payload": base64.b64encode(payload),
                    **(self._digests(ring, record.email_normalized, record.phone_sanitized) if model == PERSON else {}),
                }
            )
        rows = self.create(vals_list)
        of_fields = defaultdict(list)
        for sealing in sealings:
            of_fields[sealing.fields].append(sealing.res_id)
        for names, ids in of_fields.items():
            self.env["gdpr.executor"]._blank(model, ids, [n for n in names if self._leaves_row(model, n)])
        return rows

    @api.model
    def _leaves_row(self, model, name):
        """Whether sealing takes the field out of the row; the data map may leave it, as it does the country."""
        row = self.env["gdpr.data.map"]._declarations().get((model, name))
        return not row or row.on_seal != "leave"

    # -- sealed addresses ----------------------------------------------------------------------------

    def _digests(self, ring, email, phone):
        """Keyed digests by which a sealed contact is found again by whoever knows the address, and by nobody else."""
        key = ring.derive("address-digest")

        def digest(address):
            return address and hmac.new(key, address.encode(), hashlib.sha256).hexdigest()

        return {"mailbox_digest": digest(email), "number_digest": digest(phone)}

    @api.model
    def _partners_at(self, addresses):
        """Sealed contacts by their normalised e-mail address or phone number: address → contact id."""
        if not addresses or not self.search_count([], limit=1):
            return {}
        ring, of_digest = self.env["consent.key"]._ring(), {}
        for address in addresses:
            of_digest[self._digests(ring, address, None)["mailbox_digest"]] = address
        rows = self.search(
            [
                ("model_name", "=", PERSON),
                "|",
                ("mailbox_digest", "in", list(of_digest)),
                ("number_digest", "in", list(of_digest)),
            ]
        )
        return {
            of_digest[digest]: row.res_id
            for row in rows
            for digest in (row.mailbox_digest, row.number_digest)
            if digest in of_digest
        }

    @staticmethod
    def _associated(model, res_id):
        return f"gdpr.vault/{model}/{res_id}".encode()

    def _pack(self, record, names):
        columns = SQL(", ").join(SQL.identifier(name) for name in names if record._fields[name].column_type)
        [row] = self.env.execute_query_dict(
            SQL("SELECT %s FROM %s WHERE id = %s", columns, SQL.identifier(record._table), record.id)
        )
        return json.dumps(row, default=self._plain, sort_keys=True).encode()

    @staticmethod
    def _plain(value):
        if isinstance(value, date | datetime):
            return value.isoformat()
        raise TypeError(f"{type(value).__name__} cannot be sealed")

    def _open(self):
        """The sealed values of one row: field → value. Callers check rights and write the log."""
        self.ensure_one()
        payload = base64.b64decode(self.sudo().payload)
        return json.loads(self.subject_id._decrypt(payload, self._associated(self.model_name, self.res_id)))
