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
    def _send(self, template, record, partner, address, path, **values):
        """Write and send one letter in the name of the current company.

        :param template: external id of a mail template
        :param record: what the template is about
        :param address: where the letter goes
        :param path: where its link leads
        :param values: what else the template reads, each as ``ctx["consent_…"]``; the link is ``consent_link``
        """
        company = self.env.company
        lang = partner.lang or company.partner_id.lang or self.env.lang
        # staff who may ask a person need no right on templates and mails
        base = self.env["ir.config_parameter"].sudo().get_param("web.base.url")
        context = {
            f"consent_{name}": value.with_context(lang=lang) if isinstance(value, models.BaseModel) else value
            for name, value in {**values, "link": f"{base}{path}"}.items()
        }
        written = (
            self.env.ref(template)
            .sudo()
            .with_context(lang=lang, **context)
            ._generate_template(record.ids, ["subject", "body_html"])[record.id]
        )
        sender = company.sudo().email_formatted or self.env.user.email_formatted
        mail = (
            self.env["mail.mail"]
            .sudo()
            .create(
                {
                    "subject": written["subject"],
                    "body_html": written["body_html"],
                    "email_from": sender,
                    "reply_to": sender,
                    "author_id": company.sudo().partner_id.id,
                    "email_to": address,
                    "auto_delete": True,
                }
            )
        )
        sent = self.env.cr.precommit.data.setdefault("client_consent.letters", [])
        sent.append(mail.id)
        if len(sent) <= AT_ONCE:
            mail.send_after_commit()
