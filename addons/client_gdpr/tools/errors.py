"""One root, a child per situation. The models turn them into translated messages once."""


class GdprError(Exception):
    """Something about a request, plan or declaration is not as it must be."""


class CatalogueError(GdprError):
    """A catalogue row cannot be used.

    :ivar source: name of the file
    :ivar line: line number in it, the header being line 1
    :ivar problem: what is wrong with the row
    """

    def __init__(self, source: str, line: int, problem: str):
        super().__init__(f"{source}, line {line}: {problem}")
        self.source, self.line, self.problem = source, line, problem


class UnknownCounting(GdprError):
    """A clock profile names a way of counting that nobody taught us."""

    def __init__(self, counting: str):
        super().__init__(f"unknown way of counting a period: {counting}")
        self.counting = counting


class UnknownStart(GdprError):
    """A retention rule names a start that nobody taught us."""

    def __init__(self, start: str):
        super().__init__(f"unknown start of a retention period: {start}")
        self.start = start


class CertificateInvalid(GdprError):
    """A certificate's content, signature and key do not belong together.

    :ivar why: one of ``algorithm``, ``form``, ``digest``, ``signature``
    """

    def __init__(self, why: str):
        super().__init__(f"the certificate does not verify: {why}")
        self.why = why


class TombstoneUnwritten(GdprError):
    """A line could not be put on disk, so what it announces must not happen.

    :ivar code: the system's error number
    """

    def __init__(self, code: int | None, why: str):
        super().__init__(f"the tombstone was not written: {why}")
        self.code, self.why = code, why


class TombstoneFileDamaged(GdprError):
    """A line of a tombstone file was changed, or one is missing.

    :ivar file: name of the file
    :ivar line: number of the line; 0 when it is among the last ones
    """

    def __init__(self, file: str, line: int):
        super().__init__(f"{file}, line {line}: does not follow from the line before")
        self.file, self.line = file, line


class PackageDamaged(GdprError):
    """The file of a package on disk is not what was written: it must be built anew."""

    def __init__(self):
        super().__init__("the file of the package is damaged")
