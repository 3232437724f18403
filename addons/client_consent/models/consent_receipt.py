import base64
import json

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL, format_date, format_datetime

from ..tools import receipt
from ..tools.errors import NoReceipt

#: Answers of which a receipt goes out by itself; a question that is still open has a mail of its own.
ANSWERS = ("given", "informed", "refused", "withdrawn", "objected")


class ConsentReceipt(models.AbstractModel):
    """What a person gets about an answer: a file for machines, a page for people, and a check of both for ever."""

    _name = "consent.receipt"
    _description = "Receipt of a Consent"

    # -- make ----------------------------------------------------------------------------------------

    @api.model
    def _record(self, event):
        """The receipt of one event as ISO/IEC TS 27560 arranges it, for a caller who may read the event.

        :raises UserError: when the person was erased from the ledger: nothing is left that could be told
        """
        event.ensure_one().check_access("read")
        return self._records(event)[event.id]

    @api.model
    def _records(self, events):
        """The same for many, with one look at the ledger: event id → record."""
        said = self._said(events)
        if len(said) < len(events):
            raise UserError(self.env._("The person behind this event was erased: there is no receipt any more."))
        proofs, checkpoint = self._position(events)
        return {
            event.id: receipt.record(*said[event.id], self._facts(event, proofs.get(event.id), checkpoint))
            for event in events
        }

    @api.model
    def _said(self, events):
        """Event id → (canonical payload, salt, algorithm); events that were cleared are left out."""
        rows = self.env.execute_query(
            SQL(
                "SELECT id, payload, salt, algorithm FROM consent_event WHERE id = ANY(%s) AND payload IS NOT NULL",
                events.ids,
            )
        )
        return {id_: (bytes(payload), bytes(salt), algorithm) for id_, payload, salt, algorithm in rows}

    @api.model
    def _position(self, events):
        """Where events stand under the latest checkpoint: ``({event id: {index, leaf, path}}, checkpoint values)``."""
        # positions and checkpoints are numbers and hashes: they are published
        latest = self.env["consent.checkpoint"].sudo()._latest()
        if not latest:
            return {}, None
        checkpoint = {
            "size": latest.size,
            "root": latest.root,
            "signed_at": fields.Datetime.to_string(latest.signed_at),
            "key_fingerprint": latest.key_fingerprint,
            "note": latest.note,
        }
        return self.env["consent.leaf"].sudo()._proofs(events.ids), checkpoint

    def _facts(self, event, proof, checkpoint):
        # purpose, text and company are named to the person, whoever asks for the receipt
        event = event.sudo().with_context(lang=event.sudo().partner_id.lang or self.env.lang)
        purpose, company, notice = event.purpose_id, event.company_id, event.notice_id
        contact = company.consent_dpo_email and receipt.Party(
            "contact", "dpv:DataProtectionOfficer", company.name, email=company.consent_dpo_email
        )
        return receipt.Facts(
            purpose_name=purpose.name,
            purpose_description=purpose.description or "",
            controller=receipt.Party(
                "controller",
                "dpv:DataController",
                company.name,
                company.partner_id.contact_address_inline or "",
                company.email or "",
                company.phone or "",
                company.website or "",
            ),
            contact=contact or None,
            language=notice.lang or event.env.lang or "en_US",
            withdrawal=self._withdrawal(event),
            jurisdiction=company.country_id.code or "",
            recipients=tuple(line.strip() for line in (purpose.recipients or "").splitlines() if line.strip()),
            countries=tuple((company.country_id | purpose.recipient_country_ids).mapped("code")),
            notice_title=notice.name or "",
            notice_url=f"{notice.get_base_url()}{notice._url()}" if notice else "",
            inclusion={**proof, "checkpoint": checkpoint} if proof else None,
        )

    def _withdrawal(self, event):
        """How the person takes the answer back, in a sentence."""
        company = event.company_id
        where = company.consent_dpo_email or company.email or company.phone or company.name
        return event.env._("Tell us in any way you like, for example: %s. It costs nothing and needs no reason.", where)

    @api.model
    def _readable(self, event):
        """The receipt as a page for people, in the person's language."""
        record = self._record(event)
        # read once more only for words: kinds and channels in the person's language
        event = event.sudo().with_context(lang=event.sudo().partner_id.lang or self.env.lang)
        said = record["events"][0]
        return event.env["ir.qweb"]._render(
            "client_consent.receipt_document",
            {
                "record": record,
                "number": record["header"]["receipt_id"],
                "purpose": record["processing"]["purposes"][0],
                "notice": record["processing"]["privacy_notice"],
                "parties": record["parties"],
                "kind": self._word(event, "kind"),
                "source": self._word(event, "source"),
                "channel": self._word(event, "channel"),
                "moment": f"{format_datetime(event.env, event.at, tz='UTC')} UTC",
                "until": said["valid_until"] and format_date(event.env, said["valid_until"]),
                "inclusion": record["proof"].get("inclusion"),
                "check_url": f"{event.get_base_url()}/privacy/receipt",
            },
        )

    @staticmethod
    def _word(record, name):
        """A selection field's value as people read it."""
        return dict(record._fields[name]._description_selection(record.env)).get(record[name], "")

    # -- send ----------------------------------------------------------------------------------------

    @api.model
    def _send(self, events):
        """Mail the receipts of answers just recorded, where the company wishes it and the person has an address."""
        wanted = events.filtered(lambda e: e.kind in ANSWERS and e.sudo().company_id.consent_send_receipts)
        return self._mail(wanted.filtered(lambda event: self._mail_address(event)))

    @api.model
    def _mail(self, events):
        """One mail per person and company with all receipts: readable in the mail, for machines attached.

        :return: the mails, which the queue sends
        """
        mails = self.env["mail.mail"].sudo()
        # the recorder has no right to templates; what is sent is about records he may read
        template = self.env.ref("client_consent.mail_template_consent_receipt").sudo()
        groups = {}
        for event in events:
            groups.setdefault((self._mail_address(event), event.sudo().company_id), []).append(event)
        for (address, company), members in groups.items():
            first = members[0]
            bodies = [self._readable(event) for event in members]
            attachments = [
                (self._file_name(event), base64.b64encode(receipt.as_bytes(self._record(event)))) for event in members
            ]
            mail_id = template.with_context(
                lang=first.sudo().partner_id.lang or self.env.lang,
                consent_receipts=bodies,
                consent_check_url=f"{first.get_base_url()}/privacy/receipt",
            ).send_mail(
                first.id,
                email_values={
                    "email_to": address,
                    "recipient_ids": [],
                    "email_from": company.email_formatted or self.env.user.email_formatted,
                    "attachments": attachments,
                },
            )
            mails += mails.browse(mail_id)
        return mails

    def _mail_address(self, event):
        """The address the answer is about, else the contact's; a person who was erased has none."""
        event = event.sudo()
        return event.address if event.channel == "email" else event.partner_id.email_normalized

    def _mail_by_hand(self, events):
        """Mail the receipts because a user pressed the button."""
        if unreachable := events.filtered(lambda event: not self._mail_address(event)):
            raise UserError(
                self.env._(
                    "%s receipt(s) have no e-mail address to go to: fill it in on the contact, or print the receipt.",
                    len(unreachable),
                )
            )
        return self._mail(events)

    @api.model
    def _file_name(self, event):
        return f"receipt-{event.uuid}.json"

    # -- check ---------------------------------------------------------------------------------------

    @api.model
    def _check_text(self, text):
        """What the ledger says of a receipt that somebody holds; see :meth:`_check_number`."""
        try:
            held = receipt.check(text)
        except NoReceipt:
            return {"answer": "no_receipt"}
        return self._check_number(held.number, held)

    @api.model
    def _check_number(self, number, held=None):
        """Whether the ledger holds a receipt with this number, where, and whether it is the text that is held.

        An unknown number costs the same work as a known one. Nothing is said that the holder did not bring.

        :param held: the ``receipt.Held`` of the text, when there is one to compare
        :return: ``{"answer": code, "position", "signed_at", "differences": [path], "inclusion": {…}}``; codes:
            *unchanged* and *known* (there was no text to compare), *waiting* (not under a checkpoint yet), *differs*,
            *unknown*, *no_receipt*
        """
        try:
            number = receipt.number_in(number)
        except NoReceipt:
            return {"answer": "no_receipt"}
        # anybody may ask for a number he holds; only positions and hashes are told
        events = self.env["consent.event"].sudo()
        found = events.search([("uuid", "=", number)], limit=1)
        stand_in = found or events.search([], order="id desc", limit=1)
        proofs, checkpoint = self._position(stand_in)
        if not found:
            return {"answer": "unknown"}
        if held and (held.contradictions or (held.commitment, held.algorithm) != (found.commitment, found.algorithm)):
            return {"answer": "differs", "differences": list(held.contradictions)}
        proof = proofs.get(found.id)
        if not proof:
            return {"answer": "waiting", "compared": bool(held)}
        return {
            "answer": "unchanged" if held else "known",
            "position": proof["index"],
            "signed_at": checkpoint["signed_at"],
            "inclusion": self._inclusion(found, proof, checkpoint),
        }

    def _inclusion(self, event, proof, checkpoint):
        """The inclusion proof as a file: numbers and hashes only."""
        return {
            "receipt": event.uuid,
            "commitment": event.commitment,
            "algorithm": event.algorithm,
            **proof,
            "checkpoint": checkpoint,
        }

    @api.model
    def _inclusion_file(self, number):
        """The inclusion proof behind a receipt number as indented JSON, or nothing."""
        found = self._check_number(number).get("inclusion")
        return json.dumps(found, indent=1).encode() if found else None
