"""What a notice may not say, what it must say, per language; and how a change of it is shown."""

import pytest
from client_consent.tools.notice_lint import ERRORS, WARNINGS, Draft, Finding, Purpose, lint
from client_consent.tools.notice_wording import DEMANDED, FORBIDDEN, language
from client_consent.tools.text_diff import changes, paragraphs

NEWS = Purpose("Newsletter", "consent")
GOOD = {
    "en": "Pekárna Vlk sends you its newsletter for two years. You can withdraw at any time: vlk@vlk.example.",
    "cs": "Pekárna Vlk vám dva roky posílá newsletter. Souhlas můžete kdykoli odvolat na vlk@vlk.example.",
    "sk": "Pekárna Vlk vám dva roky posiela newsletter. Súhlas môžete kedykoľvek odvolať na vlk@vlk.example.",
    "de": "Pekárna Vlk schickt Ihnen zwei Jahre den Newsletter. Sie können jederzeit widerrufen: vlk@vlk.example.",
    "pl": "Pekárna Vlk wysyła newsletter przez dwa lata. Zgodę można wycofać w każdej chwili: vlk@vlk.example.",
    "sr": "Пекара Pekárna Vlk шаље newsletter две године. Пристанак можете опозвати: vlk@vlk.example.",
    "ru": "Pekárna Vlk присылает newsletter два года. Согласие можно отозвать в любой момент: vlk@vlk.example.",
    "uk": "Pekárna Vlk надсилає newsletter два роки. Згоду можна відкликати будь-коли: vlk@vlk.example.",
}
BAD = [
    ("en", "The box below is pre-ticked for you.", "pre_ticked"),
    ("en", "Untick the box if you do not want it.", "pre_ticked"),
    ("en", "☑ Yes, send me offers.", "pre_ticked"),
    ("en", "By using this site, you agree to the newsletter.", "silence"),
    ("en", "By continuing to browse our pages you consent to it.", "silence"),
    ("en", "Silence counts as your consent.", "silence"),
    ("en", "If you do not object within a week, we assume that you want it.", "silence"),
    ("en", "By placing the order you agree to the newsletter.", "bundled"),
    ("en", "I consent to all purposes.", "bundled"),
    ("en", "Your data are never given to third parties.", "no_recipients"),
    ("en", "We do not share your data with anyone.", "no_recipients"),
    ("en", "We keep your address indefinitely.", "unlimited"),
    ("en", "The consent is valid until you withdraw it.", "unlimited"),
    ("en", "The time of processing is not limited in time.", "unlimited"),
    ("cs", "Políčko je předem zaškrtnuté.", "pre_ticked"),
    ("cs", "Nechcete-li novinky, políčko odškrtněte.", "pre_ticked"),
    ("cs", "Používáním těchto stránek souhlasíte se zasíláním novinek.", "silence"),
    ("cs", "Mlčení se považuje za souhlas.", "silence"),
    ("cs", "Pokud neodpovíte do týdne, máme za to, že souhlasíte.", "silence"),
    ("cs", "Odesláním objednávky souhlasíte se zasíláním novinek.", "bundled"),
    ("cs", "Souhlasím se všemi výše uvedenými účely.", "bundled"),
    ("cs", "Vaše údaje nikomu dalšímu nepředáváme.", "no_recipients"),
    ("cs", "Údaje nebudou poskytnuty třetím osobám.", "no_recipients"),
    ("cs", "Souhlas dáváte na dobu neurčitou.", "unlimited"),
    ("cs", "Souhlas platí do odvolání.", "unlimited"),
    ("sk", "Používaním stránok súhlasíte so zasielaním noviniek.", "silence"),
    ("sk", "Súhlas platí na dobu neurčitú.", "unlimited"),
    ("de", "Durch die weitere Nutzung der Seite stimmen Sie dem Newsletter zu.", "silence"),
    ("de", "Das Kästchen ist bereits angekreuzt.", "pre_ticked"),
    ("de", "Mit Ihrer Bestellung willigen Sie in den Newsletter ein.", "bundled"),
    ("de", "Ihre Daten werden nicht an Dritte gegeben.", "no_recipients"),
    ("de", "Die Einwilligung gilt unbefristet.", "unlimited"),
    ("de", "Sie gilt bis auf Widerruf.", "unlimited"),
    ("pl", "Korzystając ze strony, wyrażasz zgodę na newsletter.", "silence"),
    ("pl", "Pole jest domyślnie zaznaczone.", "pre_ticked"),
    ("pl", "Nie przekazujemy danych nikomu.", "no_recipients"),
    ("pl", "Zgoda jest bezterminowa.", "unlimited"),
    ("sr", "Коришћењем сајта прихватате билтен.", "silence"),
    ("sr", "Saglasnost važi na neodređeno vreme.", "unlimited"),
    ("sr", "Податке не делимо ни са ким.", "no_recipients"),
    ("ru", "Продолжая пользоваться сайтом, вы соглашаетесь на рассылку.", "silence"),
    ("ru", "Согласие бессрочное.", "unlimited"),
    ("ru", "Отправляя форму, вы даёте согласие на рассылку.", "bundled"),
    ("uk", "Користуючись сайтом, ви погоджуєтесь на розсилку.", "silence"),
    ("uk", "Згода діє безстроково.", "unlimited"),
    ("uk", "Ми не передаємо ваші дані.", "no_recipients"),
]
FINE = [
    ("en", "No box is ticked in advance."),
    ("en", "Using our site does not mean that you agree to anything."),
    ("en", "Silence is never taken for consent."),
    ("en", "We keep it until you withdraw it, at most two years."),
    ("en", "What we did until you withdraw stays lawful."),
    ("en", "We do not share it with anyone except our mailing service."),
    ("en", "We never keep it indefinitely."),
    ("cs", "Žádné políčko není předem zaškrtnuté."),
    ("cs", "Souhlas platí do odvolání, nejdéle dva roky."),
    ("cs", "Zpracování do odvolání souhlasu zůstává zákonné."),
    ("cs", "Údaje nepředáváme nikomu kromě rozesílací služby."),
    ("de", "Kein Kästchen ist bereits angekreuzt."),
    ("de", "Schweigen gilt nicht als Einwilligung."),
    ("pl", "Żadne pole nie jest domyślnie zaznaczone."),
]


def codes(lang, sentence="", **values):
    recipients = Purpose("Newsletter", "consent", recipients=True)
    draft = Draft(
        **{
            "title": "?",
            "html": f"<p>{GOOD[lang]}</p><p>{sentence}</p>",
            "lang": lang,
            "company": "Pekárna Vlk",
            "addresses": ("vlk@vlk.example",),
            "purposes": (recipients,),
            **values,
        }
    )
    return [finding.code for finding in lint(draft)]


@pytest.mark.parametrize("lang", GOOD)
def test_good_text_passes(lang):
    assert codes(lang) == []


@pytest.mark.parametrize(("lang", "sentence", "code"), BAD)
def test_bad_sentence_is_found(lang, sentence, code):
    assert codes(lang, sentence) == [code]


@pytest.mark.parametrize(("lang", "sentence"), FINE)
def test_good_sentence_that_looks_bad_passes(lang, sentence):
    assert codes(lang, sentence) == []


def test_no_recipients_may_be_said_where_there_are_none():
    assert codes("en", "Your data are never given to third parties.", purposes=(NEWS,)) == []


@pytest.mark.parametrize("lang", GOOD)
def test_consent_without_a_word_on_withdrawal_is_an_error(lang):
    html = f"<p>{GOOD[lang].split('. ')[0]}. vlk@vlk.example</p>"
    assert codes(lang, html=html) == ["no_withdrawal"]
    assert codes(lang, html=html, purposes=(Purpose("Order", "contract"),)) == []


def test_legitimate_interest_without_a_word_on_objecting_is_a_warning():
    html = "<p>Pekárna Vlk asks whether you were satisfied: vlk@vlk.example.</p>"
    care = (Purpose("Customer care", "legitimate_interest"),)
    assert codes("en", html=html, purposes=care) == ["no_objection"]
    assert codes("en", html=html + "<p>You may object.</p>", purposes=care) == []


def test_each_of_several_consents_is_named_in_whatever_case():
    two = (NEWS, Purpose("Nabídky", "consent"))
    assert codes("cs", purposes=two) == ["unnamed"]
    assert codes("cs", "Posíláme také výběr nabídek.", purposes=two) == []


def test_contact_of_somebody_else_is_an_error_and_another_one_beside_ours_a_warning():
    html = GOOD["en"].replace("vlk@vlk.example", "someone@else.example")
    assert codes("en", html=html) == ["foreign_contact"]
    assert codes("en", html=html, addresses=()) == []
    assert codes("en", "Complaints: posta@authority.example") == ["other_contact"]
    assert codes("en", html=GOOD["en"].replace("vlk@", "info@")) == ["other_contact"]
    assert codes("en", html=GOOD["en"].replace("vlk@vlk.example", "<a href='mailto:x@else.example'>us</a>")) == [
        "foreign_contact"
    ]
    assert codes("en", html=GOOD["en"].replace(": vlk@vlk.example", "")) == ["no_contact"]


def test_what_is_missing_is_said():
    assert lint(Draft("Title", "<p> </p>", "en_US", "Vlk")) == [Finding("empty")]
    assert codes("en", company="Somebody Else") == ["no_controller"]
    assert codes("en", purposes=()) == ["no_purpose"]
    finnish = Draft("?", "<p>Vlk: vlk@vlk.example</p>", "fi_FI", "Vlk", purposes=(NEWS,))
    assert lint(finnish) == [Finding("language")]


def test_ticked_box_in_the_html_is_an_error():
    assert codes("en", "<input type='checkbox' checked='checked'/> yes") == ["pre_ticked"]


def test_errors_come_first_with_the_sentence_they_stand_in():
    found = lint(Draft("?", "<p>We ask. By using this site you agree.</p>", "en_GB", "Vlk", purposes=(NEWS,)))
    assert [finding.severity for finding in found] == ["error", "error", "warning", "warning"]
    assert found[0] == Finding("silence", "By using this site you agree.")


def test_every_language_has_every_rule():
    assert FORBIDDEN.keys() == DEMANDED.keys() == GOOD.keys()
    for lang, rules in FORBIDDEN.items():
        assert set(rules) == {"pre_ticked", "silence", "bundled", "no_recipients", "unlimited"}, lang
        assert set(rules) <= set(ERRORS)
    assert not set(ERRORS) & set(WARNINGS)
    assert [language(code) for code in ("cs_CZ", "sr@latin", "sr_RS", "en", "")] == ["cs", "sr", "sr", "en", ""]


@pytest.mark.parametrize(
    ("old", "new", "shown"),
    [
        ("<p>a b c</p>", "<p>a b c</p>", "<p>a b c</p>"),
        ("<p>a <b>b</b> c</p>", "<div>a b\n c</div>", "<p>a b c</p>"),
        ("<p>two years</p>", "<p>three years</p>", "<p><del>two</del> <ins>three</ins> years</p>"),
        ("<p>a</p>", "<p>a</p><p>b</p>", "<p>a</p><p><ins>b</ins></p>"),
        ("<p>a</p><p>b</p>", "<p>b</p>", "<p><del>a</del></p><p>b</p>"),
        ("<p>&lt;x&gt; &amp; y</p>", "<p>&lt;x&gt; z</p>", "<p>&lt;x&gt; <del>&amp; y</del> <ins>z</ins></p>"),
        ("", "<p>a</p>", "<p><ins>a</ins></p>"),
    ],
)
def test_changes_are_shown_word_by_word_and_escaped(old, new, shown):
    assert changes(old, new) == shown


def test_text_that_is_not_seen_is_no_text():
    assert paragraphs("<style>p{}</style><p>a</p><script>b</script>c") == ["a", "c"]
