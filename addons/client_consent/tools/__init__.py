"""Consent without Odoo: values in, values out; no database, no clock, no translation.

A map:

- ``errors``      one root, ``ConsentError``; a child per situation with its data as attributes
- ``canonical``   one function from a value to its canonical bytes (RFC 8785), and moments with a zone
- ``commitment``  what the ledger publishes about an event: SHA-256(salt ‖ canonical bytes), versioned
- ``fold``        events to the present answer; the specification of the fold written in SQL
- ``import_rows`` rows of a spreadsheet to checked values, or to problems that name row and field
- ``informing``   by when a person must be told that we hold data from elsewhere (Art. 14)
- ``keys``        the key ring: derived keys, AES-256-GCM, the fingerprint the database keeps
"""
