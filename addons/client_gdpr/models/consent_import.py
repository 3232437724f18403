from odoo import models


class ConsentImport(models.Model):
    _inherit = "consent.import"

    def _contacts_of(self, rows):
        """Also find contacts whose address is sealed: a file must not bring them back as a second contact."""
        found = super()._contacts_of(rows)
        wanted = {
            row.number: self._row_address(row, "email" if row.email else "phone")
            for row in rows
            if row.number not in found
        }
        # whoever imports learns no more than that the row is refused
        sealed = self.env["gdpr.vault"].sudo()._partners_at(set(filter(None, wanted.values())))
        Partner = self.env["res.partner"]
        return found | {n: Partner.browse(sealed[address]) for n, address in wanted.items() if address in sealed}

    def _sealed(self, rows):
        """Also rows whose address an erased person had: a file brings nobody back, nor a yes of theirs."""
        sealed = super()._sealed(rows)
        address_of = {
            row.number: self._row_address(row, "email" if row.email else "phone")
            for row in rows
            if row.number not in sealed
        }
        suppression = self.env["gdpr.suppression"]
        erased = suppression._erased(address_of.values())
        gone = suppression._not_ours(erased)
        said_no = {row.number for row in rows if row.is_no}
        return sealed | {
            number
            for number, address in address_of.items()
            if address in gone or (address in erased and number not in said_no)
        }
