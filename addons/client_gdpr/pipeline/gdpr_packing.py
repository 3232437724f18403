import base64
import json
import os
import tempfile

from odoo import fields, models
from odoo.tools import SQL, split_every

from ..tools import document, package, schema
from ..tools.answer import LONGEST_PRINTED

#: Files whose names are read together for the list.
NAMED_TOGETHER = 200
WITHHELD = ("model", "id", "field", "reason", "count")


class GdprReporter(models.AbstractModel):
    """The answer as files of an archive. Everything is written block by block; nothing of it is kept here."""

    _inherit = "gdpr.reporter"  # pylint: disable=consider-merging-classes-inherited

    # -- the answer ----------------------------------------------------------------------------------

    def _pack_answer(self, archive, request, reading, files, missing_models, folder):
        """Write lists, data and document into the archive, the last of all.

        :param files: what :meth:`_pack_file` said of each file
        :param missing_models: names of models that were there when the work began and are gone
        :param folder: where to put things together on disk
        :return: ``{files, mentions, withheld}``: how many of each
        """
        tables, moment = list(self._tables(reading)), fields.Datetime.now().timetuple()
        listed = self._file_list(files) + list(self._pack_kept_files(archive, request, reading, moment))
        head = self._answer_head(request, reading, tables) | {
            "files": listed,
            "notes": self._notes(files, missing_models) + self._left_out(reading, tables),
            "mentions": list(self._mentions(reading)),
        }
        archive.write("read-me.txt", [self._read_me(head).encode()], moment)
        archive.write("schema.json", [json.dumps(schema.SCHEMA, indent=1).encode()], moment)
        archive.write("files.csv", self._list_csv("files", listed), moment)
        printed = []
        with tempfile.TemporaryFile(dir=folder) as file:
            write = file.write
            write(json.dumps(head, ensure_ascii=False)[:-1].encode() + b', "tables": [')
            for number, table in enumerate(tables):
                write(b",\n" if number else b"\n")
                printed.append((table, self._pack_table(archive, reading, table, write, moment)))
            withheld = [dict(zip(WITHHELD, row, strict=True)) for row in reading.withheld]
            write(b'], "withheld": ' + json.dumps(withheld).encode() + b"}\n")
            self._pack_from(file, archive, "data.json", moment)
        archive.write("withheld.csv", self._list_csv("withheld", withheld), moment)
        if request.kind == "access":
            with tempfile.TemporaryFile(dir=folder) as file:
                document.render(self._answer_document(request, head, printed, self._withheld_sentences(reading)), file)
                self._pack_from(file, archive, "answer.pdf", moment, packed=True)
        return {
            "files": sum(file["path"] is not None for file in listed),
            "mentions": len(head["mentions"]),
            "withheld": sum(row["count"] for row in withheld),
        }

    def _pack_table(self, archive, reading, table, write, moment):
        """Write the records of a table into the data and into a CSV of their own; return the first for the document."""
        printed, names = [], list(table.fields)

        def rows():
            for number, record in enumerate(self._records(reading, table)):
                write((b",\n" if number else b"\n") + json.dumps(record, ensure_ascii=False).encode())
                if number < LONGEST_PRINTED:
                    printed.append(record)
                yield [record["id"], *map(record["values"].get, names)]

        write(json.dumps(table.head(), ensure_ascii=False)[:-1].encode() + b', "records": [')
        archive.write(f"tables/{table.model}.csv", package.csv_blocks(["id", *names], rows()), moment)
        write(b"]}")
        return printed

    def _pack_from(self, file, archive, name, moment, packed=False):
        file.seek(0)
        archive.write(name, package.blocks_of(file), moment, packed)

    def _list_csv(self, name, rows):
        names = list(schema.SCHEMA["properties"][name]["items"]["properties"])
        return package.csv_blocks(names, ([row[name] for name in names] for row in rows))

    def _read_me(self, head):
        """What is in the archive, for whoever opens it first."""
        lines = [
            self.env._(
                "Request %(number)s, put together %(written)s UTC", number=head["request"], written=head["written"]
            ),
            "",
            "read-me.txt, schema.json: " + self.env._("what is here, and how data.json is built"),
            "data.json: " + self.env._("all the data, for machines"),
            "tables/*.csv: " + self.env._("the same data as tables, for spreadsheets"),
            "files.csv, files/: " + self.env._("your files; the list says what each was called"),
            "withheld.csv: " + self.env._("where other people's data was taken out, and why (Art. 15(4) GDPR)"),
        ]
        if head["kind"] == "access":
            lines.insert(2, "answer.pdf: " + self.env._("the answer to read"))
        return "\r\n".join([*lines, "", *head["notes"], ""])

    def _notes(self, files, missing_models):
        """Sentences on what the package does not hold, and why."""
        notes = []
        if missing := [file for file in files if file["state"] == "missing"]:
            notes.append(
                self.env._(
                    "%s file(s) are listed whose content is no longer on our server; since when is not known.",
                    len(missing),
                )
            )
        if missing_models:
            notes.append(
                self.env._(
                    "While this was put together a part of the system was removed, and its data with it: %s.",
                    ", ".join(missing_models),
                )
            )
        return notes

    # -- files ---------------------------------------------------------------------------------------

    def _attachment_ids(self, located, kind):
        """Files that are the person's, without the smaller copies that Odoo makes of a picture."""
        given = self._given_attachment_ids(located)
        if kind == "portability":
            return given
        declared = self.env["gdpr.data.map"]._declarations()
        rows = self.env.execute_query(
            SQL(
                "SELECT id, res_model, res_field FROM ir_attachment WHERE id = ANY(%s) ORDER BY id",
                [*given, *located.ids("ir.attachment", "self", "own")],
            )
        )

        def goes_in(model, name):
            row = declared.get((model, name))
            return not name or not row or self._is_exported(row, kind)

        return [id_ for id_, model, name in rows if goes_in(model, name)]

    def _given_attachment_ids(self, located):
        """Files the person gave: uploaded with a login of their own, or sent with a message of theirs."""
        rows = self.env.execute_query(
            SQL(
                """SELECT a.id FROM ir_attachment a
                     JOIN res_users u ON u.id = a.create_uid AND u.partner_id = ANY(%(people)s)
                    WHERE a.id = ANY(%(ids)s)
                    UNION
                   SELECT r.attachment_id FROM message_attachment_rel r
                     JOIN mail_message m ON m.id = r.message_id AND m.author_id = ANY(%(people)s)
                 ORDER BY 1""",
                people=list(located.partner_ids),
                ids=list(located.ids("ir.attachment", "self", "own")),
            )
        )
        return [id_ for (id_,) in rows]

    def _attachment_bytes(self, ids):
        """How large the files are together, as Odoo remembers."""
        [[size]] = self.env.execute_query(
            SQL("SELECT coalesce(sum(file_size), 0)::bigint FROM ir_attachment WHERE id = ANY(%s)", list(ids))
        )
        return size

    def _attachment_rows(self, ids):
        """What is known of files, in the order of the ids; one deleted meanwhile comes as its id alone."""
        rows = self.env.execute_query_dict(
            SQL(
                """SELECT id, name, type, mimetype, store_fname, checksum, db_datas IS NOT NULL AS in_row,
                          coalesce(file_size, 0) AS size
                     FROM ir_attachment WHERE id = ANY(%s)""",
                list(ids),
            )
        )
        found = {row["id"]: row for row in rows}
        return [found.get(id_, {"id": id_}) for id_ in ids]

    def _pack_file(self, archive, row):
        """Pack one file; return what is to be said of it: id, path, state, size and digest, but no name."""
        entry = {"id": row["id"], "path": None, "state": "deleted", "size": 0, "sha256": None}
        if "type" not in row:
            return entry
        if row["type"] == "url":
            return entry | {"state": "link"}
        blocks = self._open_file(row)
        if blocks is None:
            return entry | {"state": "missing"}
        path = f"files/{row['id']}{package.extension(row['name'])}"
        packed = bool(package.PACKED.match(row["mimetype"] or ""))
        written = archive.write(path, blocks, fields.Datetime.now().timetuple(), packed)
        state = "included" if not row["checksum"] or written.sha1 == row["checksum"] else "changed"
        return entry | {"path": path, "state": state, "size": written.size, "sha256": written.sha256}

    def _open_file(self, row):
        """The blocks of a file, or nothing when it is gone."""
        if row["in_row"]:
            return self._row_blocks(row["id"])
        if not row["store_fname"]:
            return [] if not row["size"] else None
        path = self.env["ir.attachment"]._full_path(row["store_fname"])
        if os.path.isfile(path):
            return self._file_blocks(path)
        # another storage than Odoo's own reads in its own way
        raw = self.env["ir.attachment"].sudo().browse(row["id"]).raw
        return [raw] if raw else None

    @staticmethod
    def _file_blocks(path):
        with open(path, "rb") as file:
            yield from package.blocks_of(file)

    def _row_blocks(self, id_):
        """The blocks of a file that is kept in the database."""
        start = 1
        while True:
            [[block]] = self.env.execute_query(
                SQL(
                    "SELECT substring(db_datas FROM %s FOR %s) FROM ir_attachment WHERE id = %s",
                    start,
                    package.BLOCK,
                    id_,
                )
            )
            if not block:
                return
            yield bytes(block)
            start += package.BLOCK

    def _pack_kept_files(self, archive, request, reading, moment):
        """Pack what the privacy add-ons keep encrypted: evidence of consents, and files of a sealed person."""
        if request.kind != "access":
            return
        # sudo: the person's own evidence, for the person
        evidences = self.env["consent.evidence"].sudo()
        found = evidences.search([("subject_id.partner_id", "in", list(reading.located.partner_ids))], order="id")
        for evidence in found:
            shredded, name = evidence.shredded_on, evidence._download_name()
            written = None if shredded else archive.write(f"files/{name}", [evidence._open()], moment, packed=True)
            yield {
                "path": written and f"files/{name}",
                "name": evidence.name or name,
                "kind": evidence.mimetype,
                "of": evidences._description,
                "state": "included" if written else "deleted",
                "size": written.size if written else 0,
                "sha256": written.sha256 if written else evidence.sha256,
                "note": evidence.display_name,
            }
        for (model, id_), row in sorted(reading.sealed.items()):
            for file in row._unpack().get("files", ()):
                name, content = file["columns"].get("name") or "", file["content"]
                path = f"files/{file['id']}{package.extension(name)}"
                written = content and archive.write(path, [base64.b64decode(content)], moment)
                yield {
                    "path": path if written else None,
                    "name": name,
                    "kind": file["columns"].get("mimetype") or "",
                    "of": f"{self.env[model]._description} {id_}" if model in self.env else "",
                    "state": "included" if written else "missing",
                    "size": written.size if written else 0,
                    "sha256": written.sha256 if written else None,
                    "note": "",
                }

    def _file_list(self, files):
        """What is said of each file in the package; names are read now and kept nowhere."""
        words = {
            "included": "",
            "changed": self.env._("differs from what was stored first"),
            "missing": self.env._("the content is gone; since when is not known"),
            "deleted": self.env._("was deleted while the package was being built"),
            "link": self.env._("only a link was stored"),
        }
        listed = []
        for batch in split_every(NAMED_TOGETHER, files, list):
            # sudo: the person's own files, found for the person
            attachments = self.env["ir.attachment"].sudo().browse(file["id"] for file in batch).exists()
            known = {attachment.id: attachment for attachment in attachments}
            for file in batch:
                attachment = known.get(file["id"])
                listed.append(
                    {
                        "path": file["path"],
                        "name": attachment.name if attachment else "",
                        "kind": (attachment and attachment.mimetype) or "",
                        "of": self._belongs_to(attachment),
                        "state": file["state"],
                        "size": file["size"],
                        "sha256": file["sha256"],
                        "note": words[file["state"]],
                    }
                )
            attachments.invalidate_recordset()
        return listed

    def _belongs_to(self, attachment):
        if not attachment or not attachment.res_model:
            return ""
        if attachment.res_model not in self.env:
            return self.env._("a part of the system that was removed")
        return f"{self.env[attachment.res_model]._description} {attachment.res_id or ''}".strip()
