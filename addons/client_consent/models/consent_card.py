from odoo import api, models
from odoo.tools import SQL


class ConsentCard(models.AbstractModel):
    """What the card of a contact asks the database, all in one statement.

    Everybody who opens a contact asks it. PostgreSQL plans each statement anew, which takes longer than to execute it,
    so several questions in one cost a good deal less than one after the other. Add-ons add theirs.
    """

    _name = "consent.card"
    _description = "Card of a Contact"

    @api.model
    def _get_questions(self, partner_ids):
        """The questions about contacts, as queries with named columns: name → ``SQL``."""
        return {
            "answers": self.env["consent.basis"]._of_people_sql(partner_ids),
            "intake": self.env["res.partner"]._consent_intake_sql(partner_ids),
        }

    @api.model
    def _ask(self, partner_ids, *names):
        """Ask about contacts.

        :param partner_ids: list of ids
        :param names: some of the questions; all if none
        :return: name → rows, each column → value; dates and moments as ISO text
        """
        questions = self._get_questions(partner_ids)
        names = names or tuple(questions)
        if not partner_ids:
            return dict.fromkeys(names, ())
        self.env.flush_all()
        parts = [SQL("(SELECT json_agg(q) FROM (%s) q)", questions[name]) for name in names]
        [answers] = self.env.execute_query(SQL("SELECT %s", SQL(", ").join(parts)))
        return {name: rows or () for name, rows in zip(names, answers, strict=True)}
