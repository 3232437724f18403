import base64
import hmac
import logging
from collections import defaultdict

from odoo import api, fields, models
from odoo.addons.client_consent.tools import keys
from odoo.addons.client_consent.tools.errors import CannotDecrypt, KeyProblem
from odoo.tools import SQL, split_every

from .gdpr_data_map import PERSON

_logger = logging.getLogger(__name__)

#: Contacts looked at together: few statements, flat memory.
CHUNK = 10_000
#: People erased together.
AT_A_TIME = 100


class GdprReplay(models.Model):
    """What was found and erased again after a restore of the database; the files of tombstones said whom.

    People are found by hashing what live contacts hold: nobody reads an address out of a file. Their erasure goes
    the usual way, finder to certificate, on the approval that was given the first time.
    """

    _name = "gdpr.replay"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _description = "Erasures Repeated after a Restore"
    _rec_name = "started_at"
    _order = "id desc"

    started_at = fields.Datetime("When", required=True, readonly=True, default=fields.Datetime.now)
    found_count = fields.Integer(
        "Found again", readonly=True, help="Erased people whose data the restore brought back."
    )
    erased_count = fields.Integer("Erased again", readonly=True)
    failed_count = fields.Integer("Failed", readonly=True)
    keyless_count = fields.Integer(
        "Without their key",
        readonly=True,
        help="Tombstones made with a key that is not at hand: put that key back and run it again.",
    )
    request_ids = fields.One2many("gdpr.request", "replay_id", "Requests", readonly=True)
    suspect_ids = fields.Many2many(
        PERSON,
        string="To be looked at",
        readonly=True,
        help="Contacts that use an address of an erased person under another name: decide whether it is the same.",
    )

    # -- run -----------------------------------------------------------------------------------------

    @api.model
    def _run(self, records, content, limit=None, checkpoint=None):
        """Erase again whom the records of the files tell of, and learn their tombstones.

        :param records: done records that the database does not know
        :param content: what the files say, for their keys
        :param limit: how many people at most
        :param checkpoint: called after some people with their number and that of those still to come; False stops
        :return: the replay
        """
        digest_keys = self._digest_keys(content)
        readable = [record for record in records if record.intent.get("key") in digest_keys]
        keyless = len(records) - len(readable)
        if not readable and self.search_count([("keyless_count", "=", keyless)], limit=1):
            # said already
            return self.browse()
        replay = self.create({})
        people, suspects = self._match(readable, digest_keys)
        replay.write(
            {
                "found_count": len(people),
                "keyless_count": keyless,
                "suspect_ids": [fields.Command.set(sorted(suspects))],
            }
        )
        matched = {record.reference for told, _ids in people for record in told}
        # whose data did not come back: their addresses stay suppressed all the same
        self._learn([record for record in readable if record.reference not in matched])
        remaining = len(people)
        for chunk in split_every(AT_A_TIME, people[:limit], list):
            replay._erase_again(chunk)
            remaining -= len(chunk)
            if checkpoint and not checkpoint(len(chunk), remaining):
                break
        replay._tell()
        return replay

    def _erase_again(self, people):
        """Some people the usual way; without an approval anew, for there was one. Learns their tombstones."""
        requests, told = self.env["gdpr.request"], {}
        for records, partner_ids in people:
            request = requests._open_again(partner_ids, records[-1], self)
            told[request.id] = records
            requests |= request
        requests._run_again({id_: self._decisions(records) for id_, records in told.items()})
        erased = requests.filtered(lambda request: request.state == "executed")
        self._learn([record for request in erased for record in told[request.id]])
        self.erased_count += len(erased)
        self.failed_count += len(requests - erased)

    @staticmethod
    def _decisions(records):
        """What a person had decided about others' words: rule → redact or leave."""
        return {tuple(rule): what for record in records for *rule, what in record.intent.get("decisions", ())}

    def _learn(self, records):
        """Store tombstones that only the files knew, with their suppressed addresses."""
        companies = set(self.env["res.company"].sudo().with_context(active_test=False).search([]).ids)  # pylint: disable=no-search-all
        of_key = defaultdict(list)
        for record in records:
            intent = record.intent
            company = intent.get("company")
            of_key[intent["key"]].append(
                (record.reference, None, company if company in companies else None, intent["at"], intent)
            )
        for key_name, rows in of_key.items():
            self.env["gdpr.tombstone"]._insert(rows, key_name, "file")

    def _tell(self):
        """Give the data protection officer a task when a person has to look."""
        self.ensure_one()
        if self.failed_count or self.keyless_count or self.suspect_ids:
            self.env["gdpr.tombstone"]._ask_dpo(self, self.env._("Erasures after a restore need you"))
        _logger.info(
            "replay %s: %s erased people found again, %s erased again, %s failed",
            self.id,
            self.found_count,
            self.erased_count,
            self.failed_count,
        )

    # -- who it is -----------------------------------------------------------------------------------

    @api.model
    def _digest_keys(self, content):
        """Every digest key at hand by its short name: the database's, those in the files, the one that follows."""
        found = dict(self.env["gdpr.suppression"]._keys())
        rings = [self.env["consent.key"]._ring()]
        if path := self.env["consent.key"]._option("key_file_new"):
            try:
                rings.append(keys.KeyRing.load_file(path))
            except KeyProblem:
                _logger.warning("the key file named in key_file_new cannot be read")
        for ring in rings:
            found |= {name: key for name, key in self.env["gdpr.suppression"]._own_key(ring).items()}
            wrapping = ring.derive("tombstone-wrap")
            for line in content.keys:
                try:
                    found[line["key"]] = keys.decrypt(wrapping, base64.b64decode(line["wrapped"]), line["key"].encode())
                except CannotDecrypt:
                    # wrapped under another ring: one of the others opens it, or its tombstones are counted as keyless
                    continue
        return found

    @api.model
    def _match(self, records, digest_keys):
        """Find the people of the records among the live contacts.

        A row is the same by its number and moment of creation, or by name and address together when it was there
        before the erasure. A contact with the address under another name is for a person to judge. Who came after
        the erasure is somebody new.

        :return: (list of (records, contact ids), ids of contacts to be judged)
        """
        wanted = defaultdict(dict)
        uuid = self.env["gdpr.tombstone"]._uuid()
        for record in records:
            name = record.intent["key"]
            kinds = ("contact", "pair", "email", "phone") if record.intent.get("uuid") == uuid else ("contact",)
            for kind in kinds:
                for digest in record.intent.get(kind, ()):
                    wanted[name].setdefault(digest, []).append((kind, record))
        rows_of, records_of, judged = defaultdict(set), {}, defaultdict(set)
        for name, of_digest in wanted.items():
            key = digest_keys[name]
            for partner_id, created, kind, digest in self._live_digests(key):
                for of_kind, record in of_digest.get(digest, ()):
                    if of_kind != kind:
                        continue
                    if kind != "contact" and created >= record.intent["at"]:
                        continue
                    records_of[record.reference] = record
                    (rows_of if kind in ("contact", "pair") else judged)[record.reference].add(partner_id)
        people = self._join(rows_of, records_of)
        taken = {id_ for _records, ids in people for id_ in ids}
        return people, {id_ for ids in judged.values() for id_ in ids} - taken

    def _live_digests(self, key):
        """Digests of what live contacts hold: (contact id, created, kind, digest)."""
        suppression, tombstones, last = self.env["gdpr.suppression"], self.env["gdpr.tombstone"], 0
        self.env.flush_all()

        def digest(kind, value):
            return hmac.digest(key, f"{kind}:{value}".encode(), "sha256").hex()

        while rows := self.env.execute_query(
            SQL(
                """SELECT id, create_date, email_normalized, phone_sanitized, name FROM res_partner
                    WHERE id > %s AND gdpr_state NOT IN ('blocked', 'erased') ORDER BY id LIMIT %s""",
                last,
                CHUNK,
            )
        ):
            last = rows[-1][0]
            for id_, moment, email, phone, name in rows:
                created = fields.Datetime.to_string(moment) or ""
                yield id_, created, "contact", digest("contact", tombstones._row_name(id_, moment))
                for kind, value in (("email", email), ("phone", phone)):
                    if value:
                        normal = suppression._normal(kind, value)
                        yield id_, created, kind, digest(kind, normal)
                        if name:
                            yield id_, created, "pair", digest("pair", tombstones._pair(name, normal))

    @staticmethod
    def _join(rows_of, records_of):
        """Records that lead to the same rows are one person; oldest record first, people in their order."""
        people, place = [], {}
        for reference in sorted(rows_of, key=lambda r: (records_of[r].intent["at"], r)):
            ids = rows_of[reference]
            touched = sorted({place[id_] for id_ in ids if id_ in place})
            told, joined = [], set(ids)
            for index in touched:
                earlier_told, earlier_ids = people[index]
                told += earlier_told
                joined |= earlier_ids
                people[index] = None
            people.append(([*told, records_of[reference]], joined))
            for id_ in joined:
                place[id_] = len(people) - 1
        return [(told, sorted(ids)) for told, ids in filter(None, people)]
