from odoo import api, fields, models, tools
from odoo.http import request


class GdprPackageDownload(models.Model):
    """That a package was downloaded: when, by whom of the staff or through the link, and from where as a digest."""

    _name = "gdpr.package.download"
    _description = "Download of a Package"
    _order = "id desc"
    _log_access = False
    _rec_name = "at"

    package_id = fields.Many2one("gdpr.package", required=True, readonly=True, index=True, ondelete="cascade")
    at = fields.Datetime("When", required=True, readonly=True)
    user_id = fields.Many2one("res.users", "By", readonly=True, index="btree_not_null", ondelete="set null")
    way = fields.Selection(
        [("staff", "Privacy staff"), ("link", "The person, by the link")], "How", required=True, readonly=True
    )
    caller = fields.Char(readonly=True, help="A keyed digest of the network address: tells callers apart, names none.")

    @api.model
    def _log(self, package, way="staff"):
        address = request.httprequest.remote_addr if request else ""
        # sudo: whoever downloads leaves this line, and nobody writes another
        self.sudo().create(
            {
                "package_id": package.id,
                "at": fields.Datetime.now(),
                "user_id": self.env.uid if way == "staff" else False,
                "way": way,
                "caller": tools.hmac(self.env(su=True), "gdpr.package.download", address or "")[:16],
            }
        )
