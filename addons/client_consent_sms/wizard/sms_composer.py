from odoo import models


class SmsComposer(models.TransientModel):
    _name = "sms.composer"
    _inherit = ["sms.composer", "consent.composer"]

    def _prepare_mass_sms_values(self, records):
        result = super()._prepare_mass_sms_values(records)
        for values in result.values():
            values["consent_purpose_id"] = self.consent_purpose_id.id
        return result

    def _action_send_sms_comment(self, records=None):
        records = records if records is not None else self._get_records()
        return super()._action_send_sms_comment(records.with_context(consent_sms_purpose_id=self.consent_purpose_id.id))

    def _get_blacklist_record_ids(self, records, recipients_info):
        """To numbers that are unwanted nothing goes that heeds the exclusion list."""
        found = super()._get_blacklist_record_ids(records, recipients_info)
        if not self.use_exclusion_list:
            return found
        numbers = {record.id: recipients_info[record.id]["sanitized"] for record in records}
        unwanted = self.env["consent.gate"]._get_unwanted(set(filter(None, numbers.values())))
        return [*found, *(id_ for id_, number in numbers.items() if number in unwanted)]
