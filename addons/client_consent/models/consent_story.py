from odoo import api, fields, models


class ConsentEvent(models.Model):
    """The event in words, for the timeline. Nothing of it is stored: the ledger's rows are never written again."""

    _inherit = "consent.event"

    story = fields.Char("What happened", compute="_compute_story")
    recorder = fields.Char("Recorded by", compute="_compute_recorder")

    @api.depends_context("lang")
    def _compute_story(self):
        names = self.env["consent.purpose"]._names(self.env.lang)
        channels = dict(self._fields["channel"]._description_selection(self.env))
        for event in self:
            values = {"purpose": names.get(event.purpose_id.id, ""), "channel": channels[event.channel]}
            event.story = self._story_words(event.kind, values)

    @api.model
    def _story_words(self, kind, values):
        match kind:
            case "given":
                return self.env._("Agreed to %(purpose)s (%(channel)s)", **values)
            case "informed":
                return self.env._("Was told about %(purpose)s (%(channel)s)", **values)
            case "requested":
                return self.env._("Was asked about %(purpose)s (%(channel)s)", **values)
            case "pending":
                return self.env._("Agreed to %(purpose)s (%(channel)s), still to be confirmed", **values)
            case "refused":
                return self.env._("Refused %(purpose)s (%(channel)s)", **values)
            case "withdrawn":
                return self.env._("Took back %(purpose)s (%(channel)s)", **values)
        return self.env._("Objected to %(purpose)s (%(channel)s)", **values)

    def _compute_recorder(self):
        # sudo: the name of a colleague, also of one whose login is closed
        users = self.env["res.users"].sudo().with_context(active_test=False).browse(set(self.mapped("recorded_by")))
        names = {user.id: user.name for user in users.exists()}
        for event in self:
            event.recorder = names.get(event.recorded_by, self.env._("user %s", event.recorded_by))
