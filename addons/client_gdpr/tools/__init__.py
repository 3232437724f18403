"""Plain Python that knows nothing of Odoo: values in, values out, no database, no clock.

========== ==========================================================================
errors     one root error, a child per situation, data as attributes
catalogue  the declared part of the data map: CSV text to :class:`Declaration` values
discovery  what a field looks like by its name and type: the part of the discovery without a registry
map_picture the data map as an SVG picture
special_words words by which a label tells a special category of data
identity   what a person is recognised by: addresses, numbers and names, normalised
copies     where the same thing about a person stands a second time
plan       the values that travel through the pipeline, and the digest of a plan
excerpts   the words around a mention, for whoever must judge it
mentions   finding the identifiers of many people in texts
redact     taking identifiers out of somebody else's text
third_parties taking other people out of what one person gets to see
deadlines  when an answer is due (GDPR Art. 12(3), Regulation 1182/71)
retention  until when a document must be kept
certificate the signed statement of what went, what stays and why
certificate_pdf the same on paper, with a signature over every byte
verify_certificate a program that checks both with nothing but Python
answer     the values of an answer to a person
package    the encrypted archive a person gets, and its pass phrase
schema     what stands in ``data.json`` of a package, as JSON Schema
document   the answer as a PDF for people
capability the private object that passes our own vetoes
tombstone_file what was erased, as append-only lines outside the database
========== ==========================================================================
"""
