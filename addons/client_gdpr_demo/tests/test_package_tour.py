from odoo.tests import HttpCase, tagged


@tagged("post_install", "-at_install")
class TestPackageTour(HttpCase):
    def test_handler_prepares_a_package_sends_the_link_and_reads_the_pass_phrase(self):
        firm = self.env["res.company"].search([("name", "=", "Kolo a káva s.r.o.")])
        jana = self.env["res.partner"].search([("name", "=", "Jana Nováková"), ("company_id", "=", firm.id)])
        self.env["gdpr.package"].search([])._purge()
        self.start_tour(f"/odoo/contacts/{jana.id}", "client_gdpr_package", login="handler")
        package = self.env["gdpr.request"].search([("partner_ids", "=", jana.id)], limit=1, order="id desc").package_id
        self.addCleanup(package._drop_file)
        self.assertTrue(package.passphrase_seen_at and package.link_sent_at)
        self.assertFalse(package.passphrase)
