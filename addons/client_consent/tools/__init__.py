"""Consent without Odoo: values in, values out; no database, no clock, no translation.

A map:

- ``errors``      one root, ``ConsentError``; a child per situation with its data as attributes
- ``canonical``   one function from a value to its canonical bytes (RFC 8785), and moments with a zone
- ``commitment``  what the ledger publishes about an event: SHA-256(salt ‖ canonical bytes), versioned
- ``consent_form``  the paper form a person signs, as PDF
- ``fold``        events to the present answer; the specification of the fold written in SQL
- ``keys``        the key ring: derived keys, AES-256-GCM, the fingerprint the database keeps
"""
