import hashlib

from odoo import api, models, tools
from odoo.tools import SQL


class ConsentStatement(models.AbstractModel):
    """Statements that are asked often: prepared once per connection, with a generic plan.

    Planning what a contact's form asks costs several times what executing it does.
    """

    _name = "consent.statement"
    _description = "Prepared Statements"

    @api.model
    def _ask(self, model, method, *arrays):
        """Run the statement that a method of a model returns.

        :param method: name of a method without arguments that returns ``SQL`` over ``$1``, ``$2``, …
        :param arrays: lists, one a parameter; nothing is asked when the first is empty
        :return: list of rows
        """
        if not arrays[0]:
            return []
        name, statement = self._statement(model, method)
        cr = self.env.cr
        prepared = cr.cache.get(self._name)
        if prepared is None:
            # a pooled connection may have been reset or replaced since the last transaction: it alone knows
            cr.execute(
                "SET LOCAL plan_cache_mode = force_generic_plan;"
                r"SELECT name FROM pg_prepared_statements WHERE name LIKE 'client\_consent\_%'"
            )
            prepared = cr.cache[self._name] = {known for (known,) in cr.fetchall()}
        if name not in prepared:
            cr.execute(SQL("PREPARE %s AS %s", SQL.identifier(name), statement))
            prepared.add(name)
        cr.execute(SQL("EXECUTE %s(%s)", SQL.identifier(name), SQL(", ").join(SQL("%s", list(a)) for a in arrays)))
        return cr.fetchall()

    @tools.ormcache("model", "method")
    def _statement(self, model, method):
        """(name, SQL) of a statement; another statement gets another name."""
        statement = getattr(self.env[model], method)()
        digest = hashlib.sha256(repr((statement.code, statement.params)).encode()).hexdigest()
        return f"client_consent_{digest[:32]}", statement
