from odoo import api, models

#: So many letters leave at once; more leave with Odoo's mail queue.
AT_ONCE = 20


class ConsentLetter(models.AbstractModel):
    """Service letters with a link without login, in the language of the person.

    They never stand in a contact's history: whoever could read the link there could answer for the person.
    The mail is deleted once it was sent, and only the hash of its link stays.
    """

    _name = "consent.letter"
    _description = "Letters about Consents"

    @api.model
    def _send(self, template, partner, address, company, path, **values):
        """Write and send one letter.

        :param template: external id of a mail template of contacts
        :param path: where the link leads
        :param values: what the template reads as ``ctx["consent"]``
        """
        lang = partner.lang or company.partner_id.lang or self.env.lang
        # staff who may ask a person need no right on templates and mails
        base = self.env["ir.config_parameter"].sudo().get_param("web.base.url")
        letter = (
            self.env.ref(template)
            .sudo()
            .with_context(lang=lang, consent={**values, "link": f"{base}{path}", "company": company, "lang": lang})
        )
        written = letter._generate_template([partner.id], ["subject", "body_html"])[partner.id]
        mail = (
            self.env["mail.mail"]
            .sudo()
            .create(
                {
                    "subject": written["subject"],
                    "body_html": written["body_html"],
                    "email_from": company.email_formatted or self.env.user.email_formatted,
                    "author_id": company.partner_id.id,
                    "reply_to": company.email_formatted or self.env.user.email_formatted,
                    "email_to": address,
                    "auto_delete": True,
                }
            )
        )
        sent = self.env.cr.precommit.data.setdefault("client_consent.letters", [])
        sent.append(mail.id)
        if len(sent) <= AT_ONCE:
            mail.send_after_commit()
