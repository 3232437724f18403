"""Consent without Odoo: values in, values out; no database, no clock, no translation.

A map:

- ``errors``      one root, ``ConsentError``; a child per situation with its data as attributes
- ``canonical``   one function from a value to its canonical bytes (RFC 8785), and moments with a zone
- ``commitment``  what the ledger publishes about an event: SHA-256(salt ‖ canonical bytes), versioned
- ``fold``        events to the present answer; the specification of the fold written in SQL
- ``merkle``        the tree over the commitments (RFC 6962): roots, inclusion and consistency proofs and their checks
- ``signed_note``   notes and checkpoints as transparency logs sign them, Ed25519
- ``verifier``      reads a ledger in order and names what is not as it was signed
- ``ledger_file``   the ledger as a file; ``verify_ledger.py`` checks one on any machine
- ``recovery_sheet`` the key on paper
- ``keys``        the key ring: derived keys, AES-256-GCM, the fingerprint the database keeps
"""
