from collections import defaultdict
from dataclasses import replace
from itertools import zip_longest

from odoo import api, models
from odoo.tools import SQL, split_every

from ..models.gdpr_data_map import PERSON
from ..tools import identity as identities
from ..tools.identity import Candidate, Choice, Identity
from ..tools.mentions import Haystack
from ..tools.plan import Hit, Located, Reading

#: Delivery and invoice addresses are rows of the same person; a contact below a contact is somebody else.
OWN_ADDRESS_TYPES = ("invoice", "delivery", "other")
#: One person seldom stands behind more links than this; it bounds a walk through mistaken declarations.
MAX_HOPS = 5
#: People looked for together: enough for few statements, few enough for flat memory.
PEOPLE_BATCH = 1000
#: Nobody chooses among more; the surest are kept.
MOST_CANDIDATES = 50


class _Trail:
    """What was found of one person so far: model → (field, bond, sure) → ids."""

    def __init__(self, partner_ids, never=frozenset()):
        self.partner_ids = partner_ids
        self.never = never
        self.found = defaultdict(dict)
        self._own = set()
        self._fresh = []
        self.add(PERSON, "id", "self", partner_ids)

    def add(self, model, field, bond, ids, sure=True):
        """Note records; those that are the person's own are places to look on from."""
        self.found[model].setdefault((field, bond, sure), set()).update(ids)
        if bond in ("self", "own"):
            for id_ in ids:
                if (model, id_) not in self._own:
                    self._own.add((model, id_))
                    self._fresh.append((model, id_))

    def take_fresh(self):
        """Own records from which nobody looked on yet; each is given once."""
        fresh, self._fresh = self._fresh, []
        return fresh

    @property
    def has_fresh(self):
        return bool(self._fresh)

    @property
    def own(self):
        return self._own

    def own_in(self, models_):
        """The person's own records of some models."""
        return {(model, id_) for model, id_ in self._own if model in models_}

    def reached(self, model):
        """Records of a model that an address need not find any more, or must not: a handler said whose they are."""
        return self.ids(model) | {id_ for name, id_ in self.never if name == model}

    def ids(self, model):
        return {id_ for ids in self.found.get(model, {}).values() for id_ in ids}

    def located(self):
        return Located(
            tuple(self.partner_ids),
            tuple(
                Hit(model, field, tuple(sorted(ids)), bond, sure)
                for model in sorted(self.found)
                for (field, bond, sure), ids in sorted(self.found[model].items())
                if ids
            ),
        )


class GdprFinder(models.AbstractModel):
    """Where people are, over everything the data map knows. Collects and never judges.

    Reads by SQL: a record rule must not hide from the person what the company holds about them. Callers
    check rights on the request first.
    """

    _name = "gdpr.finder"
    _description = "Finder of a Person's Data"

    @api.model
    def _locate(self, partner_ids, known=None, choice=None):
        """Collect where one person is, mentions in others' words included: those are searched row by row.

        :param partner_ids: ids of contacts that are the same person
        :param known: an :class:`Identity` gathered earlier, for a person whose records are partly gone
        :param choice: a :class:`Choice` of records that belong to no contact, as a handler made it
        :return: (:class:`Located`, :class:`Identity`)
        """
        people = [partner_ids], [known], [choice]
        [found] = self._locate_all(*people, self._read_texts(*people))
        return found

    @api.model
    def _locate_all(self, people, known, choices, readings):
        """Collect where some people are, mentions in others' words included.

        :param people: list of lists of contact ids, one list a person
        :param known: an :class:`Identity` or nothing for each of them
        :param choices: a :class:`Choice` or nothing for each of them
        :param readings: the :class:`Reading` of each of them
        :return: list of (:class:`Located`, :class:`Identity`) in the same order
        """
        found = self._search(people, known, choices)
        for (trail, _identity), reading in zip(found, readings, strict=True):
            for hit in reading.hits:
                if hit.bond != "text":
                    trail.add(hit.model, hit.field, hit.bond, set(hit.ids) - trail.reached(hit.model))
        self.env["gdpr.trace"]._search(found)
        if unfinished := [trail for trail, _identity in found if trail.has_fresh]:
            with self.env["gdpr.data.path"]._indexes_only():
                self._walk(unfinished)
        for (trail, _identity), reading in zip(found, readings, strict=True):
            for hit in reading.hits:
                if hit.bond == "text":
                    ids = [id_ for id_ in hit.ids if (hit.model, id_) not in trail.own]
                    trail.add(hit.model, hit.field, "text", ids, hit.sure)
        return [(trail.located(), identity) for trail, identity in found]

    @api.model
    def _read_texts(self, people, known, choices, earlier=None):
        """Find what no index leads to, in one reading of all texts for all people.

        These are mentions in free text that is not about the person, by sure identifiers and by name alone; and an
        address that is not the first in its column, as in a list of recipients.

        :param earlier: a :class:`Reading` or nothing for each person. As long as the person is known by the same
            identifiers, only what it found, and what was written since, is read again
        :return: list of :class:`Reading` in the same order
        """
        text = self.env["gdpr.data.text"]
        moment, key = text._moment(), self.env["consent.key"]._ring().derive("request")
        identities, own, models_ = [], [], self._read_columns().keys()
        for batch in split_every(PEOPLE_BATCH, zip(people, known, choices, strict=True), list):
            for trail, identity in self._search(*zip(*batch, strict=True)):
                identities.append(identity)
                own.append(trail.own_in(models_))
        digests = [identity.digest(key) for identity in identities]
        since, again, anew = None, [], []
        for number, reading in enumerate(earlier or [None] * len(identities)):
            if reading and reading.digest == digests[number] and text._is_comparable(reading.moment, moment):
                since = text._earlier(since, reading.moment)
                again.append(number)
            else:
                anew.append(number)
        hits = [()] * len(identities)
        for numbers, moment_of_plan in ((again, since), (anew, None)):
            some = self._read_for(
                [identities[n] for n in numbers],
                [own[n] for n in numbers],
                moment_of_plan,
                [earlier[n].hits for n in numbers] if moment_of_plan else (),
            )
            for number, found in zip(numbers, some, strict=True):
                hits[number] = found
        return [Reading(found, digest, moment) for found, digest in zip(hits, digests, strict=True)]

    @api.model
    def _locate_records(self, people, choices=()):
        """Collect the records that are, name or point to people, by indexes alone.

        :param people: list of lists of contact ids, one list a person
        :param choices: a :class:`Choice` or nothing for each person, in the same order
        :return: iterator of (:class:`Located`, :class:`Identity`) in the same order
        """
        pairs = zip_longest(people, choices)
        for batch in split_every(PEOPLE_BATCH, pairs, list):
            for trail, identity in self._search([ids for ids, _choice in batch], choices=[c for _ids, c in batch]):
                yield trail.located(), identity

    def _search(self, people, known=None, choices=()):
        """The trails and identities of some people, a handful of statements for all of them."""
        self.env.flush_all()
        with self.env["gdpr.data.path"]._indexes_only():
            trails = self._start(people, choices)
            self._walk(trails)
            found = self._gather_identities(trails, known)
            self._search_addresses(trails, found)
            self._walk(trails)
        return list(zip(trails, found, strict=True))

    def _start(self, people, choices=()):
        """A trail a person, from the contacts and from what a handler said is theirs, too."""
        trails = []
        for ids, choice in zip_longest(self._with_own_addresses(people), choices):
            choice = choice or Choice()
            trail = _Trail(ids, choice.never)
            for model, id_ in sorted(choice.also):
                if self.env[model].browse(id_).exists():
                    trail.add(model, self._own_field(model), "own", [id_])
            trails.append(trail)
        return trails

    def _own_field(self, model):
        """The declared field that makes a record of a model a person's own: an address before a link."""
        rows = [row for row in self.env["gdpr.data.path"]._ways() if row.model == model and row.bond == "own"]
        return min(rows, key=lambda row: row.role != "email").field

    # -- which contacts ------------------------------------------------------------------------------

    def _with_own_addresses(self, people):
        """The contacts of each person with the invoice and delivery addresses below them."""
        rows = self.env.execute_query(
            SQL(
                """SELECT parent_id, id FROM res_partner
                    WHERE parent_id = ANY(%(ids)s) AND type = ANY(%(types)s)
                      AND NOT EXISTS (SELECT FROM res_users u WHERE u.partner_id = res_partner.id)
                 ORDER BY id""",
                ids=[id_ for ids in people for id_ in ids],
                types=list(OWN_ADDRESS_TYPES),
            )
        )
        below = defaultdict(list)
        for parent_id, id_ in rows:
            below[parent_id].append(id_)
        return [sorted({*ids, *(child for id_ in ids for child in below[id_])}) for ids in people]

    # -- links ---------------------------------------------------------------------------------------

    def _walk(self, trails):
        """Go on from records that are people's own to what points to them, until nothing new comes."""
        path = self.env["gdpr.data.path"]
        ways = path._ways()
        for _hop in range(MAX_HOPS):
            fresh = [(trail, model, id_) for trail in trails for model, id_ in trail.take_fresh()]
            if not fresh:
                return
            contacts = [(trail, id_) for trail, model, id_ in fresh if model == PERSON]
            records = [place for place in fresh if place[1] != PERSON]
            found = defaultdict(list)
            for way, n, id_ in path._ask("contact_links", [id_ for _trail, id_ in contacts]):
                found[contacts[n - 1][0], way].append(id_)
            for way, n, id_ in path._ask(
                "record_links", [m for _t, m, _i in records], [id_ for _t, _m, id_ in records]
            ):
                found[records[n - 1][0], way].append(id_)
            for (trail, way), ids in found.items():
                trail.add(ways[way].model, ways[way].field, ways[way].bond, ids)

    # -- who it is -----------------------------------------------------------------------------------

    def _gather_identities(self, trails, known=None):
        """The identifiers of each person, from their own records and earlier values in the tracking."""
        path = self.env["gdpr.data.path"]
        gathered = [self._identity(values) for values in self._read_identifiers(trail.own for trail in trails)]
        gathered = self._without_placeholders(gathered, trails)
        if known:
            gathered = [new | old if old else new for new, old in zip(gathered, known, strict=True)]
        given = [
            (number, value)
            for number, identity in enumerate(gathered)
            for value in sorted(identity.emails | identity.phones)
        ]
        shared = defaultdict(set)
        for n, partner_id in path._ask("sharing", [value for _number, value in given]):
            number, value = given[n - 1]
            if partner_id not in trails[number].partner_ids:
                shared[number].add(value)
        if any(trail.never for trail in trails):
            # what a handler said is somebody else's uses its address and number, too
            others = self._read_identifiers({p for p in trail.never if p[0] != PERSON} for trail in trails)
            for number, values in enumerate(others):
                other = self._identity(values)
                shared[number] |= other.emails | other.phones
        return [identity.without(shared[number]) for number, identity in enumerate(gathered)]

    def _without_placeholders(self, gathered, trails):
        """Leave out what stands in sealed contacts instead of their name: it tells nobody, and stands in documents."""
        rows = self.env.execute_query(
            SQL(
                """SELECT id, unnest(ARRAY[name, complete_name]) FROM res_partner
                    WHERE id = ANY(%s) AND gdpr_state <> 'active'""",
                [id_ for trail in trails for id_ in trail.partner_ids],
            )
        )
        placeholders = defaultdict(set)
        for id_, text in rows:
            placeholders[id_].add(identities.fold(text or ""))
        return [
            replace(identity, names=identity.names.difference(*(placeholders[id_] for id_ in trail.partner_ids)))
            for identity, trail in zip(gathered, trails, strict=True)
        ]

    def _read_identifiers(self, groups):
        """What stands in groups of records that tells whose they are: a dict kind → values a group.

        :param groups: iterable of collections of (model, id)
        """
        groups = [sorted(group) for group in groups]
        places = [(number, model, id_) for number, group in enumerate(groups) for model, id_ in group]
        values = [defaultdict(set) for _group in groups]
        rows = self.env["gdpr.data.path"]._ask(
            "identity", [model for _n, model, _i in places], [id_ for _n, _m, id_ in places]
        )
        for kind, n, value in rows:
            values[places[n - 1][0]][kind].add(value)
        return values

    @staticmethod
    def _identity(values):
        return Identity.gather(values["emails"], values["phones"], values["codes"], values["names"] | values["earlier"])

    # -- who else it may be --------------------------------------------------------------------------

    @api.model
    def _candidates(self, people):
        """Records that may be about the same people: other contacts, and leads and the like of no contact.

        They are compared and never joined: whether two records are one person, a handler says.

        :param people: list of lists of contact ids, one list a person
        :return: list of lists of :class:`Candidate`, the surest first, at most :data:`MOST_CANDIDATES` a person
        """
        path = self.env["gdpr.data.path"]
        self.env.flush_all()
        with path._indexes_only():
            trails = self._start(people)
            self._walk(trails)
            values = self._read_identifiers(trail.own for trail in trails)
            given = [(number, *key) for number, each in enumerate(values) for key in sorted(self._lookup_keys(each))]
            marks, places = [defaultdict(set) for _trail in trails], path._candidate_places()
            for place, n, id_ in path._ask("candidates", [kind for _n, kind, _v in given], [v for _n, _k, v in given]):
                number, kind, _value = given[n - 1]
                if (places[place].model, id_) not in trails[number].own:
                    marks[number][places[place].model, id_].add(kind)
            others = sorted({record for found in marks for record in found})
            theirs = dict(zip(others, self._read_identifiers([record] for record in others), strict=True))
        return [
            sorted(
                (
                    Candidate(*record, reasons)
                    for record, shared in found.items()
                    if (reasons := self._reasons(shared, mine, theirs[record]))
                ),
                key=lambda candidate: candidate.rank,
            )[:MOST_CANDIDATES]
            for found, mine in zip(marks, values, strict=True)
        ]

    @staticmethod
    def _lookup_keys(values):
        """The identifiers in the spelling in which they are looked up: set of (kind, value)."""
        emails = {found for value in values["emails"] for found in identities.addresses(value)}
        codes = {identities.code_key(value) for value in values["codes"]}
        return {
            *(("email", value) for value in emails),
            *(("login", value) for value in emails),
            *(("phone", end) for value in values["phones"] if (end := identities.number_end(value))),
            *(("tax", value) for value in values["codes"] | codes if value),
            *(("account", value) for value in codes if value),
            *(
                ("name", key)
                for value in values["names"] | values["earlier"]
                for key in identities.name_keys(value)
                if " " in key
            ),
        }

    @staticmethod
    def _reasons(marks, mine, other):
        """Why two records may be one person: the marks they share and how their names stand to each other."""
        relation = identities.relate_names(mine["names"], mine["earlier"], other["names"], other["earlier"])
        same_number = any(identities.same_number(one, two) for one in mine["phones"] for two in other["phones"])
        shared = tuple(mark for mark in identities.MARKS if mark in marks and (mark != "phone" or same_number))
        # a number whose end alone is the same, under another name, is another number
        if not shared and relation not in ("name_same", "name_earlier"):
            return ()
        return (*shared, relation)

    # -- by address ----------------------------------------------------------------------------------

    def _search_addresses(self, trails, gathered):
        """Find records by e-mail address or phone number, unless they belong to another contact."""
        path = self.env["gdpr.data.path"]
        ways = path._ways()
        given = [
            (trail, value)
            for trail, found in zip(trails, gathered, strict=True)
            for value in sorted(found.emails.union(*map(identities.number_spellings, found.phones)))
        ]
        for way, n, id_ in path._ask("addresses", [value for _trail, value in given]):
            trail = given[n - 1][0]
            if id_ not in trail.reached(ways[way].model):
                trail.add(ways[way].model, ways[way].field, ways[way].bond or "own", [id_])

    # -- in words ------------------------------------------------------------------------------------

    def _read_for(self, identities, own, since, earlier):
        """The hits in texts of each person: tuples of :class:`Hit`.

        :param own: a set of (model, id) for each person: what stands there is not a mention
        :param since: only what was written since that moment, and what was found earlier
        """
        haystack = Haystack(identities)
        words, lists = self._text_columns(), self._address_columns()
        also = defaultdict(set)
        for hits in earlier:
            for hit in hits:
                also[hit.model].update(hit.ids)
        mentioned, addressed = {}, defaultdict(set)
        for model, id_, texts, needles in self.env["gdpr.data.text"]._look(self._read_columns(), haystack, since, also):
            for needle in needles:
                others = [(n, sure) for n, sure in needle.people if (model, id_) not in own[n]]
                for name in [name for name, text in texts.items() if others and haystack.stands_in(needle, text)]:
                    for number, sure in others:
                        if name in words[model]:
                            place = (number, model, name, id_)
                            mentioned[place] = sure or mentioned.get(place, False)
                        elif needle.value in identities[number].emails:
                            addressed[lists[model][name]].add((number, id_))
        found = [defaultdict(set) for _identity in identities]
        for row, places in addressed.items():
            unowned = self._unowned(row, {id_ for _number, id_ in places})
            for number, id_ in places:
                if id_ in unowned:
                    found[number][row.model, row.field, row.bond or "own", True].add(id_)
        for (number, model, name, id_), sure in mentioned.items():
            found[number][model, name, "text", sure].add(id_)
        return [
            tuple(
                Hit(model, name, tuple(sorted(ids)), bond, sure) for (model, name, bond, sure), ids in sorted(f.items())
            )
            for f in found
        ]

    def _read_columns(self):
        """The columns whose words are read: model → field names."""
        words, lists = self._text_columns(), self._address_columns()
        return {model: [*words[model], *lists[model]] for model in words.keys() | lists.keys()}

    def _address_columns(self):
        """Columns that may hold several addresses: model → field name → declaration."""
        columns = defaultdict(dict)
        for row in self.env["gdpr.data.path"]._ways():
            if row.role == "email" and not row.field.endswith("normalized"):
                columns[row.model][row.field] = row
        return columns

    def _unowned(self, row, ids):
        """Those of the records that do not say whose they are."""
        conditions = [SQL("id = ANY(%s)", list(ids)), *self.env["gdpr.data.path"]._unowned_sql(row.model)]
        table = SQL.identifier(self.env[row.model]._table)
        rows = self.env.execute_query(SQL("SELECT id FROM %s WHERE %s", table, SQL(" AND ").join(conditions)))
        return {id_ for (id_,) in rows}

    def _text_columns(self):
        """Columns of free text in which anybody may be mentioned: model → field names."""
        columns = defaultdict(list)
        for row in self.env["gdpr.data.map"]._declarations().values():
            if row.role == "text" and row.action != "none" and self.env["gdpr.data.path"]._has_table(row.model):
                columns[row.model].append(row.field)
        return columns
