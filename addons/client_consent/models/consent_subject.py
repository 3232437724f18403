import base64
import os
import uuid

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ..tools import keys
from ..tools.errors import CannotDecrypt
from .consent_key import FINGERPRINT


class ConsentSubject(models.Model):
    """The natural person as the ledger knows them: a random number and a data key.

    It stands between the ledger and the contact, so that the merge of contacts never rewrites the ledger.
    A contact may have several after a merge; all of them count.
    """

    _name = "consent.subject"
    _description = "Subject of Consents"
    _rec_name = "uuid"

    uuid = fields.Char(required=True, readonly=True, default=lambda self: str(uuid.uuid4()))
    partner_id = fields.Many2one("res.partner", "Contact", index="btree_not_null", ondelete="set null")
    wrapped_key = fields.Binary(attachment=False, readonly=True, groups=fields.NO_ACCESS)

    _uuid_once = models.Constraint("unique(uuid)", "Two subjects cannot have one number.")

    @api.model
    def _of_partners(self, partners, create=False):
        """One subject per contact, the oldest where a merge left several: partner id → subject.

        :param create: make the missing ones, all in one call
        """
        rows = self.env.execute_query(
            SQL(
                "SELECT partner_id, min(id) FROM consent_subject WHERE partner_id = ANY(%s) GROUP BY partner_id",
                partners.ids,
            )
        )
        found = {partner_id: self.sudo().browse(id_) for partner_id, id_ in rows}
        missing = [id_ for id_ in partners.ids if id_ not in found]
        if missing and create:
            made = self.sudo().create([{"partner_id": id_} for id_ in missing])
            self.env.flush_all()
            found.update(zip(missing, made, strict=True))
        return found

    @api.model
    def _also_answering(self, entries):
        """The same answers for the other subjects of these contacts that hold a no about the same thing.

        After a merge a contact has several subjects, and the no of each counts. A later own yes ends them all;
        otherwise a person who once said no on a record that is gone could never say yes again.

        :param entries: of *given* events by the person, see ``consent.event._append``
        """
        if not entries:
            return []
        self.env.flush_all()
        rows = self.env.execute_query(
            SQL(
                """SELECT own.id, b.subject_id, b.purpose_id, b.channel, b.address, b.company_id
                     FROM consent_subject own
                     JOIN consent_subject other ON other.partner_id = own.partner_id AND other.id <> own.id
                     JOIN consent_basis b ON b.subject_id = other.id
                    WHERE own.id = ANY(%s) AND b.state IN ('refused', 'withdrawn', 'objected')""",
                [entry["subject"].id for entry in entries],
            )
        )
        others = {}
        for own, other, *about in rows:
            others.setdefault((own, *about), []).append(other)
        return [
            {**entry, "subject": self.sudo().browse(other)}
            for entry in entries
            for other in others.get(
                (
                    entry["subject"].id,
                    entry["purpose"].id,
                    entry["channel"],
                    entry["address"],
                    entry["company"].id,
                ),
                (),
            )
        ]

    def _data_key(self):
        """The 32-byte key of this subject; made at first use, wrapped under the key ring."""
        self.ensure_one()
        return self._data_keys()[self.id]

    def _data_keys(self):
        """The keys of these subjects: id → 32 bytes; see :meth:`_data_key`."""
        subjects, found = self.sudo(), {}
        wrap = self.env["consent.key"]._ring().derive("subject-wrap")
        new = subjects.filtered(lambda subject: not subject.wrapped_key)
        for subject in new:
            found[subject.id] = os.urandom(32)
            wrapped = keys.encrypt(wrap, found[subject.id], subject._key_place())
            subject.wrapped_key = base64.b64encode(wrapped)
        if new:
            new._settle_key()
        for subject in subjects - new:
            try:
                wrapped = base64.b64decode(subject.wrapped_key)
                found[subject.id] = keys.decrypt(wrap, wrapped, subject._key_place())
            except CannotDecrypt as error:
                raise UserError(
                    self.env._("The key of this person cannot be unwrapped: the database row was changed or damaged.")
                ) from error
        return found

    def _key_place(self):
        return f"consent.subject/{self.uuid}".encode()

    def _settle_key(self):
        """Write new keys now and hold on to the key ring: its rotation, had it just ended, would not know them.

        Then the database asks for the transaction anew, and Odoo begins it again with the present ring.
        """
        self.flush_recordset(["wrapped_key"])
        self.env.cr.execute(SQL("SELECT FROM ir_config_parameter WHERE key = %s FOR SHARE", FINGERPRINT))

    def _encrypt(self, plaintext, associated):
        """Encrypt under the subject's key; ``associated`` names the place where the result belongs."""
        return keys.encrypt(self._data_key(), plaintext, associated)

    def _encrypt_all(self, entries):
        """Encrypt for several subjects: (plaintext, associated) of each, in their order; a subject may come again."""
        found = self._data_keys()
        return [keys.encrypt(found[id_], *entry) for id_, entry in zip(self._ids, entries, strict=True)]

    def _decrypt(self, sealed, associated):
        """What :meth:`_encrypt` was given.

        :raises UserError: when place, key or bytes do not fit
        """
        try:
            return keys.decrypt(self._data_key(), sealed, associated)
        except CannotDecrypt as error:
            raise UserError(
                self.env._("These encrypted data do not belong to this person, or were changed.")
            ) from error
