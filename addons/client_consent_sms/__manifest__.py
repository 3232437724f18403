{
    "name": "Client Consent: SMS",
    "summary": "A text message with a purpose leaves only for people who allow it at that moment",
    "version": "19.0.1.0.0",
    "category": "Privacy",
    "license": "AGPL-3",
    "author": "client_gdpr contributors",
    "depends": ["client_consent", "sms"],
    "data": [
        "views/sms_template_views.xml",
        "wizard/sms_composer_views.xml",
    ],
    "auto_install": True,
}
