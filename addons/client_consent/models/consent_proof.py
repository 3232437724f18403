import os
import tempfile

from markupsafe import Markup
from odoo import api, fields, models
from odoo.tools import file_open, file_path, format_date, format_datetime, human_size

from ..tools import canonical, commitment, file_kind, fold, proof_pack

#: Knows the letters of all languages of the countries we know.
DEJAVU = "/usr/share/fonts/truetype/dejavu"
#: What Odoo itself brings along.
OPEN_SANS = "web/static/fonts/google/Open_Sans"
#: Checks a pack with nothing but Python; it goes along in it.
SCRIPT = "verify_pack.py"


class ConsentProof(models.AbstractModel):
    """Everything that proves what a person was asked and answered, as of a moment: values, page, and pack."""

    _name = "consent.proof"
    _description = "Proof of Consents"

    # -- values --------------------------------------------------------------------------------------

    @api.model
    def _collect(self, partner, at):
        """The proof about one contact as plain values; what happened after ``at`` is left out.

        Events count by the moment at which the person answered; one that was recorded only after ``at`` says so.
        """
        events = self._events(partner, at)
        receipts = self.env["consent.receipt"]
        said = receipts._said(events)
        proofs, checkpoint = receipts._position(events)
        evidence = self.env["consent.evidence"]._of_events(events)
        return {
            "as_of": fields.Datetime.to_string(at),
            "made_at": fields.Datetime.to_string(fields.Datetime.now()),
            "partner_id": partner.id,
            "answers": self._answers(events, at),
            "events": [self._event_values(event, said[event.id], evidence[event.id], at) for event in events],
            "notices": [self._notice_values(notice) for notice in events.notice_id.sorted("id")],
            "inclusion_proofs": {event.uuid: proofs[event.id] for event in events if event.id in proofs},
            "checkpoint": checkpoint,
        }

    def _events(self, partner, at):
        return self.env["consent.event"].search(
            [("partner_id", "=", partner.id), ("at", "<=", at)],
            order="at, id",
        )

    def _event_values(self, event, proved, evidence, at):
        payload, salt, algorithm = proved
        return {
            **canonical.parse(payload),
            "purpose_name": event.purpose_id.name,
            "company_name": event.company_id.name,
            "recorded_later": event.recorded_at > at,
            "evidence": evidence._values(),
            "proof": {
                "algorithm": algorithm,
                "commitment": commitment.commit(salt, payload, algorithm),
                "salt": salt.hex(),
                "payload": payload.decode(),
            },
        }

    def _notice_values(self, notice):
        """A text as it was shown; its fingerprint is that of the bytes in ``fingerprinted``."""
        return {
            "code": notice.code,
            "version": notice.version,
            "lang": notice.lang,
            "title": notice.name,
            "text": str(notice.body or ""),
            "facts": str(notice.facts_html or ""),
            "sha256": notice.sha256,
            "published_at": fields.Datetime.to_string(notice.published_at),
            "fingerprinted": canonical.canonical(notice._digest_values()).decode(),
            "url": notice._url(),
        }

    def _answers(self, events, at):
        """What was in force at the moment, per purpose, channel, address and company, folded from these events."""
        lines = {}
        for event in events:
            key = (event.sudo().subject_id, event.purpose_id, event.channel, event.address, event.company_id)
            lines.setdefault(key, []).append(
                fold.Event(event.kind, event.source, event.at, event.id, event.until or None)
            )
        answers = []
        for (subject, purpose, channel, address, company), members in lines.items():
            basis = fold.fold(members)
            answers.append(
                {
                    "subject": subject.uuid,
                    "purpose": purpose.code,
                    "purpose_name": purpose.name,
                    "channel": channel,
                    "address": address,
                    "company": company.id,
                    "state": basis.state_on(at.date()),
                    "since": fields.Datetime.to_string(basis.since),
                    "until": fields.Date.to_string(basis.until) if basis.until else None,
                }
            )
        return answers

    # -- pack ----------------------------------------------------------------------------------------

    @api.model
    def _pack(self, partner, at, with_evidence):
        """The proof pack: an open temporary file that holds the ZIP, and the name to hand it out under."""
        proof = partner.consent_proof(at)
        files = self._name_files(proof, partner, with_evidence)
        target = tempfile.TemporaryFile()  # noqa: SIM115 - whoever hands it out reads it to its end and closes it
        proof_pack.write(target, self._parts(partner, proof, files), fields.Datetime.to_datetime(proof["as_of"]))
        target.seek(0)
        return target, self._pack_name(proof)

    def _pack_name(self, proof):
        """A file name of numbers only."""
        subject = proof["events"][0]["subject"][:8] if proof["events"] else "none"
        return f"consent-proof-{subject}-{proof['as_of'][:10]}.zip"

    def _name_files(self, proof, partner, with_evidence):
        """Say in the proof under which names texts and evidence stand in the pack: name → evidence record."""
        for notice in proof["notices"]:
            notice["file"] = (
                f"notices/{notice['code']}-v{notice['version']}-{notice['lang']}-{notice['sha256'][:8]}.html"
            )
        files = {}
        if not with_evidence:
            return files
        events = self._events(partner, fields.Datetime.to_datetime(proof["as_of"]))
        of_events = self.env["consent.evidence"]._of_events(events)
        for event, values in zip(events, proof["events"], strict=True):
            for evidence, line in zip(of_events[event.id], values["evidence"], strict=True):
                if not evidence.shredded_on:
                    line["file"] = f"evidence/{evidence.sha256[:16]}.{file_kind.TYPES[evidence.mimetype][1][0]}"
                    files[line["file"]] = evidence
        return files

    def _parts(self, partner, proof, files):
        """Name and bytes of every file of the pack; evidence is opened one by one."""
        yield "proof.pdf", proof_pack.pdf(self._document(partner, proof), self._fonts())
        yield "proof.json", canonical.canonical(proof)
        yield "HOW-TO-CHECK.txt", self._instructions().encode()
        for notice in proof["notices"]:
            yield notice["file"], self._notice_page(notice)
        for name, evidence in files.items():
            yield name, evidence._open()
        with file_open(f"client_consent/tools/{SCRIPT}", "rb") as script:
            yield SCRIPT, script.read()

    def _notice_page(self, notice):
        # cleaned when it was published, and shown to people like this
        words = {"text": Markup(notice["text"]), "facts": Markup(notice["facts"])}
        page = self.env["ir.qweb"]._render("client_consent.proof_notice_page", {"notice": notice, **words})
        return f"<!DOCTYPE html>\n{page}".encode()

    def _fonts(self):
        if os.path.isdir(DEJAVU):
            return proof_pack.Fonts(f"{DEJAVU}/DejaVuSans.ttf", f"{DEJAVU}/DejaVuSans-Bold.ttf")
        names = (f"{OPEN_SANS}/Open_Sans-Regular.ttf", f"{OPEN_SANS}/Open_Sans-Bold.ttf")
        return proof_pack.Fonts(*map(file_path, names))

    def _instructions(self):
        return "\n\n".join(
            [
                self.env._("How to check this pack"),
                self.env._("proof.pdf is for reading; proof.json holds the same for machines."),
                self.env._(
                    "With Python 3 and nothing else: unpack the ZIP, open its folder, and run: python3 verify_pack.py"
                ),
                self.env._(
                    "By hand: SHA-256 over the bytes of “salt” followed by those of “payload” gives “commitment”. "
                    "SHA-256 over a zero byte and the commitment gives the leaf. The path leads from the leaf to the "
                    "root as RFC 6962 says. The root stands in base64 in the third line of the checkpoint."
                ),
                self.env._(
                    "The checkpoint is signed. Whoever knows the company's verifier key checks the signature with: "
                    "python3 verify_pack.py . KEY (this needs the package cryptography). Compare the checkpoint also "
                    "with the copies mailed at its time to people outside the company, such as its accountant: "
                    "then nobody can have changed an event since."
                ),
                self.env._("sha256sum -c SHA256SUMS says whether a file of the pack was changed."),
            ]
        )

    # -- page ----------------------------------------------------------------------------------------

    def _document(self, partner, proof):
        """What stands in the PDF."""
        as_of = self._moment(proof["as_of"])
        sections = [self._about(partner, proof, as_of), self._answers_section(proof, as_of)]
        sections += [self._event_section(number, event, proof) for number, event in enumerate(proof["events"], 1)]
        sections += [self._notices_section(proof), self._ledger_section(proof)]
        return proof_pack.Document(
            title=self.env._("Proof of consents as of %s", as_of),
            sections=tuple(sections),
            footer=self.env._(
                "Proof of consents, contact number %(number)s, made %(made)s",
                number=partner.id,
                made=self._moment(proof["made_at"]),
            ),
            lang=(self.env.lang or "en_US").replace("_", "-"),
        )

    def _about(self, partner, proof, as_of):
        subjects = sorted({event["subject"] for event in proof["events"]})
        return proof_pack.Section(
            self.env._("About whom"),
            (
                self.env._(
                    "This is what the ledger of consents holds about one person up to %s. Later events and texts are "
                    "left out. Users are named by number.",
                    as_of,
                ),
            ),
            (
                (self.env._("Contact"), partner.display_name or ""),
                (self.env._("Contact number"), str(partner.id)),
                (self.env._("Number in the ledger"), "\n".join(subjects) or "–"),
                (self.env._("Controller"), ", ".join(sorted({e["company_name"] for e in proof["events"]})) or "–"),
            ),
        )

    def _answers_section(self, proof, as_of):
        states = self._labels("consent.basis", "state")
        rows = []
        for answer in proof["answers"]:
            state = states[answer["state"]]
            if answer["until"]:
                day = format_date(self.env, answer["until"])
                state = self.env._("%(state)s, until %(day)s", state=state, day=day)
            what = f"{answer['purpose_name']}, {self._labels('consent.event', 'channel')[answer['channel']]}"
            rows.append((what, f"{state}\n{answer['address']}"))
        none = () if rows else (self.env._("Nothing: nobody had asked this person, or nothing was recorded."),)
        return proof_pack.Section(self.env._("What was in force on %s", as_of), none, tuple(rows))

    def _event_section(self, number, event, proof):
        labels = {name: self._labels("consent.event", name) for name in ("kind", "source", "channel")}
        inclusion = proof["inclusion_proofs"].get(event["receipt"])
        recorded = self.env._(
            "%(moment)s, by user number %(user)s", moment=self._moment(event["recorded_at"]), user=event["recorded_by"]
        )
        if event["recorded_later"]:
            recorded = self.env._("%s: after the day this proof is about", recorded)
        rows = [
            (self.env._("When"), self._moment(event["at"])),
            (self.env._("Recorded"), recorded),
            (self.env._("How"), labels["source"][event["source"]]),
            (self.env._("Address"), event["address"]),
            (self.env._("Lawful basis"), self._labels("consent.purpose", "lawful_basis")[event["lawful_basis"]]),
            (self.env._("Controller"), event["company_name"]),
            (self.env._("Holds until"), format_date(self.env, event["until"]) if event["until"] else "–"),
            (self.env._("Text seen"), self._notice_words(event, proof)),
            (self.env._("Evidence"), "\n".join(map(self._evidence_words, event["evidence"])) or "–"),
            (self.env._("Note"), event.get("note") or "–"),
            *((self.env._("Detail: %s", key), str(value)) for key, value in (event.get("detail") or {}).items()),
            (self.env._("Receipt number"), event["receipt"]),
            (
                self.env._("Where in the ledger"),
                self.env._("position %s, under the checkpoint below", inclusion["index"])
                if inclusion
                else self.env._("recorded, not yet under a checkpoint"),
            ),
            (self.env._("Commitment"), event["proof"]["commitment"]),
        ]
        heading = (
            f"{number}. {labels['kind'][event['kind']]}: {event['purpose_name']}, {labels['channel'][event['channel']]}"
        )
        return proof_pack.Section(heading, (), tuple(rows))

    def _notice_words(self, event, proof):
        seen = event["notice"]
        if not seen:
            return self.env._("none was recorded")
        title = next(
            (n["title"] for n in proof["notices"] if (n["sha256"], n["version"]) == (seen["sha256"], seen["version"])),
            "",
        )
        return self.env._(
            "%(title)s (%(code)s, version %(version)s, %(lang)s)\nSHA-256 %(digest)s",
            title=title,
            code=seen["code"],
            version=seen["version"],
            lang=seen["lang"],
            digest=seen["sha256"],
        )

    def _evidence_words(self, file):
        kind = self._labels("consent.evidence", "kind")[file["kind"]]
        what = f"{kind}, {human_size(file['size'])}"
        if file["shredded_on"]:
            what = self.env._(
                "%(what)s, shredded on %(day)s", what=what, day=format_date(self.env, file["shredded_on"])
            )
        elif file.get("file"):
            what = self.env._("%(what)s, in this pack: %(file)s", what=what, file=file["file"])
        return f"{what}\nSHA-256 {file['sha256']}"

    def _notices_section(self, proof):
        rows = [
            (
                f"{notice['code']} v{notice['version']} ({notice['lang']})",
                f"{notice['title']}\n{notice['file']}\n"
                + self.env._("published %s", self._moment(notice["published_at"])),
            )
            for notice in proof["notices"]
        ]
        return proof_pack.Section(self.env._("Texts that were seen"), () if rows else ("–",), tuple(rows))

    def _ledger_section(self, proof):
        checkpoint = proof["checkpoint"]
        if not checkpoint:
            return proof_pack.Section(
                self.env._("The ledger"),
                (self.env._("No checkpoint was signed yet: there are no proofs of position."),),
            )
        return proof_pack.Section(
            self.env._("The ledger"),
            (
                self.env._(
                    "Each event stands in a ledger that only grows. A signed checkpoint fixes all entries before it; "
                    "the proofs of position are in proof.json. HOW-TO-CHECK.txt says how to check them."
                ),
            ),
            (
                (self.env._("Entries"), str(checkpoint["size"])),
                (self.env._("Root"), checkpoint["root"]),
                (self.env._("Signed"), self._moment(checkpoint["signed_at"])),
                (self.env._("Fingerprint of the key"), checkpoint["key_fingerprint"]),
                (self.env._("Signed note"), checkpoint["note"]),
            ),
        )

    def _labels(self, model, name):
        """Code → words of a selection field, in the user's language."""
        return dict(self.env[model]._fields[name]._description_selection(self.env))

    def _moment(self, text):
        """A moment in words, in UTC: an authority sits in its own zone."""
        moment = canonical.moment(text).replace(tzinfo=None)
        return f"{format_datetime(self.env, moment, tz='UTC', dt_format='medium')} UTC"
