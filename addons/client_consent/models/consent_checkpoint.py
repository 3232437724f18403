import base64
import logging
from contextlib import contextmanager

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..tools import canonical, merkle, signed_note

_logger = logging.getLogger(__name__)

PUBLISHED = "client_consent.published_checkpoint"
CHUNK = 10_000


class ConsentCheckpoint(models.Model):
    """A signed statement: the ledger has so many entries, and this root stands for all of them.

    Whoever holds one can prove later that nothing before it was changed, whoever administers the database.
    """

    _name = "consent.checkpoint"
    _description = "Checkpoint of the Ledger"
    _inherit = "consent.ledger.row"
    _order = "size desc"
    _rec_name = "size"

    size = fields.Integer("Entries", required=True, readonly=True, aggregator=None)
    root = fields.Char(required=True, readonly=True, help="One number that stands for all entries up to here.")
    note = fields.Text("Signed note", required=True, readonly=True)
    signed_at = fields.Datetime("Signed", required=True, readonly=True)
    key_fingerprint = fields.Char(required=True, readonly=True)

    _size_once = models.Constraint("unique(size)", "A size of the ledger is never signed twice.")

    @api.depends("size", "signed_at")
    def _compute_display_name(self):
        for checkpoint in self:
            checkpoint.display_name = self.env._("Checkpoint of %s entries", checkpoint.size)

    @api.model
    def _latest(self):
        """The newest checkpoint, or nothing."""
        return self.search([], order="size desc", limit=1)

    @api.model
    def _consistency(self, first):
        """The path (hex) that proves that the latest checkpoint's tree begins with the one of ``first`` entries."""
        ranges = merkle.consistency_ranges(first, self._latest().size)
        roots = self.env["consent.leaf"]._roots(ranges)
        return [roots[range_].hex() for range_ in ranges]

    # -- signing -------------------------------------------------------------------------------------

    @api.model
    def _sign(self):
        """Give places to what is committed, sign, commit, and only then hand the note out.

        A signature that is rolled back after somebody saw it would be a fork. So it has its own transaction.
        """
        with self._own_transaction() as own:
            note = own._sequence_and_sign()
        with self._own_transaction() as own:
            own._publish()
        return note

    @api.model
    def _cron_sign(self):
        """Sign every hour; without a usable key say so in the log and try again in an hour."""
        try:
            self.env["consent.key"]._ring()
        except UserError as error:
            _logger.warning("The consent ledger is not signed: %s", error)
            return
        self._sign()

    @contextmanager
    def _own_transaction(self):
        """This model in a transaction of its own, committed at the end."""
        with self.env.registry.cursor() as cr:
            yield self.with_env(self.env(cr=cr))

    def _lock(self):
        """Let one signer work at a time.

        A lock on the table, because it is the one kind of lock that is taken before the transaction's snapshot:
        after waiting for an advisory lock one would not see what the other signer wrote.
        """
        self.env.cr.execute("LOCK TABLE consent_checkpoint IN SHARE ROW EXCLUSIVE MODE")

    def _sequence_and_sign(self):
        self._lock()
        ring = self.env["consent.key"]._ring()
        self.env["consent.signer"]._introduce(ring)
        latest = self._latest()
        size = self.env["consent.leaf"]._sequence()
        tree = self.env["consent.tile"]._tree(size)
        if (latest.size, latest.root or merkle.EMPTY.hex()) != (tree.size, tree.root().hex()):
            raise UserError(
                self.env._(
                    "The ledger is not as it was signed last, so it is not signed again. "
                    "Press Verify on the events to see what was changed."
                )
            )
        self._grow(tree)
        if latest and latest.size == tree.size:
            return latest.note
        return self._sign_tree(tree, latest, ring)

    def _grow(self, tree):
        """Take the new leaves into the tree, keeping the tiles that become full."""
        while hashes := self.env["consent.leaf"]._hashes(tree.size, tree.size + CHUNK):
            self.env["consent.tile"]._keep(tree.extend(hashes))

    def _sign_tree(self, tree, latest, ring):
        now = fields.Datetime.now()
        signers = self.env["consent.signer"]
        statement = signed_note.Checkpoint(
            signers._ledger_name(),
            tree.size,
            tree.root(),
            canonical.moment(now),
            signed_note.note_digest(latest.note) if latest else None,
        )
        note = signers._sign(statement.text(), ring)
        columns = ("size", "root", "note", "signed_at", "key_fingerprint")
        self._insert(columns, [(tree.size, tree.root().hex(), note, now, ring.fingerprint)])
        return note

    # -- publishing ----------------------------------------------------------------------------------

    def _publish(self):
        """Mail the latest checkpoint to the people the companies name; once, however often it is asked for.

        Which one was mailed is remembered in the transaction that queues the mails.
        """
        self._lock()
        # a size of the ledger, remembered across users
        parameters = self.env["ir.config_parameter"].sudo()
        latest = self._latest()
        if not latest or latest.size <= int(parameters.get_param(PUBLISHED, "0")):
            return
        mails = [values for company in self._get_readers() if (values := latest._prepare_mail(*company))]
        self.env["mail.mail"].create(mails)
        parameters.set_param(PUBLISHED, str(latest.size))

    def _get_readers(self):
        """Who keeps checkpoints outside: ``[(company, partners)]``."""
        companies = self.env["res.company"].search([])  # pylint: disable=no-search-all
        if "consent_checkpoint_partner_ids" not in companies._fields:
            return []
        return [(company, company.consent_checkpoint_partner_ids) for company in companies]

    def _prepare_mail(self, company, partners):
        self.ensure_one()
        if not partners:
            return {}
        lang = partners[:1].lang
        checkpoint = self.with_context(lang=lang)
        text = checkpoint.env._(
            "Keep the attached file where the administrators of the database cannot reach it. With it you can prove "
            "later that none of the %s entries before it was changed or removed.",
            self.size,
        )
        name = f"checkpoint-{self.size}.txt"
        return {
            "subject": checkpoint.env._("Checkpoint of the consent ledger: %s entries", self.size),
            "body_html": f"<p>{text}</p>",
            "email_from": company.email_formatted,
            "recipient_ids": [fields.Command.set(partners.ids)],
            "attachment_ids": [
                fields.Command.create(
                    {"name": name, "mimetype": "text/plain", "datas": base64.b64encode(self.note.encode())}
                )
            ],
            "auto_delete": True,
        }

    # -- screens -------------------------------------------------------------------------------------

    def action_sign(self):
        """Sign now and show the result."""
        self.env["consent.event"].ledger_sign()
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success",
                "message": self.env._("Everything that was recorded is signed."),
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }

    def action_verify(self):
        """Verify the ledger and show the result."""
        return self.env["consent.event"].action_verify()
