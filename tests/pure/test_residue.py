"""The judge must see: what it cannot read in a dump or a file, no erasure is accused of."""

import base64
import gzip
import importlib.util
import io
import json
import quopri
import sys
import urllib.parse
import zipfile
from pathlib import Path

import pytest
from reportlab.pdfgen.canvas import Canvas

_FILE = Path(__file__).resolve().parents[1] / "e2e/residue.py"
_SPEC = importlib.util.spec_from_file_location("residue", _FILE)
residue = sys.modules["residue"] = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(residue)

NAME = "Žofie Příkladná"
MARKS = residue.Marks({"name": residue.spelling(NAME), "phone": residue.number("736481902")})


def pdf(text):
    out = io.BytesIO()
    canvas = Canvas(out)
    canvas.drawString(72, 720, text)
    canvas.save()
    return out.getvalue()


def archive(text):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("word/document.xml", f"<w>{text}</w>")
    return out.getvalue()


@pytest.mark.parametrize(
    "value",
    [
        NAME,
        NAME.upper(),
        "zofie  prikladna",
        "Příjemce: &#381;ofie P&rcaron;&iacute;kladn&aacute;",
        json.dumps({"name": NAME}),
        "\\x" + f"jméno;{NAME}".encode().hex(),
        "\\x" + gzip.compress(NAME.encode()).hex(),
        base64.b64encode(f"Komu: {NAME}".encode()).decode(),
        base64.b64encode(gzip.compress(f"Komu: {NAME} a všichni ostatní".encode())).decode(),
        base64.b64encode(pdf("zofie prikladna ze Zvonkova")).decode(),
        json.dumps({"file": base64.b64encode(f"Pro: {NAME}, Brno".encode()).decode()}),
        quopri.encodestring(f"Vážená {NAME}".encode()).decode(),
        f"/my?who={urllib.parse.quote(NAME)}",
        NAME.encode("utf-16"),
        pdf("zofie prikladna"),
        archive(NAME),
        gzip.compress(archive(NAME)),
        "\\x" + archive(NAME).hex(),
        "klient_zofie_prikladna",
    ],
)
def test_name_is_seen_however_it_is_packed(value):
    assert MARKS.of(value) == {"name"}


@pytest.mark.parametrize(
    "text", ["+420736481902", "736 481 902", "tel. 00420/736-481-902", "(+420) 736.481.902", '{"n": "420736481902"}']
)
def test_number_is_seen_in_any_grouping(text):
    assert MARKS.of(text) == {"phone"}


@pytest.mark.parametrize("text", ["1736481902", "7364819021", "736 481 903", "Žofie Příklad", "", "\\xzz"])
def test_what_only_resembles_is_no_mark(text):
    assert not MARKS.of(text)


DUMP = r"""
SET client_encoding = 'UTF8';
COPY public.res_partner (id, name, comment) FROM stdin;
7	Žofie Příkladná	řádek\nza\\řádkem
8	\N	jiný
\.
COPY public.rel (a, b) FROM stdin;
1	2
1	3
\.
"""


def test_dump_is_read_row_by_row():
    dump = residue.Dump.read(io.StringIO(DUMP))
    assert dump.tables["res_partner"]["7"] == {"id": "7", "name": NAME, "comment": "řádek\nza\\řádkem"}
    assert dump.tables["res_partner"]["8"]["name"] is None
    assert set(dump.tables["rel"]) == {"1|2", "1|3"}
    assert dump.places(MARKS) == {(residue.Place("res_partner", "name", "7"), "name")}


def test_differences_name_what_changed_and_what_is_gone():
    later = residue.Dump.read(io.StringIO(DUMP.replace("jiný", "nový").replace("1\t2\n", "")))
    found = residue.Dump.read(io.StringIO(DUMP)).differences(later)
    assert found == {("res_partner", "8"): {"comment"}, ("rel", "1|2"): set()}


def test_files_are_read_without_the_notes_of_the_collector(tmp_path):
    (tmp_path / "ab").mkdir()
    (tmp_path / "ab/abcd").write_bytes(archive(NAME))
    (tmp_path / "checklist/ab").mkdir(parents=True)
    (tmp_path / "checklist/ab/abcd").touch()
    files = residue.files(tmp_path)
    assert set(files) == {"ab/abcd"}
    assert residue.places_in_files(files, MARKS) == {(residue.Place("filestore", "content", "ab/abcd"), "name")}
