from collections import defaultdict
from functools import partial
from typing import NamedTuple

from odoo import api, fields, models, tools
from odoo.fields import Domain
from odoo.tools import SQL

from ..tools import fold
from .consent_purpose import BY_EVENT, WITHOUT_EVENT


class Rule(NamedTuple):
    """What the gate needs to know of a purpose.

    :ivar vetoing: the purposes in which a no is a no for this one too, itself among them
    """

    id: int
    code: str
    state: str
    lawful_basis: str
    channels: tuple
    company_id: int | None
    own_customers: bool
    vetoing: tuple


class ConsentGate(models.AbstractModel):
    """May we, for this purpose, through this channel? What nothing allows is not allowed.

    A purpose that rests on consent or a legitimate interest asks for an answer in force that belongs to the present
    address, on a record that nobody with the same address vetoes. One that rests on a contract asks the providers of
    contracts. What the law demands is always allowed. Nothing here reads the ledger, but a question about the past.
    """

    _name = "consent.gate"
    _description = "Gate"

    # -- purposes ------------------------------------------------------------------------------------

    @api.model
    @tools.ormcache()
    def _rules(self):
        """Every purpose by code: they change hardly ever and every message asks for one."""
        # sudo: whoever sends for a purpose need not read how it is set up
        purposes = self.env["consent.purpose"].sudo().search([])  # pylint: disable=no-search-all
        everything = self.env["ir.model.data"]._xmlid_to_res_id("client_consent.purpose_all_advertising")
        rules = {}
        for purpose in purposes:
            vetoing = list(purpose._vetoing_ids())
            if everything and purpose.lawful_basis in BY_EVENT:
                vetoing.append(everything)
            rules[purpose.code] = Rule(
                purpose.id,
                purpose.code,
                purpose.state,
                purpose.lawful_basis,
                tuple(purpose._channels()),
                purpose.company_id.id or None,
                purpose.own_customers,
                tuple(dict.fromkeys(vetoing)),
            )
        return rules

    def _rule(self, purpose_code, channel):
        """The rule of a purpose that the current company uses with the channel, or nothing."""
        rule = self._rules().get(purpose_code)
        if not rule or rule.state != "active" or channel not in rule.channels:
            return None
        return rule if rule.company_id in (None, self.env.company.id) else None

    # -- contracts -----------------------------------------------------------------------------------

    @api.model
    def _get_contract_providers(self):
        """Names of methods of this model that know of contracts and sales; add-ons that have some add theirs.

        Each takes a purpose (a ``Rule``) and gives a query, as ``SQL``, with the columns ``partner_id``, ``label``
        (text: who says so, ``S00042``) and ``until`` (date or NULL) for the current company, or nothing when the
        purpose is none of its business. A purpose for own customers is asked about the sale that gave the address.
        """
        return []

    def _contract_sql(self, rule):
        """The answers of all providers for a purpose as one query, or nothing."""
        queries = [query for name in self._get_contract_providers() if (query := getattr(self, name)(rule))]
        return (
            SQL(" UNION ALL ").join(SQL("SELECT partner_id, label, until FROM (%s) said", q) for q in queries) or None
        )

    def _contract_domain(self, rule):
        said = self._contract_sql(rule)
        if not said:
            return Domain.FALSE
        return Domain.custom(to_sql=lambda _model, alias, _query: self._contract_exists_sql(said, alias))

    @staticmethod
    def _contract_exists_sql(said, alias):
        return SQL(
            """EXISTS (SELECT FROM (%s) contract
                        WHERE contract.partner_id = %s.id AND (contract.until IS NULL OR contract.until >= %s))""",
            said,
            SQL.identifier(alias),
            fields.Date.today(),
        )

    # -- now -----------------------------------------------------------------------------------------

    @api.model
    def _domain(self, purpose_code, channel):
        """The domain of contacts for whom purpose and channel are allowed now, in the current company."""
        rule = self._rule(purpose_code, channel)
        if not rule:
            return Domain.FALSE
        if rule.lawful_basis in WITHOUT_EVENT:
            return Domain.TRUE
        # an archived contact keeps its answers and is not written to
        in_use = Domain("active", "=", True)
        if rule.lawful_basis == "contract":
            partners = self.env["res.partner"]
            free = partners._consent_domain_by_sql(partners._consent_quarantined_sql(), among=False)
            return in_use & self._contract_domain(rule) & free
        domain = in_use & Domain.custom(to_sql=self._answered_yes(rule, channel))
        return domain & self._contract_domain(rule) if rule.own_customers else domain

    def _answered_yes(self, rule, channel):
        """The condition on contacts that their present address is one with an answer in force.

        PostgreSQL joins it by hash for many contacts and goes over indexes for one, or where it is negated.
        """
        answers = self._answers_sql(rule, channel)

        def to_sql(_model, alias, _query):
            return SQL(
                "EXISTS (SELECT FROM %s AND s.partner_id = %s.id AND b.address = %s)",
                answers,
                SQL.identifier(alias),
                self._address_sql(alias, channel),
            )

        return to_sql

    def _answers_sql(self, rule, channel):
        """The part of a query after FROM: answers ``b`` in force of subjects ``s``, without the vetoed ones."""
        return SQL(
            """consent_basis b JOIN consent_subject s ON s.id = b.subject_id
                WHERE b.purpose_id = %(purpose)s AND b.channel = %(channel)s AND b.company_id = %(company)s
                  AND b.state = 'active' AND (b.until IS NULL OR b.until >= %(today)s)
                  AND NOT EXISTS (
                      SELECT FROM consent_basis v
                       WHERE v.purpose_id = ANY(%(vetoing)s) AND v.channel = %(channel)s
                         AND v.company_id = %(company)s AND v.address = b.address AND %(veto)s)
                  AND %(free)s""",
            purpose=rule.id,
            channel=channel,
            company=self.env.company.id,
            today=fields.Date.today(),
            vetoing=list(rule.vetoing),
            veto=self._veto_sql(),
            free=self._free_sql(),
            to_flush=self.env["consent.subject"]._fields["partner_id"],
        )

    @api.model
    @tools.ormcache()
    def _knows_quarantine(self):
        """Whether anybody's data came from elsewhere at all: where nobody's did, nobody is asked about."""
        foreign = self._among_sql(fold.QUARANTINED_SOURCES)
        [(found,)] = self.env.execute_query(
            SQL(
                """SELECT EXISTS (SELECT FROM consent_source WHERE kind %s)
                       OR EXISTS (SELECT FROM consent_basis WHERE source %s)""",
                foreign,
                foreign,
            )
        )
        return found

    @api.model
    def _learn_sources(self, sources):
        """Called with the ways in which data or answers were obtained, whenever some are recorded."""
        if not set(fold.QUARANTINED_SOURCES).isdisjoint(sources) and not self._knows_quarantine():
            self.env.registry.clear_cache()

    @staticmethod
    def _among_sql(names):
        """The condition that a column is one of the names, written out as the index says it."""
        return SQL("IN (%s)", SQL(", ").join(SQL("%s", name) for name in names))

    def _free_sql(self):
        """Whether the contact behind subject ``s`` is not in quarantine: two joins with what is hardly ever there."""
        if not self._knows_quarantine():
            return SQL("TRUE")
        return SQL(" AND ").join(SQL("NOT EXISTS (%s)", q) for q in self._quarantine_sqls(SQL("= s.partner_id")))

    @api.model
    def _quarantine_sqls(self, which):
        """Queries of contacts in quarantine: the data came from elsewhere only, and they did not answer themselves.

        By what is noted about the source, and by how an answer was obtained; in the current company.

        :param which: ``SQL`` that follows the column of contacts, and says which of them are looked for
        """

        own = SQL(
            """NOT EXISTS (SELECT FROM consent_source o
                            WHERE o.partner_id = f.partner_id AND o.company_id = %(company)s AND o.kind %(own)s)
               AND NOT EXISTS (SELECT FROM consent_basis ob JOIN consent_subject ou ON ou.id = ob.subject_id
                                WHERE ou.partner_id = f.partner_id AND ob.company_id = %(company)s AND ob.voice = 2)""",
            company=self.env.company.id,
            own=self._among_sql(fold.OWN_SOURCES),
        )
        foreign = self._among_sql(fold.QUARANTINED_SOURCES)
        for name in ("partner_id", "company_id", "kind"):
            self.env["consent.source"].flush_model([name])
        return [
            SQL(
                """SELECT f.partner_id FROM consent_source f
                    WHERE f.partner_id %s AND f.company_id = %s AND f.kind %s AND %s""",
                which,
                self.env.company.id,
                foreign,
                own,
            ),
            SQL(
                """SELECT f.partner_id FROM consent_basis fb JOIN consent_subject f ON f.id = fb.subject_id
                    WHERE f.partner_id %s AND fb.company_id = %s AND fb.source %s AND %s""",
                which,
                self.env.company.id,
                foreign,
                own,
            ),
        ]

    @staticmethod
    def _veto_sql():
        """Whether answer ``v`` of the same address vetoes answer ``b``.

        A no to the same purpose always does, on whichever record it stands. A no to an earlier purpose or to all
        advertising does, unless the person's own yes to this very purpose came later.
        """
        return SQL(
            """v.state IN ('refused', 'withdrawn', 'objected')
               AND (v.purpose_id = b.purpose_id OR b.voice < 2 OR v.since >= b.since)"""
        )

    def _address_sql(self, alias, channel):
        """The normalised address of a contact for a channel. Post: its lines in lower case, in one text."""

        def column(name):
            return SQL.identifier(alias, name, to_flush=self.env["res.partner"]._fields[name])

        match channel:
            case "email":
                return column("email_normalized")
            case "post":
                lines = SQL(", ").join(column(name) for name in ("street", "street2", "zip", "city"))
                return SQL("NULLIF(lower(concat_ws(', ', %s)), '')", lines)
        return column("phone_sanitized")

    def _vetoing_sql(self):
        """The purposes in which a no counts for answer ``b``, as an array: for questions about all purposes at once."""
        everything = self.env["ir.model.data"]._xmlid_to_res_id("client_consent.purpose_all_advertising") or None
        usual = SQL("ARRAY[b.purpose_id, %s]", everything)
        rules = [rule for rule in self._rules().values() if set(rule.vetoing) - {rule.id, everything}]
        if not rules:
            return usual
        cases = SQL(" ").join(SQL("WHEN %s THEN %s", rule.id, list(rule.vetoing)) for rule in rules)
        return SQL("CASE b.purpose_id %s ELSE %s END", cases, usual)

    def _present_address_sql(self, alias):
        """The address of a contact for the channel of answer ``b``."""
        return SQL(
            "CASE b.channel WHEN 'email' THEN %s WHEN 'post' THEN %s ELSE %s END",
            *(self._address_sql(alias, channel) for channel in ("email", "post", "phone")),
        )

    @api.model
    def _allowed_addresses(self, purpose_code, channel, addresses):
        """Those of the normalised addresses that may be reached, of contacts and of people who are no contact yet."""
        addresses = list(filter(None, addresses))
        rule = self._rule(purpose_code, channel)
        if not rule or not addresses:
            return set()
        if rule.lawful_basis in WITHOUT_EVENT:
            return set(addresses)
        # sudo: which address is allowed is no secret to whoever wants to write to it
        partners = self.env["res.partner"].sudo().with_context(active_test=False)

        def at_address(_model, alias, _query):
            return SQL("%s = ANY(%s)", self._address_sql(alias, channel), addresses)

        domain = partners._may_process_domain(purpose_code, channel) & Domain.custom(to_sql=at_address)
        found = set()
        if rule.lawful_basis in BY_EVENT:
            answers = SQL("%s AND b.address = ANY(%s)", self._answers_sql(rule, channel), addresses)

            def has_answer(_model, alias, _query):
                return SQL("%s.id IN (SELECT s.partner_id FROM %s)", SQL.identifier(alias), answers)

            # begins with the few answers instead of all contacts: contacts have no index on every address
            domain &= Domain.custom(to_sql=has_answer)
            if not rule.own_customers:
                strangers = SQL("SELECT b.address FROM %s AND s.partner_id IS NULL", answers)
                found.update(address for (address,) in self.env.execute_query(strangers))
        query = partners._search(domain, order="id")
        if not query.is_empty():
            rows = self.env.execute_query(query.select(self._address_sql(query.table, channel)))
            found.update(address for (address,) in rows)
        return found

    @api.model
    def _get_unwanted(self, addresses):
        """Those of the normalised addresses to which no advertising goes although nothing says whose they are.

        A hook for add-ons that know of such; they are treated as on Odoo's own exclusion list.
        """
        return set()

    # -- at a past moment ----------------------------------------------------------------------------

    @api.model
    def _allowed_at(self, partner, purpose_code, channel, at):
        """The answer for the contact's present address at a moment in the past, folded from the events up to then.

        What a contract allowed then nobody knows any more: that is a no.
        """
        rule = self._rules().get(purpose_code)
        [(address,)] = self.env.execute_query(
            SQL("SELECT %s FROM res_partner p WHERE p.id = %s", self._address_sql("p", channel), partner.id)
        )
        if not rule or not address:
            return False
        if rule.lawful_basis in WITHOUT_EVENT:
            return True
        lines = defaultdict(list)
        for partner_id, subject_id, purpose_id, kind, source, moment, id_, until in self._events_at(
            partner, rule, channel, address, at
        ):
            lines[partner_id, subject_id, purpose_id].append(fold.Event(kind, source, moment, id_, until))
        # a maximum by voice and moment: the strongest event says when and how the answer came about
        last = {key: max(events, key=lambda event: event.order) for key, events in lines.items()}
        yes = [
            event
            for (partner_id, _subject_id, purpose_id), event in last.items()
            if partner_id == partner.id and purpose_id == rule.id and fold.fold([event]).state_on(at.date()) == "active"
        ]
        no = [
            (purpose_id, event)
            for (_partner_id, _subject_id, purpose_id), event in last.items()
            if fold.STATE_OF_KIND[event.kind] in fold.NEGATIVE_STATES
        ]
        return any(
            not any(
                purpose_id == rule.id or fold.voice(event.kind, event.source) < 2 or veto.at >= event.at
                for purpose_id, veto in no
            )
            for event in yes
        )

    def _events_at(self, partner, rule, channel, address, at):
        """The events of the contact, and of everybody who ever said no at the address, up to a moment."""
        return self.env.execute_query(
            SQL(
                """SELECT s.partner_id, e.subject_id, e.purpose_id, e.kind, e.source, e.at, e.id, e.until
                     FROM consent_event e JOIN consent_subject s ON s.id = e.subject_id
                    WHERE e.subject_id IN (
                              SELECT id FROM consent_subject WHERE partner_id = %(partner)s
                               UNION
                              SELECT subject_id FROM consent_event
                               WHERE purpose_id = ANY(%(vetoing)s) AND channel = %(channel)s
                                 AND company_id = %(company)s AND address = %(address)s
                                 AND kind IN ('refused', 'withdrawn', 'objected'))
                      AND e.purpose_id = ANY(%(vetoing)s) AND e.channel = %(channel)s
                      AND e.company_id = %(company)s AND e.address = %(address)s AND e.at <= %(at)s""",
                partner=partner.id,
                vetoing=list(rule.vetoing),
                channel=channel,
                company=self.env.company.id,
                address=address,
                at=at,
                to_flush=self.env["consent.subject"]._fields["partner_id"],
            )
        )

    # -- grounds -------------------------------------------------------------------------------------

    @api.model
    def _contract_lines(self, partner_ids):
        """What providers say about contacts: contact id → [(purpose id, label, until)], soonest end last."""
        rules = [rule for rule in self._rules().values() if rule.state == "active"]
        queries = [
            SQL("SELECT partner_id, %s, label, until FROM (%s) contract", rule.id, said)
            for rule in rules
            if (rule.lawful_basis == "contract" or rule.own_customers) and (said := self._contract_sql(rule))
        ]
        lines = defaultdict(list)
        if queries and partner_ids:
            rows = self.env.execute_query(
                SQL(
                    """SELECT * FROM (%s) told (partner_id, purpose_id, label, until)
                        WHERE partner_id = ANY(%s) AND (until IS NULL OR until >= %s)
                     ORDER BY until DESC NULLS FIRST, label""",
                    SQL(" UNION ALL ").join(queries),
                    list(partner_ids),
                    fields.Date.today(),
                )
            )
            for partner_id, *line in rows:
                lines[partner_id].append(tuple(line))
        return lines

    @api.model
    def _get_ground_conditions(self):
        """Functions that give, for an alias of contacts, the SQL that something allows them to be kept.

        An answer in force, a contract; add-ons add their grounds. Each begins with EXISTS, so that looking for people
        without any ground is a join and not one question after the other.
        """
        in_use = [rule for rule in self._rules().values() if rule.state == "active"]

        def answered(alias):
            return SQL(
                """EXISTS (SELECT FROM consent_subject s JOIN consent_basis b ON b.subject_id = s.id
                            WHERE s.partner_id = %s.id AND b.company_id = ANY(%s) AND b.purpose_id = ANY(%s)
                              AND b.state = 'active' AND (b.until IS NULL OR b.until >= %s))""",
                SQL.identifier(alias),
                self.env.companies.ids,
                [rule.id for rule in in_use],
                fields.Date.today(),
                to_flush=self.env["consent.subject"]._fields["partner_id"],
            )

        contracts = [self._contract_sql(rule) for rule in in_use if rule.lawful_basis == "contract"]
        return [answered] + [partial(self._contract_exists_sql, said) for said in contracts if said]

    @api.model
    def _no_ground_domain(self):
        """The domain of contacts whom nothing allows to be kept."""
        conditions = self._get_ground_conditions()

        def to_sql(_model, alias, _query):
            return SQL(" AND ").join(SQL("NOT %s", condition(alias)) for condition in conditions)

        return Domain.custom(to_sql=to_sql)
