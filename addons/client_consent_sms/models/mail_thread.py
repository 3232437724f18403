from odoo import models


class MailThread(models.AbstractModel):
    _inherit = "mail.thread"

    def _message_sms_with_template(self, template=False, template_xmlid=False, **kwargs):
        """The message carries the purpose of its template."""
        found = template or (template_xmlid and self.env.ref(template_xmlid, raise_if_not_found=False))
        # sudo: who writes from a template need not read purposes
        if found and (purpose := found.sudo().consent_purpose_id):
            kwargs.setdefault("consent_purpose_id", purpose.id)
        return super()._message_sms_with_template(template=template, template_xmlid=template_xmlid, **kwargs)

    def _message_sms(self, body, **kwargs):
        """The message carries the purpose of the dialog it comes from, which calls this without it."""
        if purpose_id := self.env.context.get("consent_sms_purpose_id"):
            kwargs.setdefault("consent_purpose_id", purpose_id)
        return super()._message_sms(body, **kwargs)
