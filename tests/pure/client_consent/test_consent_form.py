import re
from dataclasses import replace
from pathlib import Path

import pytest
from client_consent.tools import consent_form
from client_consent.tools.errors import FontMissing

FORM = consent_form.Form(
    title="Souhlas",
    company="Příkladná s. r. o.",
    company_lines=("Krátká 1, Brno",),
    person="Eliška Příliš-Žluťoučká",
    intro="Zaškrtněte jen to, s čím souhlasíte.",
    notices=(("Smíme psát?", ("Zpravodaj nejvýše dvakrát měsíčně.",)),),
    questions=(
        consent_form.Question("Zpravodaj", "Novinky.", ("E-mail",)),
        consent_form.Question("Nabídky", "", ("E-mail", "Telefon")),
    ),
    withdraw="Kdykoli lze odvolat.",
    date_label="Datum",
    signature_label="Podpis",
    code="https://erp.example/privacy/scan/abc",
    code_label="Pro kancelář",
)


def test_form_is_a_pdf_with_its_fonts_inside():
    pdf = consent_form.render(FORM)
    assert pdf.startswith(b"%PDF-")
    assert b"DejaVuSans" in pdf
    assert b"/FontFile2" in pdf
    assert not re.search(rb"/BaseFont\s*/Times", pdf)


def test_long_texts_go_on_more_pages():
    long = replace(FORM, notices=(("Text", ("Slovo " * 200,) * 40),))
    assert consent_form.render(long).count(b"/Type /Page\n") > consent_form.render(FORM).count(b"/Type /Page\n")


def test_text_is_text_and_no_markup():
    odd = replace(FORM, person="<b>A & B</b>", intro="1 < 2 & <script>")
    assert consent_form.render(odd).startswith(b"%PDF-")


def test_missing_font_is_said_by_name(monkeypatch):
    monkeypatch.setattr(consent_form.pdfmetrics, "getRegisteredFontNames", lambda: [])
    with pytest.raises(FontMissing) as caught:
        consent_form.render(FORM, fonts=Path("/nowhere"))
    assert caught.value.font == "DejaVuSans"
