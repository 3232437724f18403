"""Every way in which the tools say no.

Messages name the situation, never a person, an address or a path: they may end in a log.
"""


class ConsentError(Exception):
    """Root of everything this add-on's tools raise on purpose."""


class NotCanonical(ConsentError):
    """A value has no canonical form.

    :ivar where: path inside the value, e.g. ``$.notice.version``
    :ivar why: what is wrong there
    """

    def __init__(self, where, why):
        super().__init__(f"{where}: {why}")
        self.where = where
        self.why = why


class CommitmentMismatch(ConsentError):
    """Payload and salt do not give the commitment that was published."""

    def __init__(self, algorithm):
        super().__init__(f"the payload does not match its commitment ({algorithm})")
        self.algorithm = algorithm


class UnknownAlgorithm(ConsentError):
    """The algorithm version is none this release can check."""

    def __init__(self, algorithm):
        super().__init__(f"unknown commitment algorithm {algorithm!r}")
        self.algorithm = algorithm


class FileRefused(ConsentError):
    """A file that may not be kept as evidence.

    :ivar reason: code, see ``file_kind.REASONS``
    """

    def __init__(self, reason):
        super().__init__(f"the file is refused: {reason}")
        self.reason = reason


class NoReceipt(ConsentError):
    """A text that is no receipt of this product: not JSON, or parts are missing."""


class UnknownKind(ConsentError):
    """An event kind the fold has no rule for."""

    def __init__(self, kind):
        super().__init__(f"unknown kind of consent event {kind!r}")
        self.kind = kind


class KeyProblem(ConsentError):
    """Root of what can be wrong with the key; recording and asking for consents go on without it."""


class KeyMissing(KeyProblem):
    """No key is configured, or the named place holds none."""

    def __init__(self, place):
        super().__init__(f"no key in the {place} named in the configuration")
        self.place = place


class KeyReadableByOthers(KeyProblem):
    """The key file can be read by more than its owner.

    :ivar mode: the permission bits found
    """

    def __init__(self, mode):
        super().__init__(f"the key file has mode {mode:04o}; it must be 0600 or stricter")
        self.mode = mode


class KeyMalformed(KeyProblem):
    """The text is not one line ``client-gdpr-key-v1:`` + 32 bytes in base64url."""


class KeyMismatch(KeyProblem):
    """Another key than the one this database was set up with."""

    def __init__(self, expected, found):
        super().__init__("the key is not the one this database was set up with")
        self.expected = expected
        self.found = found


class CannotDecrypt(ConsentError):
    """Wrong key, wrong context or changed bytes; authenticated encryption does not say which."""


class ProofInvalid(ConsentError):
    """A proof does not show what it should.

    :ivar why: what is wrong with it
    """

    def __init__(self, why):
        super().__init__(f"the proof does not hold: {why}")
        self.why = why


class NoteInvalid(ConsentError):
    """A signed note is malformed, or nobody known signed it.

    :ivar why: what is wrong with it
    """

    def __init__(self, why):
        super().__init__(f"the signed note does not hold: {why}")
        self.why = why


class ExportInvalid(ConsentError):
    """A file is no exported ledger, or was cut off.

    :ivar line: number of the line, from 1
    :ivar why: what is wrong there
    """

    def __init__(self, line, why):
        super().__init__(f"line {line}: {why}")
        self.line = line
        self.why = why


class FontMissing(ConsentError):
    """A font that every letter needs is not installed.

    :ivar font: its name
    """

    def __init__(self, font):
        super().__init__(f"the font {font} is not installed")
        self.font = font


class UnreadableFile(ConsentError):
    """A file to import cannot be read as a table.

    :ivar code: empty, binary, encoding, mixed, quotes, old_excel, broken_excel, too_long or too_large
    :ivar row: where, as a spreadsheet numbers its rows; 0 when it is the file as a whole
    """

    def __init__(self, code, row=0, encoding=""):
        super().__init__(f"the file cannot be read: {code}" + (f" in row {row}" if row else ""))
        self.code = code
        self.row = row
        self.encoding = encoding
