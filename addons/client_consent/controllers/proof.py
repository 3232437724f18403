from odoo import http
from odoo.exceptions import UserError
from odoo.http import request
from werkzeug.wsgi import wrap_file


class ConsentProofPack(http.Controller):
    """The proof pack as a download. It is streamed from a temporary file that has no name and is nowhere kept."""

    @http.route("/consent/proof/<int:wizard_id>", type="http", auth="user")
    def pack(self, wizard_id):
        wizard = request.env["consent.proof.wizard"].browse(wizard_id).exists()
        if not wizard or not wizard.has_access("read") or wizard.create_uid != request.env.user:
            raise request.not_found()
        try:
            file, name = wizard._pack()
        except UserError as error:
            return request.make_response(str(error), [("Content-Type", "text/plain; charset=utf-8")], status=422)
        headers = [
            ("Content-Type", "application/zip"),
            ("Content-Disposition", http.content_disposition(name)),
            ("X-Content-Type-Options", "nosniff"),
            ("Cache-Control", "no-store"),
        ]
        response = request.make_response(wrap_file(request.httprequest.environ, file, 1 << 16), headers)
        response.direct_passthrough = True
        return response
