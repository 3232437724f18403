"""Consent without Odoo: values in, values out; no database, no clock, no translation.

A map:

- ``errors``      one root, ``ConsentError``; a child per situation with its data as attributes
- ``canonical``   one function from a value to its canonical bytes (RFC 8785), and moments with a zone
- ``commitment``  what the ledger publishes about an event: SHA-256(salt ‖ canonical bytes), versioned
- ``consent_form``  the paper form a person signs, as PDF
- ``fold``        events to the present answer; the specification of the fold written in SQL
- ``file_kind``   what an evidence file is by its content, and why it is refused
- ``receipt``     what a person gets about an answer (ISO/IEC TS 27560), and the check of what somebody holds
- ``proof_pack``  the layout of the PDF and the ZIP for an authority
- ``verify_pack`` the stand-alone check that goes into that ZIP
- ``merkle``        the tree over the commitments (RFC 6962): roots, inclusion and consistency proofs and their checks
- ``signed_note``   notes and checkpoints as transparency logs sign them, Ed25519
- ``verifier``      reads a ledger in order and names what is not as it was signed
- ``ledger_file``   the ledger as a file; ``verify_ledger.py`` checks one on any machine
- ``recovery_sheet`` the key on paper
- ``import_rows`` rows of a spreadsheet to checked values, or to problems that name row and field
- ``informing``   by when a person must be told that we hold data from elsewhere (Art. 14)
- ``keys``        the key ring: derived keys, AES-256-GCM, the fingerprint the database keeps
- ``notice_lint``     what is wrong with a notice before it is published
- ``notice_wording``  the words it looks for, per language
- ``text_diff``       what changed between two texts, word by word
"""
