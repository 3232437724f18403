import json
from collections import Counter, defaultdict

from odoo import api, fields, models
from odoo.tools import format_date, html2plaintext

from ..models.gdpr_data_map import PERSON
from ..tools import certificate
from ..tools.document import Document, Section

#: What needs a decision and what stays first, what goes last.
READING_ORDER = ("review", "keep", "seal", "anonymise", "delete")
#: How each action destroys, for the record of destruction.
METHODS = {
    "delete": "rows-and-unshared-files-deleted",
    "anonymise": "values-overwritten",
    "seal": "aes-256-gcm-key-destroyed-at-the-end",
    "keep": "untouched",
}


class GdprReporter(models.AbstractModel):
    """Writes for a human: what a correction did, and the certificate of an erasure."""

    _name = "gdpr.reporter"
    _description = "Reporter of the Privacy Pipeline"

    # -- sealed data (Art. 18) -----------------------------------------------------------------------

    @api.model
    def _sealed_values(self, rows):
        """What rows of the vault hold, to read: ``[{title, values: [{label, text}]}]``, the contact first."""
        shown = []
        for row in rows.sorted(lambda row: (row.model_name != PERSON, row.model_name, row.id)):
            model, values = self.env[row.model_name], []
            sealed = self.env["gdpr.vault"]._sealed_names(row.model_name)
            for name, value in row._open().items():
                # what only followed the sealed fields would say the same again
                if value in (None, "", False, []) or (row.kind == "restriction" and name not in sealed):
                    continue
                field = model._fields[name]
                label = field.get_description(self.env, ["string"])["string"]
                values.append({"label": label, "text": self._sealed_words(field, value)})
            values += [{"label": self.env._("Picture"), "text": file} for file in row._file_words()]
            if values:
                shown.append({"title": f"{model._description} {row.res_id}", "values": values})
        return shown

    def _sealed_words(self, field, value):
        if field.relational:
            # sudo: the tags and countries of the person, named as they are to everybody
            return ", ".join(self.env[field.comodel_name].sudo().browse(value).exists().mapped("display_name"))
        if field.type == "html":
            return html2plaintext(str(value))
        if field.type == "selection":
            return dict(field._description_selection(self.env)).get(value, value)
        return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)

    # -- correction (Art. 16) ------------------------------------------------------------------------

    @api.model
    def _correction_lines(self, places, wanted=()):
        """The places of a correction as lines to read: where, what, before, after, and whether it is corrected."""
        contact, wanted = self.env[PERSON], set(wanted)
        return [
            {
                "place": place,
                "where": self._place_words(place),
                "what": contact._fields[place.field].get_description(self.env, ["string"])["string"],
                "before": self._value_words(place, place.before),
                "after": self._value_words(place, place.after),
                "ticked": place in wanted,
            }
            for place in places
        ]

    def _place_words(self, place):
        """The record of a place as the reader knows it; by its number where they may not open it."""
        if place.fixed:
            return self.env._("Contact")
        if place.model == "res.users":
            return self.env._("Login")
        record = self.env[place.model].browse(place.id)
        kind = {
            PERSON: self.env._("Contact"),
            "crm.lead": self.env._("Lead"),
            "mailing.contact": self.env._("Mailing list contact"),
            "res.partner.bank": self.env._("Bank account"),
            "calendar.attendee": self.env._("Meeting"),
            "mail.activity": self.env._("Activity"),
            "mail.mail": self.env._("E-mail that waits"),
            "sms.sms": self.env._("SMS that waits"),
            "snailmail.letter": self.env._("Letter that waits"),
            "mailing.trace": self.env._("Mailing that waits"),
        }.get(place.model, record._description)
        if place.model == "calendar.attendee":
            record = record.sudo().event_id.with_env(self.env)
        name = record.display_name if record.has_access("read") else str(place.id)
        return self.env._("%(model)s: %(name)s", model=kind, name=name)

    def _value_words(self, place, value):
        field = self.env[place.model]._fields[place.column]
        if not value:
            return ""
        if field.type == "many2one":
            # sudo: names of countries and states
            return self.env[field.comodel_name].sudo().browse(value).display_name
        if field.type == "selection":
            return dict(field._description_selection(self.env)).get(value, value)
        if field.type == "date":
            return format_date(self.env, value)
        return html2plaintext(value).strip() if field.type == "html" else value

    @api.model
    def _count_places(self, places):
        """What a request remembers of a correction: which field in how many records of a model, and no value."""
        counts = Counter((place.model, place.field) for place in places)
        return [{"model": model, "field": name, "count": count} for (model, name), count in sorted(counts.items())]

    @api.model
    def _tell_recipients(self, request, recipients, places):
        """Write to those who had got the wrong data what is true now, Art. 19; the letters are deleted once sent.

        :param places: the places that were corrected; told is what the contact itself says
        """
        letters = self.env["consent.letter"].with_company(request.company_id)
        for recipient in recipients:
            lang = recipient.lang or self.env.lang
            told = [place for place in places if place.fixed]
            lines = self.with_context(lang=lang)._correction_lines(told)
            person = self.env[PERSON].browse(told[0].id)
            letters._send(
                "client_gdpr.mail_template_correction",
                request,
                recipient,
                recipient.email_normalized,
                "",
                lines=lines,
                person=person,
            )

    @api.model
    def _tell_recipients_of_restriction(self, request, recipients):
        """Write to those who got the data that it must not be used for the time being, Art. 19 and 18(1)."""
        letters = self.env["consent.letter"].with_company(request.company_id)
        for recipient in recipients:
            letters._send(
                "client_gdpr.mail_template_restriction",
                request,
                recipient,
                recipient.email_normalized,
                "",
                person=request.partner_ids[0],
            )

    @api.model
    def _corrected_lines(self, corrected):
        """The counts of :meth:`_count_places` in words."""
        fields_ = self.env[PERSON]._fields
        return [
            {
                "what": fields_[item["field"]].get_description(self.env, ["string"])["string"]
                if item["field"] in fields_
                else item["field"],
                "where": self.env[item["model"]]._description if item["model"] in self.env else item["model"],
                "count": item["count"],
            }
            for item in corrected
        ]

    # -- certificate ---------------------------------------------------------------------------------

    @api.model
    def _certificate_facts(self):
        """What is the same in all certificates written together, and the key that signs them."""
        data_map = self.env["gdpr.data.map"]
        decided = [key for key, row in data_map._declarations().items() if row.source == "decision"]
        return {
            "executed": fields.Datetime.to_string(fields.Datetime.now()),
            "undecided_fields": sorted(".".join(key) for key in data_map._undecided()),
            "decided_by_dpo": sorted(".".join(key) for key in decided),
            "verified": {**self.env["gdpr.verifier"]._looked_at(), "leftovers": []},
            "backups_lapse": self._backups_lapse().isoformat(),
            "destruction": {"record_of": "ISO/IEC 27018", "carried_out_by": "client_gdpr", "methods": METHODS},
        }, self.env["consent.key"]._ring().derive("signature-ed25519")

    @api.model
    def _certificate(self, request, case, facts, key):
        """The signed statement of an erasure that left nothing over. It holds codes, counts, laws and dates, and names
        nobody.

        :param facts: what :meth:`_certificate_facts` gives, with the key
        :return: the certificate, ready for ``tools.certificate.verify``
        """
        items = [
            {
                "model": ruling.model,
                "field": ruling.field,
                "count": len(ruling.ids),
                "action": self._done(ruling, case.decisions),
                "reason": ruling.reason,
                "law": ruling.law,
                "until": ruling.until.isoformat() if ruling.until else None,
                "fields": list(ruling.fields),
            }
            for ruling in sorted((*case.earlier, *case.rulings), key=lambda r: (READING_ORDER.index(r.action), r.rule))
        ]
        content = {
            "version": 1,
            "kind": "erasure",
            "request": request.name,
            "controller": request.company_id.name,
            "received": fields.Datetime.to_string(request.received_at),
            "approved": fields.Datetime.to_string(request.approved_at),
            "planned_by": request.handler_id.id,
            "approved_by": request.approver_id.id,
            "plan_digest": request.plan_id.digest,
            "items": items,
            "came_later": [{"model": model, "count": count} for model, count in case.later],
            **facts,
        }
        if request.replay_reference:
            content["repeats"] = request.replay_reference
        if request.deferred_id:
            content["completes"] = request.deferred_id.request_id.name
        return certificate.sign(content, key)

    @api.model
    def _certificate_page(self, signed):
        """A certificate as a page for people, in the language of the reader."""
        content = signed["content"]
        controller = content.get("controller") or self.env.company.name

        def lines(*actions):
            for item in content["items"]:
                if item["action"] in actions:
                    words = self._sentence(item)
                    yield f"{words['what']} ({item['count']}): {words['done']}; {words['why']}"

        moments = {name: self._moment(content[name]) for name in ("received", "approved", "executed") if content[name]}
        act = content.get("destruction", {})
        who = [
            (self.env._("Planned by"), self._user_number(content["planned_by"])),
            (self.env._("Approved by"), self._user_number(content["approved_by"])),
            (self.env._("Carried out by"), act.get("carried_out_by", "client_gdpr")),
            (self.env._("When"), moments["executed"] + " UTC" if not self.env.user.tz else moments["executed"]),
        ]
        how = {
            "delete": self.env._("deleted: the rows, and the files that nobody else shares"),
            "anonymise": self.env._("taken out: the values were overwritten or emptied in place"),
            "seal": self.env._("sealed: encrypted under a key of its own, which is destroyed when the term ends"),
        }
        done = {item["action"] for item in content["items"]}
        sections = [
            Section(self.env._("What was erased"), bullets=tuple(lines("delete", "anonymise"))),
            Section(
                self.env._("What is kept, by which law, until when"),
                bullets=tuple(lines("seal", "keep")) or (self.env._("Nothing."),),
            ),
            Section(
                self.env._("How it was checked"),
                text=self.env._(
                    "%(columns)s text columns of %(tables)s tables were searched afterwards for everything the person "
                    "was known by. Nothing was found outside of what is kept above.",
                    columns=content["verified"]["columns"],
                    tables=content["verified"]["tables"],
                ),
            ),
            Section(
                self.env._("Backups"),
                text=self.env._(
                    "Backups that still hold the data lapse by %s. If one is put back before, the erasure is repeated.",
                    format_date(self.env, content["backups_lapse"]),
                ),
            ),
            Section(
                self.env._("Record of destruction (ISO/IEC 27018)"),
                bullets=tuple(words for action, words in how.items() if action in done),
                records=(tuple(who),),
            ),
            Section(
                self.env._("How to check this certificate"),
                text=self.env._(
                    "python3 verify_certificate.py with this file: it checks every byte, offline. The public key must "
                    "be the company's: compare it with the one on its recovery sheet or web site."
                ),
                records=(
                    (
                        ("SHA-256", signed["sha256"]),
                        (self.env._("Public key (Ed25519)"), signed["public_key"]),
                        (self.env._("Signature"), signed["signature"]),
                    ),
                ),
            ),
        ]
        intro = [
            self.env._("%(company)s, request %(number)s.", company=controller, number=content["request"]),
            self.env._("Received %s.", moments["received"]),
        ]
        if "approved" in moments:
            intro.append(self.env._("Approved %s by a second person.", moments["approved"]))
        if content.get("repeats"):
            intro.append(self.env._("Repeats erasure %s, which a restored backup had undone.", content["repeats"]))
        if content.get("completes"):
            intro.append(self.env._("Finishes request %s, which had to keep something.", content["completes"]))
        return Document(
            self.env._("Certificate of erasure"),
            controller,
            tuple(intro),
            sections,
            foot=f"{content['request']} · {signed['sha256']}",
            code=f"gdpr-certificate:{content['request']}:sha256:{signed['sha256']}:ed25519:{signed['signature']}",
            code_label=self.env._("Number, digest and signature. They must be those of the certificate in this file."),
        )

    def _user_number(self, user_id):
        """Who of the staff, without a name: a certificate names nobody."""
        return self.env._("user no. %s", user_id) if user_id else self.env._("the system, by the earlier approval")

    @staticmethod
    def _done(ruling, decisions):
        if ruling.action != "review":
            return ruling.action
        return "anonymise" if decisions.get(ruling.rule) == "redact" else "keep"

    def _backups_lapse(self):
        """The day on which the last backup that still holds the data is gone."""
        days = self.env["ir.config_parameter"].sudo().get_param("client_gdpr.backup_days", "90")
        return fields.Date.add(fields.Date.today(), days=int(days))

    @api.model
    def _plan_lines(self, rulings):
        """The rulings as lines to read before anything happens, what needs a decision and what stays first."""
        will = {
            "review": self.env._("Decide"),
            "keep": self.env._("Keep"),
            "seal": self.env._("Seal"),
            "anonymise": self.env._("Take out"),
            "delete": self.env._("Delete"),
        }
        counts = defaultdict(int)
        for ruling in sorted(rulings, key=lambda r: (READING_ORDER.index(r.action), r.model)):
            item = {"model": ruling.model, "action": ruling.action, "reason": ruling.reason, "law": ruling.law}
            words = self._sentence(item | {"until": ruling.until})
            counts[ruling.action, words["what"], words["why"]] += len(ruling.ids)
        return [
            {"action": action, "done": will[action], "what": what, "why": why, "count": count}
            for (action, what, why), count in counts.items()
        ]

    @api.model
    def _sentence(self, item):
        """One line of a certificate or plan in words: what, how many, and what becomes of it."""
        what = self._model_words(item["model"], item["reason"])
        done = {
            "delete": self.env._("deleted"),
            "anonymise": self.env._("taken out"),
            "seal": self.env._("sealed"),
            "keep": self.env._("kept"),
            "review": self.env._("to be decided"),
        }[item["action"]]
        until = item.get("until") and format_date(self.env, item["until"], date_format="d MMM y")
        return {"what": what, "done": done, "why": self._reason_words(item["reason"], item.get("law"), until)}

    @api.model
    def _model_words(self, model, reason=""):
        """A model in the words of somebody who never saw a database."""
        if model == PERSON and reason in ("statute", "tax_period_open"):
            return self.env._("name and address")
        if model == PERSON and reason == "beyond_statute":
            return self.env._("e-mail, phone, photo, notes")
        words = {
            PERSON: self.env._("name, address, e-mail, phone, photo, notes"),
            "mail.message": self.env._("messages"),
            "mail.tracking.value": self.env._("recorded changes"),
            "mail.notification": self.env._("notifications"),
            "mail.mail": self.env._("e-mails, sent or waiting"),
            "bus.bus": self.env._("screen notifications"),
            "mail.activity": self.env._("planned activities"),
            "mail.followers": self.env._("subscriptions to documents"),
            "ir.attachment": self.env._("files"),
            "account.move": self.env._("invoices and entries"),
            "account.move.line": self.env._("lines of invoices and entries"),
            "account.payment": self.env._("payments"),
            "crm.lead": self.env._("leads and opportunities"),
            "sale.order": self.env._("quotations and orders"),
            "sale.order.line": self.env._("lines of orders"),
            "mailing.contact": self.env._("mailing list contacts"),
            "mailing.trace": self.env._("records of mailings"),
            "calendar.event": self.env._("meetings"),
            "calendar.attendee": self.env._("invitations to meetings"),
            "res.users": self.env._("login"),
            "res.partner.bank": self.env._("bank accounts"),
        }
        if model in words:
            return words[model]
        return (self.env[model]._description if model in self.env else model).lower()

    @api.model
    def _reason_words(self, reason, law="", until=""):
        """A reason code as a sentence; a code nobody knows is a reason somebody typed."""
        law_until = ", ".join(filter(None, [law, until and self.env._("until %s", until)]))
        words = {
            "no_ground": self.env._("nothing obliges us to keep it"),
            "takes_part": self.env._("belongs to others; only the person is taken out"),
            "mention": self.env._("others wrote about the person; the address or number is taken out"),
            "mention_by_name": self.env._("the name stands in others' words; it may be somebody else's"),
            "redacted": self.env._("the record stays; who the person is, is taken out of its text"),
            "mention_in_file": self.env._("somebody else's file names the person; taking out deletes the file"),
            "mention_of_another": self.env._("somebody of the same name is meant"),
            "copied": self.env._("copied from the person to another contact by the system"),
            "delivered": self.env._("screen notifications that were delivered long ago"),
            "transient": self.env._("left over from a screen that was closed"),
            "undecided": self.env._("nobody has decided yet what this field holds"),
            "not_paid": self.env._("a payment that never came about"),
            "confirmed_order": self.env._("confirmed orders stay in the books without the person"),
            "statute": self.env._("the law says to keep it: %s", law_until),
            "beyond_statute": self.env._("the law does not ask for these details"),
            "tax_period_open": self.env._("keep until the tax period is locked, then sealed: %s", law_until),
            "hold": self.env._("needed in a dispute or by order: %s", law_until),
            "shell": self.env._("records that stay still point here; only a number is left"),
            "suppression": self.env._("stops us from writing to this address again"),
            "accounting_entry": self.env._("part of the books; it follows its document"),
            "hashed": self.env._("the chain of hashes covers it"),
            "term_over": self.env._("the legal term is over"),
            "audit_trail": self.env._("the accounting audit trail protects it: %s", law_until),
        }
        return words.get(reason) or reason
