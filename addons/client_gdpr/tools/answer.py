"""The values of an answer to a person, on their way from the reporter to page, PDF and package."""

from dataclasses import dataclass

#: Records of a model in the printed answer; the data files have all of them.
LONGEST_PRINTED = 300


@dataclass(frozen=True)
class Table:
    """The records of one model that are the person's, as ids; the reporter reads them when they are needed.

    :ivar name: what the model is called, in the language of the answer
    :ivar fields: field name → label
    """

    model: str
    name: str
    topic: str
    fields: dict[str, str]
    ids: tuple[int, ...]

    def head(self) -> dict:
        """What is said of the table before its records."""
        return {
            "model": self.model,
            "name": self.name,
            "topic": self.topic,
            "count": len(self.ids),
            "fields": self.fields,
        }
