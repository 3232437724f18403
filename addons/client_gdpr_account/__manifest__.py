{
    "name": "GDPR: Accounting",
    "summary": "Invoices stay exactly as long as the law says, and nobody else sees the erased buyer",
    "version": "19.0.1.0.0",
    "category": "Privacy",
    "license": "AGPL-3",
    "author": "client_gdpr contributors",
    "depends": ["client_gdpr", "account"],
    "data": [
        "security/ir.model.access.csv",
        "data/gdpr_retention_rule_data.xml",
        "views/account_move_views.xml",
        "views/gdpr_retention_rule_views.xml",
        "views/res_config_settings_views.xml",
        "views/client_gdpr_account_menus.xml",
    ],
    "demo": ["demo/account_demo.xml"],
    "auto_install": ["client_gdpr", "account"],
}
