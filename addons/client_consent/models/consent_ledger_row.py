from odoo import api, models
from odoo.exceptions import UserError
from odoo.tools import SQL


class ConsentLedgerRow(models.AbstractModel):
    """A row that is inserted once, by SQL, and stands for ever: ORM and database refuse everything else."""

    _name = "consent.ledger.row"
    _description = "Row of the Ledger"
    _log_access = False

    def init(self):
        """Let the database itself keep the table append-only, whoever writes."""
        if self._abstract:
            return
        self.env.cr.execute(
            SQL(
                """CREATE OR REPLACE FUNCTION consent_ledger_guard() RETURNS trigger AS $guard$
                   BEGIN
                       RAISE EXCEPTION '%% is append-only: %% refused', TG_TABLE_NAME, TG_OP
                             USING ERRCODE = 'restrict_violation';
                   END $guard$ LANGUAGE plpgsql;
                   DROP TRIGGER IF EXISTS %(guard)s ON %(table)s;
                   CREATE TRIGGER %(guard)s BEFORE UPDATE OR DELETE OR TRUNCATE ON %(table)s
                       FOR EACH STATEMENT EXECUTE FUNCTION consent_ledger_guard();""",
                guard=SQL.identifier(f"{self._table}_guard"),
                table=SQL.identifier(self._table),
            )
        )

    @api.model_create_multi
    def create(self, vals_list):  # pylint: disable=method-required-super
        raise UserError(self.env._("The consent ledger is written by recording and signing, never by hand."))

    def write(self, vals):  # pylint: disable=method-required-super
        raise UserError(self.env._("The consent ledger is append-only: nothing in it is changed."))

    @api.ondelete(at_uninstall=False)
    def _refuse_unlink(self):
        raise UserError(self.env._("The consent ledger is append-only: nothing in it is deleted."))

    @api.model
    def _insert(self, columns, rows):
        """Insert rows with one statement."""
        if rows:
            names = ", ".join(f'"{column}"' for column in columns)
            self.env.cr.execute_values(f"INSERT INTO {self._table} ({names}) VALUES %s", rows, page_size=len(rows))
