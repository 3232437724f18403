{
    "name": "GDPR: A Company to Try It Out",
    "summary": "A small believable Czech company with customers, invoices and consents; for trying out only",
    "version": "19.0.1.0.0",
    "category": "Privacy",
    "license": "AGPL-3",
    "author": "client_gdpr contributors",
    "depends": ["contacts", "calendar", "crm", "sale_management", "mass_mailing", "l10n_cz", "client_gdpr_account"],
    "assets": {"web.assets_tests": ["client_gdpr_demo/static/tests/tours/**/*"]},
    "post_init_hook": "post_init_hook",
}
