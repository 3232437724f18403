import base64
import hashlib
import hmac
import json
from collections import defaultdict

from odoo import api, fields, models, tools
from odoo.exceptions import UserError
from odoo.tools import SQL, email_normalize, formataddr, split_every

from ..models.gdpr_data_map import PERSON
from ..tools import capability, redact
from ..tools.identity import Identity

#: Sealed before everything else: whoever could log in would otherwise see the rest change.
FIRST = ("res.users", PERSON)
#: Changes of these columns belong to the seal itself and are not brought back from the vault.
OWN_COLUMNS = frozenset({"gdpr_state"})
#: What erasing takes with the person, the restriction seals.
HANGING = ("delete", "anonymise")
#: Rows sealed by one statement.
ROWS_BATCH = 1000


class GdprVault(models.Model):
    """Values moved out of a sealed row, encrypted under the key of their subject.

    A *block* keeps the fields that a law names, after an erasure. A *restriction* (Art. 18) keeps everything that
    sealing changed in a row, to the last column, so that lifting brings the same bytes back.
    """

    _name = "gdpr.vault"
    _description = "Sealed Values"
    _rec_name = "res_id"

    model_name = fields.Char("Model", required=True, readonly=True)
    res_id = fields.Many2oneReference("Record", model_field="model_name", required=True, readonly=True)
    subject_id = fields.Many2one("consent.subject", required=True, readonly=True, index=True, ondelete="restrict")
    request_id = fields.Many2one("gdpr.request", readonly=True, index="btree_not_null", ondelete="restrict")
    kind = fields.Selection(
        [("block", "Blocked after erasure"), ("restriction", "Restricted")], required=True, readonly=True
    )
    law = fields.Char(readonly=True)
    until = fields.Date(readonly=True, help="Last day on which the law needs these values.")
    payload = fields.Binary(attachment=False, required=True, readonly=True, groups=fields.NO_ACCESS)
    mailbox_digest = fields.Char(readonly=True, index="btree_not_null", groups=fields.NO_ACCESS)
    number_digest = fields.Char(readonly=True, index="btree_not_null", groups=fields.NO_ACCESS)

    _one_per_record = models.Constraint("unique(model_name, res_id)", "This record is sealed already.")

    # -- a block -------------------------------------------------------------------------------------

    @api.model
    def _seal(self, model, sealings, kind):
        """Move values into the vault and leave the placeholder in the rows.

        :param sealings: list of :class:`Sealing`, one a record
        :raises UserError: when a record is sealed already, or the key cannot be used
        """
        records = self.env[model].browse(sealing.res_id for sealing in sealings)
        self._refuse_twice(model, records.ids)
        self.env.flush_all()
        of_fields, held = defaultdict(list), {}
        for sealing in sealings:
            of_fields[sealing.fields].append(sealing.res_id)
        for names, ids in of_fields.items():
            held |= self._read_rows(model, ids, [name for name in names if records._fields[name].column_type])
        partners = records if model == PERSON else records.partner_id
        subjects = self.env["consent.subject"]._of_partners(partners, create=True)
        entries, digests = [], {}
        for record, sealing in zip(records, sealings, strict=True):
            subject = subjects[record.id if model == PERSON else record.partner_id.id]
            values = {"request_id": sealing.request_id, "law": sealing.law, "until": sealing.until}
            entries.append((record.id, subject, {"columns": held[record.id]}, values))
            if model == PERSON:
                digests[record.id] = record.email_normalized, record.phone_sanitized
        rows = self._store(model, entries, digests, kind)
        for names, ids in of_fields.items():
            self.env["gdpr.executor"]._blank(model, ids, [n for n in names if self._leaves_row(model, n)])
        return rows

    @api.model
    def _leaves_row(self, model, name):
        """Whether sealing takes the field out of the row; the data map may leave it, as it does the country."""
        row = self.env["gdpr.data.map"]._declarations().get((model, name))
        return not row or row.on_seal != "leave"

    @api.model
    def _identity(self, partners):
        """By what sealed contacts were recognised, for the run that ends their sealing; nothing when none is sealed."""
        sealed = partners.filtered(lambda partner: partner.gdpr_state != "active")
        rows = sealed and self.search([("model_name", "=", PERSON), ("res_id", "in", sealed.ids)])
        if not rows:
            return None
        values = [row._open() for row in rows]

        def all_of(*names):
            return [of_row[name] for of_row in values for name in names if of_row.get(name)]

        return Identity.gather(
            emails=all_of("email", "email_normalized"),
            phones=all_of("phone", "phone_sanitized"),
            codes=all_of("vat", "company_registry"),
            names=all_of("name"),
        )

    @api.model
    def _destroy(self, partner_ids):
        """Delete what is sealed of contacts that no law needs any more; their keys go with their subjects."""
        rows = self.search([("model_name", "=", PERSON), ("res_id", "in", list(partner_ids)), ("kind", "=", "block")])
        (rows | self.search([("subject_id", "in", rows.subject_id.ids), ("kind", "=", "block")])).unlink()

    # -- a restriction -------------------------------------------------------------------------------

    @api.model
    def _restrict(self, request):
        """Seal the person of the request and every copy that the data map names, Art. 18(1).

        :return: the rows of the vault
        :raises UserError: when something of the person is sealed already, or the key cannot be used
        """
        self = self._sweeping()
        self.env.flush_all()
        request.partner_ids.lock_for_update()
        [(located, identity)] = self.env["gdpr.finder"]._locate_records([request.partner_ids.ids], [request._choice()])
        places = self._places(located)
        beside = self._rows_beside(located, places)
        places |= self._get_more_places(places)
        words = redact.pattern(identity.all)
        if files := self._files_that_mention(words, beside):
            places["ir.attachment"] = sorted({*places.get("ir.attachment", ()), *files})
        for model, ids in places.items():
            self._refuse_twice(model, ids)
        self._stop_waiting(places)
        before = {model: self._read_rows(model, ids) for model, ids in places.items()}
        self._prepare_restriction(places)
        label = f"{self.env['gdpr.executor']._placeholder_word()}{min(request.partner_ids.ids)}"
        loose = {model: self._take_out(model, ids, label) for model, ids in places.items()}
        detached = self._detach(places[PERSON])
        self._set_state(places[PERSON], "restricted")
        self._recompute(places, detached)
        subject = self.env["consent.subject"]._of_partners(request.partner_ids, create=True)
        subject = subject[min(request.partner_ids.ids)]
        rows = self.browse()
        for model, ids in places.items():
            after, entries, digests = self._read_rows(model, ids), [], {}
            for id_ in ids:
                changed = {
                    name: value
                    for name, value in before[model][id_].items()
                    if value != after[id_][name] and name not in OWN_COLUMNS
                }
                if changed or id_ in loose[model] or model == PERSON:
                    payload = {"columns": changed, **loose[model].get(id_, {})}
                    entries.append((id_, subject, payload, {"request_id": request.id}))
                if model == PERSON:
                    row = before[model][id_]
                    digests[id_] = row["email_normalized"], row["phone_sanitized"]
            rows |= self._store(model, entries, digests, "restriction")
        for model, ids in beside.items():
            rows |= self._seal_mentions(model, set(ids) - set(places.get(model, ())), words, label, subject, request)
        return rows

    # -- where the person takes part -----------------------------------------------------------------

    def _rows_beside(self, located, places):
        """Records of others in which the person takes part, with their messages: model → ids.

        Odoo itself writes names and addresses into them: a meeting's description lists who comes.
        """
        found = defaultdict(set)
        for hit in located.hits:
            if hit.bond == "part" and self.env["gdpr.data.path"]._has_table(hit.model):
                found[hit.model].update(hit.ids)
        for model, ids in list(found.items()):
            rows = self.env.execute_query(
                SQL("SELECT id FROM mail_message WHERE model = %s AND res_id = ANY(%s)", model, list(ids))
            )
            found["mail.message"].update(id_ for (id_,) in rows)
        found["mail.mail"].update(
            self.env["mail.mail"].search([("mail_message_id", "in", list(found["mail.message"]))], order="id").ids
        )
        return {model: sorted(ids - set(places.get(model, ()))) for model, ids in found.items() if ids}

    def _files_that_mention(self, words, beside):
        """Files on those records that name the person: nobody can cut a person out of a file."""
        columns = ("name", "description", "index_content")
        found = []
        for model, ids in beside.items():
            rows = self.env.execute_query(
                SQL(
                    "SELECT id, %s FROM ir_attachment WHERE res_model = %s AND res_id = ANY(%s) AND res_field IS NULL",
                    SQL(", ").join(SQL.identifier(name) for name in columns),
                    model,
                    ids,
                )
            )
            found += [id_ for id_, *texts in rows if words and any(text and words.search(text) for text in texts)]
        return found

    def _seal_mentions(self, model, ids, words, label, subject, request):
        """Put the placeholder where the person is named in texts of others; the texts wait in the vault."""
        names = self.env["gdpr.finder"]._text_columns().get(model, ())
        if not (ids and names and words):
            return self.browse()
        kept, entries = {}, []
        for id_, row in self._read_rows(model, ids, names).items():
            left = {name: words.sub(label, text) for name, text in row.items() if text and words.search(text)}
            if left:
                kept[id_] = {"columns": left}
                payload = {"columns": {name: row[name] for name in left}, "left": left}
                entries.append((id_, subject, payload, {"request_id": request.id}))
        self._bring_back_columns(model, kept)
        self.env[model].browse(kept).invalidate_recordset()
        return self._store(model, entries, {}, "restriction")

    @api.model
    def _stop_waiting(self, places):
        """Stop what waits to go out, for good: nobody wants it after the restriction."""
        waiting = {
            "mail.mail": SQL("state = 'cancel', failure_type = 'mail_optout' WHERE state = 'outgoing'"),
            "sms.sms": SQL("state = 'canceled', failure_type = 'sms_optout' WHERE state IN ('outgoing', 'pending')"),
            "snailmail.letter": SQL("state = 'canceled' WHERE state = 'pending'"),
            # for whoever planned it still finds it there
            "mail.scheduled.message": SQL("scheduled_date = '9999-12-31' WHERE true"),
        }
        for model, change in waiting.items():
            if ids := places.get(model):
                table = SQL.identifier(self.env[model]._table)
                self.env.cr.execute(SQL("UPDATE %s SET %s AND id = ANY(%s)", table, change, ids))

    def _seal_arrived(self, messages):
        """Seal the sender of messages that restricted people write; what they wrote is there to be read."""
        if not messages:
            return
        authors = self.env[PERSON]._gdpr_sealed_among(messages.author_id.ids)
        rows = self.search([("model_name", "=", PERSON), ("res_id", "in", list(authors)), ("kind", "=", "restriction")])
        for row in rows:
            arrived = messages.filtered(lambda message, row=row: message.author_id.id == row.res_id)
            arrived.flush_recordset(["email_from", "reply_to"])
            before = self._read_rows(arrived._name, arrived.ids, ["email_from", "reply_to"])
            label = f"{self.env['gdpr.executor']._placeholder_word()}{row.res_id}"
            # a sender that mail servers take: colleagues get this message by mail
            sender = formataddr((label, email_normalize(row.request_id.company_id.email) or "noreply@invalid"))
            self.env.cr.execute(
                SQL(
                    "UPDATE mail_message SET email_from = %s, reply_to = CASE WHEN reply_to IS NOT NULL THEN %s END"
                    " WHERE id = ANY(%s)",
                    sender,
                    sender,
                    arrived.ids,
                )
            )
            arrived.invalidate_recordset(["email_from", "reply_to"])
            entries = [
                (id_, row.subject_id, {"columns": held}, {"request_id": row.request_id.id})
                for id_, held in before.items()
            ]
            self._store(arrived._name, entries, {}, "restriction")

    def _get_more_places(self, places):
        """Rows of others that the restriction changes and lifting brings back: model → ids. Glue add-ons add theirs."""
        return {}

    def _prepare_restriction(self, places):
        """Hook: freeze what others must still read, before anything changes."""

    def _places(self, located):
        """The rows that the restriction seals: model → sorted ids, those first that lock the person out."""
        declared, found = self.env["gdpr.data.map"]._declarations(), {}
        for hit in located.hits:
            row = declared.get((hit.model, hit.field))
            hangs = hit.bond in ("self", "own") or (row and row.action in HANGING)
            if hangs and hit.bond != "text" and self._sealed_names(hit.model):
                found.setdefault(hit.model, set()).update(hit.ids)
        places = {}
        for model in sorted(found, key=lambda name: (name not in FIRST, name != FIRST[0], name)):
            # a path may lead to a row that went meanwhile
            records = self.env[model].browse(found[model]).exists()
            if model == "ir.attachment":
                # files of fields go with their fields
                records = records.filtered(lambda file: not file.res_field)
            if records:
                places[model] = sorted(records.ids)
        return places

    @api.model
    @tools.ormcache("model")
    def _sealed_names(self, model):
        """Fields of the model that the data map seals."""
        return tuple(
            row.field
            for row in self.env["gdpr.data.map"]._declarations().values()
            if row.model == model and row.on_seal == "seal"
        )

    @api.model
    @tools.ormcache("model")
    def _refusing_links(self, model):
        """Links of the model that a sealed person may not stand in anew: (field, field with the name of its model)."""
        model_fields = self.env[model]._fields
        return tuple(
            (row.field, self.env["gdpr.data.path"]._model_column(model_fields[row.field]))
            for row in self.env["gdpr.data.map"]._declarations().values()
            if row.model == model and row.on_seal == "refuse"
        )

    @api.model
    @tools.ormcache("model")
    def _is_copy(self, model):
        """Whether rows of the model are copies of the person: what they are called by is sealed."""
        return any(self._gets_placeholder(self.env[model]._fields[name]) for name in self._sealed_names(model))

    def _gets_placeholder(self, field):
        """Whether the field is a name, or must not be empty; a text that only serves as one, as a subject, is not."""
        row = self.env["gdpr.data.map"]._declarations()[field.model_name, field.name]
        named_by = row.role == "value" and field.name == self.env[field.model_name]._rec_name
        return field.type != "boolean" and (field.required or row.action == "replace" or named_by)

    def _take_out(self, model, ids, label):
        """Put placeholders into the columns, empty the rest, take relations and files out.

        :return: id → ``{"relations": {field: ids}, "files": [...]}`` of what no column of the row holds
        """
        records, beside, assignments = self.env[model].browse(ids), {}, []
        for name in self._sealed_names(model):
            field = records._fields[name]
            if field.type == "many2many":
                for id_, linked in self._take_relations(field, ids).items():
                    beside.setdefault(id_, {}).setdefault("relations", {})[name] = linked
            elif field.type == "binary" and field.attachment:
                for id_, files in self._take_files(model, name, ids).items():
                    beside.setdefault(id_, {}).setdefault("files", []).extend(files)
            elif field.store and field.column_type:
                assignments.append(SQL("%s = %s", SQL.identifier(name), self._sealed_value(field, label)))
        if any(entry.get("files") for entry in beside.values()):
            # browsers keep a picture under the moment of the last change
            assignments.append(SQL("write_date = now() AT TIME ZONE 'UTC'"))
        if assignments:
            self.env.cr.execute(
                SQL(
                    "UPDATE %s SET %s WHERE id = ANY(%s)",
                    SQL.identifier(records._table),
                    SQL(", ").join(assignments),
                    ids,
                )
            )
        return beside

    def _sealed_value(self, field, label):
        """SQL of what stands in a sealed column: a name becomes the placeholder, all else is empty."""
        model = self.env[field.model_name]
        if field.type == "boolean":
            return SQL("false")
        if (field.model_name, field.name) == ("mail.message", "body"):
            # Odoo says of a message without words that it was removed
            words = self.env._("Not shown: this person's data is restricted.")
            return SQL("CASE WHEN body <> '' THEN %s END", f"<p>{words}</p>")
        if not self._gets_placeholder(field):
            return SQL("NULL")
        if field.model_name == PERSON:
            return SQL("%s || id", self.env["gdpr.executor"]._placeholder_word())
        text = SQL("%s || ' / ' || id", label) if field.name in self._unique_columns(model._table) else SQL("%s", label)
        return SQL("jsonb_build_object('en_US', %s::text)", text) if field.translate else text

    @api.model
    @tools.ormcache("table")
    def _unique_columns(self, table):
        """Columns of the table that stand in a unique index."""
        rows = self.env.execute_query(
            SQL(
                """SELECT DISTINCT a.attname FROM pg_index i
                     JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)
                    WHERE i.indrelid = %s::regclass AND i.indisunique AND NOT i.indisprimary""",
                table,
            )
        )
        return frozenset(name for (name,) in rows)

    def _take_relations(self, field, ids):
        rows = self.env.execute_query(
            SQL(
                "DELETE FROM %(relation)s WHERE %(one)s = ANY(%(ids)s) RETURNING %(one)s, %(other)s",
                relation=SQL.identifier(field.relation),
                one=SQL.identifier(field.column1),
                other=SQL.identifier(field.column2),
                ids=ids,
            )
        )
        taken = {}
        for id_, other in sorted(rows):
            taken.setdefault(id_, []).append(other)
        return taken

    def _take_files(self, model, name, ids):
        """Take the files of a field out of table and store: id → the row as it was, with its content."""
        executor, attachments, taken = self.env["gdpr.executor"], self.env["ir.attachment"], {}
        found = executor._field_attachments(model, name, ids)
        columns = self._read_rows("ir.attachment", found)
        for attachment in attachments.browse(found):
            row = columns[attachment.id]
            content = base64.b64encode(attachment.raw or b"").decode() if row["store_fname"] else None
            taken.setdefault(attachment.res_id, []).append({"id": attachment.id, "columns": row, "content": content})
        if found:
            executor._delete("ir.attachment", found)
        return taken

    def _detach(self, partner_ids):
        """Take sealed contacts out of the company above them: its address and tax number flow both ways.

        :return: those that had one
        """
        staying = self._get_attached(partner_ids)
        rows = self.env.execute_query(
            SQL(
                "UPDATE res_partner SET parent_id = NULL WHERE id = ANY(%s) AND parent_id <> ALL(%s) RETURNING id",
                [id_ for id_ in partner_ids if id_ not in staying],
                partner_ids,
            )
        )
        return [id_ for (id_,) in rows]

    @api.model
    def _get_attached(self, partner_ids):
        """Contacts that stay below their company, because others' records would follow; glue add-ons add theirs."""
        return set()

    def _set_state(self, partner_ids, state):
        self.env.cr.execute(SQL("UPDATE res_partner SET gdpr_state = %s WHERE id = ANY(%s)", state, partner_ids))

    def _recompute(self, places, detached):
        """Let everything that follows the sealed or restored columns follow."""
        self.env.invalidate_all()
        for model, ids in places.items():
            # not files: the smaller pictures would be made anew from the large one
            names = [n for n in self._sealed_names(model) if self._has_column(self.env[model]._fields[n])]
            self.env[model].browse(ids).modified(names)
        self.env[PERSON].browse(detached).modified(["parent_id"])
        self.env.flush_all()
        self.env.invalidate_all()
        if "res.users" in places:
            self.env.registry.clear_cache()

    @staticmethod
    def _has_column(field):
        return field.store and (field.column_type or field.type == "many2many")

    # -- back ----------------------------------------------------------------------------------------

    def _lift(self):
        """Bring every value of these rows of the vault back, to the byte, and forget them.

        Written by SQL, after what follows by computation has followed: no company above the contact changes, and no
        computation has the last word.

        :return: number of values that no longer fit, because what they pointed to is gone
        """
        self = self._sweeping()
        self.env.flush_all()
        held, lost = {}, 0
        for row in self:
            held.setdefault(row.model_name, {})[row.res_id] = row._unpack()
        places = {model: sorted(rows) for model, rows in held.items()}
        for model, rows in held.items():
            lost += self._drop_changed(model, rows)
            lost += self._drop_dead_links(model, rows)
            self._bring_back_columns(model, rows)
            lost += self._bring_back_relations(model, rows)
            self._bring_back_files(rows)
        self._set_state(places.get(PERSON, []), "active")
        contacts = held.get(PERSON, {})
        self._recompute(places, [id_ for id_, payload in contacts.items() if payload["columns"].get("parent_id")])
        for model, rows in held.items():
            self._bring_back_columns(model, rows)
        self.unlink()
        self.env.flush_all()
        self.env.invalidate_all()
        return lost

    def _bring_back_columns(self, model, rows):
        """Write the columns of some rows, one statement for all that have the same ones."""
        alike = {}
        for id_, payload in rows.items():
            if payload["columns"]:
                alike.setdefault(tuple(sorted(payload["columns"])), []).append(id_)
        types = self._column_types(self.env[model]._table)
        for names, ids in alike.items():
            assignments = [
                SQL("%s = %s::%s", SQL.identifier(name), SQL.identifier("held", name), SQL(types[name]))
                for name in names
            ]
            values = [SQL("%s::text[]", [rows[id_]["columns"][name] for id_ in ids]) for name in names]
            self.env.cr.execute(
                SQL(
                    "UPDATE %s AS t SET %s FROM unnest(%s::int[], %s) AS held (id, %s) WHERE t.id = held.id",
                    SQL.identifier(self.env[model]._table),
                    SQL(", ").join(assignments),
                    ids,
                    SQL(", ").join(values),
                    SQL(", ").join(SQL.identifier(name) for name in names),
                )
            )

    def _drop_changed(self, model, rows):
        """Leave texts of others as somebody wrote them meanwhile; return how many."""
        changed = 0
        now = self._read_rows(model, [id_ for id_, payload in rows.items() if "left" in payload])
        for id_, row in now.items():
            for name, left in rows[id_]["left"].items():
                if row[name] != left:
                    rows[id_]["columns"].pop(name)
                    changed += 1
        return changed

    def _drop_dead_links(self, model, rows):
        """Empty links whose target was deleted meanwhile; return how many."""
        dead = 0
        for name, field in self.env[model]._fields.items():
            if field.type != "many2one" or not field.store:
                continue
            wanted = {int(p["columns"][name]) for p in rows.values() if p["columns"].get(name)}
            gone = wanted - set(self.env[field.comodel_name].browse(wanted).exists().ids) if wanted else ()
            for payload in rows.values():
                if payload["columns"].get(name) and int(payload["columns"][name]) in gone:
                    payload["columns"][name] = None
                    dead += 1
        return dead

    def _bring_back_relations(self, model, rows):
        dead = 0
        for id_, payload in rows.items():
            for name, linked in payload.get("relations", {}).items():
                field = self.env[model]._fields[name]
                present = self.env[field.comodel_name].browse(linked).exists().ids
                dead += len(linked) - len(present)
                self.env.cr.execute(
                    SQL(
                        "INSERT INTO %s (%s, %s) SELECT %s, unnest(%s::int[]) ON CONFLICT DO NOTHING",
                        SQL.identifier(field.relation),
                        SQL.identifier(field.column1),
                        SQL.identifier(field.column2),
                        id_,
                        present,
                    )
                )
        return dead

    def _bring_back_files(self, rows):
        types = self._column_types("ir_attachment")
        for payload in rows.values():
            for file in payload.get("files", ()):
                columns = dict(file["columns"])
                if file["content"] is not None:
                    content = base64.b64decode(file["content"])
                    columns["store_fname"] = self.env["ir.attachment"]._file_write(content, columns["checksum"])
                columns["id"] = str(file["id"])
                self.env.cr.execute(
                    SQL(
                        "INSERT INTO ir_attachment (%s) VALUES (%s)",
                        SQL(", ").join(SQL.identifier(name) for name in columns),
                        SQL(", ").join(SQL("%s::%s", value, SQL(types[name])) for name, value in columns.items()),
                    )
                )

    # -- sealed addresses ----------------------------------------------------------------------------

    def _digests(self, ring, email, phone):
        """Keyed digests by which a sealed contact is found again by whoever knows the address, and by nobody else."""
        key = ring.derive("address-digest")

        def digest(address):
            return address and hmac.new(key, address.encode(), hashlib.sha256).hexdigest()

        return {"mailbox_digest": digest(email), "number_digest": digest(phone)}

    @api.model
    def _partners_at(self, addresses, kind=None):
        """Sealed contacts by their normalised e-mail address or phone number: address → contact id."""
        if not addresses or not self.search_count([], limit=1):
            return {}
        ring, of_digest = self.env["consent.key"]._ring(), {}
        for address in addresses:
            of_digest[self._digests(ring, address, None)["mailbox_digest"]] = address
        rows = self.search(
            [
                ("model_name", "=", PERSON),
                *([("kind", "=", kind)] if kind else []),
                "|",
                ("mailbox_digest", "in", list(of_digest)),
                ("number_digest", "in", list(of_digest)),
            ],
            # of several contacts with one address the oldest counts, as where Odoo finds them itself
            order="res_id desc",
        )
        return {
            of_digest[digest]: row.res_id
            for row in rows
            for digest in (row.mailbox_digest, row.number_digest)
            if digest in of_digest
        }

    # -- rows as they are ----------------------------------------------------------------------------

    @api.model
    def _read_rows(self, model, ids, names=None):
        """Columns of some rows as PostgreSQL writes them, which it reads back without loss: id → {column: text}."""
        table = self.env[model]._table
        names = [name for name in self._column_types(table) if name != "id"] if names is None else list(names)
        rows = self.env.execute_query(
            SQL(
                "SELECT id, ARRAY[%s]::text[] FROM %s WHERE id = ANY(%s)",
                SQL(", ").join(SQL("%s::text", SQL.identifier(name)) for name in names),
                SQL.identifier(table),
                list(ids),
            )
        )
        return {id_: dict(zip(names, values, strict=True)) for id_, values in rows}

    @api.model
    def _column_types(self, table):
        """Columns of the table and their types, in PostgreSQL's words."""
        rows = self.env.execute_query(
            SQL(
                """SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute
                    WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
                 ORDER BY attnum""",
                table,
            )
        )
        return dict(rows)

    def _store(self, model, entries, digests, kind):
        """Encrypt and store, by SQL: a long chatter is thousands of rows.

        :param entries: list of (id, subject, payload, values of the row in the vault)
        :param digests: of contacts, id → (normalised e-mail address, number)
        """
        ring, ids = self.env["consent.key"]._ring(), []
        for batch in split_every(ROWS_BATCH, entries, list):
            rows = []
            subjects = self.env["consent.subject"].browse([subject.id for _id, subject, _payload, _values in batch])
            payloads = subjects._encrypt_all(
                [
                    (json.dumps(payload, sort_keys=True).encode(), self._associated(model, id_))
                    for id_, _subject, payload, _values in batch
                ]
            )
            for (id_, subject, _payload, values), sealed in zip(batch, payloads, strict=True):
                found = self._digests(ring, *digests[id_]) if id_ in digests else {}
                rows.append(
                    (
                        id_,
                        subject.id,
                        values.get("request_id"),
                        values.get("law"),
                        values.get("until"),
                        base64.b64encode(sealed),
                        found.get("mailbox_digest"),
                        found.get("number_digest"),
                    )
                )
            # the key of a subject that had none yet is written before what it opens
            self.env.flush_all()
            columns = [list(column) for column in zip(*rows, strict=True)]
            stored = self.env.execute_query(
                SQL(
                    """INSERT INTO gdpr_vault (model_name, kind, create_uid, write_uid, create_date, write_date, res_id,
                              subject_id, request_id, law, until, payload, mailbox_digest, number_digest)
                       SELECT %s, %s, %s, %s, now() AT TIME ZONE 'UTC', now() AT TIME ZONE 'UTC', r.*
                         FROM unnest(%s::int[], %s::int[], %s::int[], %s::text[], %s::date[], %s::bytea[], %s::text[],
                              %s::text[]) AS r
                    RETURNING id""",
                    model,
                    kind,
                    self.env.uid,
                    self.env.uid,
                    *columns,
                )
            )
            ids += [id_ for (id_,) in stored]
        return self.browse(ids)

    def _refuse_twice(self, model, ids):
        if self.search_count([("model_name", "=", model), ("res_id", "in", list(ids))], limit=1):
            raise UserError(self.env._("One of the records is sealed already: cancel this request."))

    @staticmethod
    def _associated(model, res_id):
        return f"gdpr.vault/{model}/{res_id}".encode()

    def _sweeping(self):
        """As the sweep: past the vetoes on sealed rows, without a trace of the old values."""
        return self.sudo().with_context(
            **{capability.KEY: capability.SWEEP},
            tracking_disable=True,
            mail_notrack=True,
            active_test=False,
            bin_size=False,
        )

    def _unpack(self):
        """What one row of the vault holds: ``{"columns": {column: text}, "relations": …, "files": …}``."""
        self.ensure_one()
        # a client that asks for sizes of files must not get one for the key
        row = self.sudo().with_context(bin_size=False)
        payload = base64.b64decode(row.payload)
        return json.loads(row.subject_id._decrypt(payload, self._associated(self.model_name, self.res_id)))

    def _open(self):
        """The sealed values of one row: field → value. Callers check rights and write the log."""
        held = self._unpack()
        model_fields = self.env[self.model_name]._fields
        values = {
            name: self._typed(model_fields[name], text)
            for name, text in held["columns"].items()
            if name in model_fields
        }
        return values | held.get("relations", {})

    def _file_words(self):
        """The sealed files of one row in words: the largest picture stands for its smaller copies."""
        sizes = {int(file["columns"]["file_size"] or 0) for file in self._unpack().get("files", ())}
        return [self.env._("%s bytes", max(sizes))] if sizes else []

    @staticmethod
    def _typed(field, text):
        if text is None:
            return None
        if field.type in ("many2one", "integer", "many2one_reference"):
            return int(text)
        if field.type in ("float", "monetary"):
            return float(text)
        if field.type == "boolean":
            return text in ("t", "true")
        if field.column_type[0] == "jsonb":
            return json.loads(text)
        return text
