"""Words that make a consent invalid, and words it needs, per language; the rules that use them are in ``notice_lint``.

A wording is looked for in one sentence. ``unless`` names words that turn the sentence round ("never ticked in
advance", "until you withdraw it, at most two years"). The lists err on the side of silence: a wording that is missed
is read by a person before publication, a false alarm would stop a good text.

Serbian is compared in Latin letters, whatever the text is written in.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wording:
    """A pattern, and what in the same sentence takes it back."""

    pattern: re.Pattern
    unless: re.Pattern | None = None

    def stands_in(self, sentence: str) -> bool:
        return bool(self.pattern.search(sentence)) and not (self.unless and self.unless.search(sentence))


def _w(pattern, unless=None):
    flags = re.IGNORECASE
    return Wording(re.compile(pattern, flags), re.compile(unless, flags) if unless else None)


#: language → code → wordings that must not stand in the text
FORBIDDEN = {
    "en": {
        "pre_ticked": (
            _w(
                r"\bpre-?\s?(?:ticked|checked|selected)|(?:ticked|checked|selected) (?:in advance|by default|already)"
                r"|already (?:ticked|checked|selected)",
                r"\b(?:no|not|never|nothing|none|without)\b",
            ),
            _w(r"\b(?:untick|uncheck|deselect)\b"),
        ),
        "silence": (
            _w(
                r"\bby (?:continuing|using|visiting|browsing|staying|remaining|scrolling|entering)\b"
                r".{0,120}\byou (?:hereby )?(?:agree|consent|accept)\b"
            ),
            _w(
                r"\b(?:continued use|use of (?:the|this|our) (?:site|website|pages|service)"
                r"|silence|scrolling|inactivity)\b"
                r".{0,60}\b(?:means|counts as|is taken as|is considered|is deemed|constitutes|implies)\b"
                r".{0,40}(?:agree|consent|accept)"
            ),
            _w(
                r"\bif you do not (?:object|reply|answer|respond|opt out|tell us|unsubscribe)\b"
                r".{0,80}(?:you agree|you consent|we (?:will )?(?:assume|consider|take)|deemed)"
            ),
        ),
        "bundled": (
            _w(
                r"\bby (?:signing|ordering|buying|purchasing|placing|submitting|sending|registering|completing"
                r"|concluding|filling)\b.{0,120}\byou (?:also |hereby )?(?:agree|consent)\b"
            ),
            _w(r"\b(?:agree|consent) to (?:the )?(?:all|every|any)\b.{0,40}\b(?:purposes?|of the above|of these)\b"),
        ),
        "no_recipients": (
            _w(
                r"\b(?:do|does|will|shall) not (?:share|pass|give|disclose|transfer|provide|hand)\b"
                r".{0,80}\b(?:anyone|anybody|third part|others|other compan|other people)"
                r"|\bnever (?:share|pass|give|disclose|transfer|hand)"
                r"|\bno (?:other )?(?:recipients|third part)|\bwithout (?:any )?recipients"
                r"|\bnobody else (?:gets|receives|sees)",
                r"\b(?:except|other than|apart from|unless|besides|only with|only to)\b",
            ),
        ),
        "unlimited": (
            _w(
                r"\bunlimited (?:time|period|term|duration)|\bindefinite(?:ly)?\b|\bfor ?ever\b|\bpermanently\b"
                r"|\b(?:without|no) (?:any )?(?:time limit|limit in time|end date|expiry)",
                r"\b(?:not|never)\b",
            ),
            _w(r"\b(?:not |un)limited in time\b"),
            _w(
                r"\buntil (?:you (?:withdraw|revoke|cancel)|(?:it is )?(?:withdrawn|revoked|cancelled))",
                r"\b(?:month|year|week|day)s?\b|lawful",
            ),
        ),
    },
    "cs": {
        "pre_ticked": (
            _w(
                r"\bpředzaškrtnut|\b(?:předem|již|už|automaticky) (?:zaškrtnut|zatržen|označen)",
                r"\b(?:není|nejsou|nebud\w+|nikdy|žádn\w+|bez|nemáme|nepoužíváme)\b",
            ),
            _w(r"\b(?:odškrtn|odznač)|\bzrušte (?:zaškrtnutí|zatržení|označení)"),
        ),
        "silence": (
            _w(
                r"\b(?:používáním|užíváním|prohlížením|procházením|pokračováním|setrváním|návštěvou|vstupem)\b"
                r".{0,120}\b(?:souhlasíte|vyjadřujete|udělujete|dáváte|přijímáte)\b"
            ),
            _w(r"\b(?:mlčení|nečinnost)\b.{0,60}\b(?:se považuje za|je považován\w*|znamená|je souhlas)"),
            _w(r"\b(?:pokud|jestliže|když) ne\w+.{0,100}\b(?:máme za to|považujeme|předpokládáme|souhlasíte|bereme)\b"),
        ),
        "bundled": (
            _w(
                r"\b(?:podpisem|odesláním|objednáním|objednávkou|nákupem|uzavřením|registrací|vyplněním|zaplacením)\b"
                r".{0,120}\b(?:souhlasíte|souhlasím|udělujete|uděluji|vyjadřujete souhlas|dáváte souhlas)\b"
            ),
            _w(r"\bsouhlas\w*.{0,40}\b(?:se všemi|ke všem|pro všechny|se vším)\b.{0,30}\b(?:účel|výše|uveden)"),
        ),
        "no_recipients": (
            _w(
                r"\b(?:nepředáváme|nepředáme|nesdílíme|neposkytujeme|neposkytneme|nezpřístupňujeme|nesdělujeme)\b"
                r"|\b(?:nebudou|nejsou) (?:\w+ )?(?:předán|předáván|poskytnut|poskytován|sdílen|zpřístupněn)"
                r"|\bnikomu (?:dalšímu |jinému )?ne\w+|\b(?:žádn\w+|bez) (?:další(?:m|ch)? )?příjemc",
                r"\b(?:kromě|vyjma|s výjimkou|mimo|pouze|jen|ledaže)\b",
            ),
        ),
        "unlimited": (
            _w(
                r"\bdobu neurčitou\b|\bneurčit(?:ou|ý|é) (?:dobu|čas|období)|\bneomezen(?:ě\b|\w+ (?:dob|čas))"
                r"|\bbez časového omezení|\bčasově neomezen|\bnavždy\b|\bnatrvalo\b",
                r"\b(?:ne|nikdy|není|nejsou)\b",
            ),
            _w(
                r"\bdo (?:\w+ )?(?:odvolání|zrušení)\b|\bdokud (?:\w+ )?neodvoláte\b",
                r"měsíc|\blet\b|\brok|\bdn[íů]\b|nejdéle|nejpozději|zákonn|dotčen",
            ),
        ),
    },
    "sk": {
        "pre_ticked": (
            _w(
                r"\bpredzaškrtnut|\b(?:vopred|už|automaticky) (?:zaškrtnut|označen)",
                r"\b(?:nie|nebud\w+|nikdy|žiadn\w+|bez)\b",
            ),
            _w(r"\b(?:odškrtn|odznač)|\bzrušte (?:zaškrtnutie|označenie)"),
        ),
        "silence": (
            _w(
                r"\b(?:používaním|prehliadaním|pokračovaním|návštevou|vstupom)\b"
                r".{0,120}\b(?:súhlasíte|vyjadrujete|udeľujete|prijímate)\b"
            ),
            _w(r"\b(?:mlčanie|nečinnosť)\b.{0,60}\b(?:sa považuje za|znamená)"),
        ),
        "bundled": (
            _w(
                r"\b(?:podpisom|odoslaním|objednaním|objednávkou|nákupom|registráciou|vyplnením)\b"
                r".{0,120}\b(?:súhlasíte|súhlasím|udeľujete|udeľujem)\b"
            ),
        ),
        "no_recipients": (
            _w(
                r"\b(?:neposkytujeme|neposkytneme|nezdieľame|neodovzdávame|nesprístupňujeme)\b"
                r"|\b(?:nebudú|nie sú) (?:\w+ )?(?:poskytnut|poskytovan|zdieľan|odovzdan)|\b(?:žiadn\w+|bez) príjemc",
                r"\b(?:okrem|s výnimkou|iba|len)\b",
            ),
        ),
        "unlimited": (
            _w(r"\bdobu neurčitú\b|\bneurčitý čas\b|\bneobmedzene\b|\bbez časového obmedzenia|\bnavždy\b|\bnatrvalo\b"),
            _w(r"\bdo (?:\w+ )?(?:odvolania|zrušenia)\b", r"mesiac|rok|\bdní\b|najdlhšie|najneskôr|zákonn"),
        ),
    },
    "de": {
        "pre_ticked": (
            _w(
                r"\bvor(?:an|aus)?(?:gekreuzt|gewählt|angekreuzt|ausgewählt)|\b(?:bereits|im Voraus|automatisch) "
                r"(?:angekreuzt|ausgewählt|gesetzt)",
                r"\b(?:nicht|kein\w*|nie|niemals)\b",
            ),
            _w(r"\bentfernen Sie (?:das|den) (?:Häkchen|Haken|Kreuz)|\b(?:Häkchen|Haken) (?:zu )?entfernen"),
        ),
        "silence": (
            _w(
                r"\b(?:durch|mit) (?:die |der |das |den |dem )?(?:weitere\w* )?"
                r"(?:Nutzung|Benutzung|Besuch|Nutzen|Weitersurfen)\b"
                r".{0,120}\b(?:stimmen Sie|willigen Sie|erklären Sie sich|akzeptieren Sie)\b"
            ),
            _w(r"\b(?:Schweigen|Untätigkeit)\b.{0,60}\b(?:gilt|bedeutet)\b(?! nicht| keine)"),
            _w(
                r"\b(?:wenn|sofern|falls) Sie (?:\w+ )?nicht (?:widersprechen|antworten|ablehnen)\b"
                r".{0,80}\b(?:gehen wir|gilt|stimmen Sie)\b"
            ),
        ),
        "bundled": (
            _w(
                r"\b(?:mit|durch) (?:der |die |dem |Ihrer |Ihre )?"
                r"(?:Unterschrift|Bestellung|Anmeldung|Absenden|Absendung|Kauf|Registrierung)\b"
                r".{0,120}\b(?:stimmen Sie|willigen Sie|erklären Sie)\b"
            ),
            _w(r"\b(?:stimme|willige|stimmen Sie|willigen Sie)\b.{0,40}\ballen? (?:\w+ )?Zwecke"),
        ),
        "no_recipients": (
            _w(
                r"\bnicht (?:\w+ )?an (?:Dritte|andere)|\bnicht weiter(?:gegeben|geleitet)"
                r"|\bkeine (?:Empfänger|Weitergabe)"
                r"|\bgeben\b.{0,60}\b(?:nicht|niemals|nie) weiter\b",
                r"\b(?:außer|ausgenommen|Ausnahme|nur)\b",
            ),
        ),
        "unlimited": (
            _w(
                r"\b(?:unbegrenzt|unbefristet)|\bauf unbestimmte (?:Zeit|Dauer)|\bfür immer\b|\bdauerhaft gespeichert",
                r"\b(?:nicht|nie|niemals) (?:unbegrenzt|unbefristet|dauerhaft|für immer|auf unbestimmte)",
            ),
            _w(r"\bzeitlich (?:nicht|un)\s?(?:begrenzt|beschränkt|befristet)"),
            _w(r"\bbis (?:auf|zum|zu Ihrem) Widerruf\b", r"Monat|Jahr|\bTage?n?\b|rechtmäßig"),
        ),
    },
    "pl": {
        "pre_ticked": (
            _w(r"\b(?:domyślnie|z góry|wcześniej|już) zaznaczon", r"\b(?:nie|nigdy|żad\w+)\b"),
            _w(r"\bodznacz"),
        ),
        "silence": (
            _w(
                r"\b(?:korzystając|kontynuując|pozostając|odwiedzając|przeglądając)\b"
                r".{0,120}\b(?:zgadza\w* się|wyraża\w*|akceptuje\w*)\b"
            ),
            _w(
                r"\b(?:milczenie|bezczynność|brak (?:sprzeciwu|odpowiedzi))\b.{0,60}\b(?:oznacza|jest równoznaczn|uważ)"
            ),
        ),
        "bundled": (
            _w(
                r"\b(?:podpisując|zamawiając|składając|wysyłając|rejestrując|kupując)\b"
                r".{0,120}\b(?:zgadza\w* się|wyraża\w*)\b"
            ),
            _w(r"\bzgod\w+ na (?:wszystkie|wszelkie)\b.{0,30}\b(?:cele|powyższe)"),
        ),
        "no_recipients": (
            _w(
                r"\bnie (?:przekazujemy|udostępniamy|ujawniamy)\b"
                r"|\bnie (?:będą|są) (?:\w+ )?(?:przekazywan|udostępnian|ujawnian)"
                r"|\bbrak odbiorców",
                r"\b(?:oprócz|z wyjątkiem|poza|tylko|wyłącznie)\b",
            ),
        ),
        "unlimited": (
            _w(
                r"\bbezterminow|\bczas nieokreślony|\bnieograniczon\w+ (?:czas|okres)"
                r"|\bbez ograniczeń czasowych|\bna zawsze\b",
                r"\b(?:nigdy|nie bezterminowo)\b",
            ),
            _w(r"\bdo (?:czasu |momentu )?(?:odwołania|wycofania|cofnięcia)", r"miesi|\blat\b|\brok|\bdni\b|zgodn"),
        ),
    },
    "sr": {
        "pre_ticked": (
            _w(
                r"\b(?:unapred|već|podrazumevano) (?:označen|štiklir|čekir|odabran)",
                r"\b(?:nije|nisu|nikad\w*|nijedn\w+|ne)\b",
            ),
            _w(r"\b(?:odznač|odštiklir|odčekir)|\buklonite (?:oznaku|kvačicu)"),
        ),
        "silence": (
            _w(
                r"\b(?:korišćenjem|upotrebom|nastavkom|pregledanjem|posetom|ostankom)\b"
                r".{0,120}\b(?:saglasni ste|prihvatate|pristajete|dajete saglasnost)\b"
            ),
            _w(r"\b(?:ćutanje|nereagovanje)\b.{0,60}\b(?:smatra se|se smatra|znači)"),
        ),
        "bundled": (
            _w(
                r"\b(?:potpisivanjem|potpisom|slanjem|poručivanjem|kupovinom|registracijom|naručivanjem)\b"
                r".{0,120}\b(?:saglasni ste|dajete saglasnost|pristajete)\b"
            ),
        ),
        "no_recipients": (
            _w(
                r"\bne (?:delimo|prosleđujemo|ustupamo|dajemo|otkrivamo)\b"
                r"|\bneće biti (?:prosleđen|ustupljen|deljen|otkriven)|\b(?:nema|bez) primalaca",
                r"\b(?:osim|izuzev|samo)\b",
            ),
        ),
        "unlimited": (
            _w(
                r"\bneograničen|\bna neodređeno\b|\bbez vremenskog ograničenja|\bzauvek\b|\btrajno\b",
                r"\b(?:ne|nije)\b",
            ),
            _w(r"\bdo (?:opoziva|povlačenja)", r"mesec|godin|\bdana\b|zakonit"),
        ),
    },
    "ru": {
        "pre_ticked": (
            _w(
                r"\b(?:заранее|уже|по умолчанию|предварительно) (?:отмечен|проставлен|установлен)",
                r"\b(?:не|нет|никогда|ни)\b",
            ),
            _w(r"\b(?:снимите|уберите) (?:галочку|отметку|флажок)"),
        ),
        "silence": (
            _w(
                r"\b(?:продолжая|используя|посещая|оставаясь|пользуясь|просматривая)\b"
                r".{0,120}\b(?:соглашаетесь|да[её]те согласие|принимаете)\b"
            ),
            _w(r"\b(?:молчание|бездействие)\b.{0,60}\b(?:считается|означает|является согласием)"),
        ),
        "bundled": (
            _w(
                r"\b(?:подписывая|отправляя|оформляя|заказывая|регистрируясь|нажимая|покупая)\b"
                r".{0,120}\b(?:соглашаетесь|да[её]те согласие)\b"
            ),
        ),
        "no_recipients": (
            _w(
                r"\bне (?:переда[её]м|передаются|раскрываем|раскрываются|предоставляем|предоставляются|сообщаем)\b"
                r"|\bтретьим лицам не\b|\bнет получателей",
                r"\b(?:кроме|за исключением|только)\b",
            ),
        ),
        "unlimited": (
            _w(
                r"\bбессрочн|\bнеограниченн\w+ срок|\bбез ограничени\w+ срока|\bнеопредел[её]нный срок|\bнавсегда\b",
                r"\b(?:не бессрочн\w*|никогда)\b",
            ),
            _w(r"\bдо (?:момента )?(?:\w+ )?отзыва", r"месяц|\bлет\b|\bгод|\bдн|законн"),
        ),
    },
    "uk": {
        "pre_ticked": (
            _w(
                r"\b(?:заздалегідь|вже|за замовчуванням|попередньо) (?:позначен|встановлен|відмічен)",
                r"\b(?:не|немає|ніколи|жодн\w+)\b",
            ),
            _w(r"\b(?:зніміть|приберіть) (?:галочку|позначку|прапорець)"),
        ),
        "silence": (
            _w(
                r"\b(?:продовжуючи|використовуючи|відвідуючи|залишаючись|користуючись|переглядаючи)\b"
                r".{0,120}\b(?:погоджуєтес[ья]|погоджуєтеся|надаєте згоду|даєте згоду|приймаєте)\b"
            ),
            _w(r"\b(?:мовчання|бездіяльність)\b.{0,60}\b(?:вважається|означає|є згодою)"),
        ),
        "bundled": (
            _w(
                r"\b(?:підписуючи|надсилаючи|замовляючи|оформлюючи|реєструючись|натискаючи|купуючи)\b"
                r".{0,120}\b(?:погоджуєтес[ья]|погоджуєтеся|надаєте згоду|даєте згоду)\b"
            ),
        ),
        "no_recipients": (
            _w(
                r"\bне (?:передаємо|передаються|розкриваємо|розкриваються|надаємо|повідомляємо)\b"
                r"|\bтретім особам не\b|\bнемає одержувачів",
                r"\b(?:крім|окрім|за винятком|лише|тільки)\b",
            ),
        ),
        "unlimited": (
            _w(r"\bбезстроков|\bнеобмежен\w+ (?:строк|термін|час)|\bневизначений (?:строк|термін|час)|\bназавжди\b"),
            _w(r"\bдо (?:моменту )?(?:\w+ )?(?:відкликання|скасування)", r"місяц|\bрок|\bднів\b|законн"),
        ),
    },
}

#: language → (how one takes a consent back, how one objects); either must stand somewhere in the text
DEMANDED = {
    "en": (
        _w(
            r"withdraw|revoke|take (?:it |this )?back|opt[- ]?out|unsubscribe|change your mind|\bcancel"
            r"|\bstop (?:it|this|them|receiving|at any time|any time)\b"
        ),
        _w(r"\bobject|opt[- ]?out|unsubscribe|\bstop (?:it|this|them|receiving)\b"),
    ),
    "cs": (_w(r"odvol|vzít (?:\w+ )?zpět|odhlás|odhlaš|odmítn|zruš"), _w(r"námit|odhlás|odhlaš|nesouhlas|odmítn")),
    "sk": (_w(r"odvol|vziať (?:\w+ )?späť|odhlás|odmiet|zruš"), _w(r"námiet|odhlás|nesúhlas|odmiet")),
    "de": (
        _w(r"widerruf|zurück(?:zu)?zieh|zurücknehm|abmeld|abbestell|austrag"),
        _w(r"widersprech|widerspruch|abmeld|abbestell"),
    ),
    "pl": (_w(r"wycof|cofn|odwoła|zrezygn|wypis"), _w(r"sprzeciw|zrezygn|wypis")),
    "sr": (_w(r"opoz|povu[ćc]|povla[čc]|odjav|odusta"), _w(r"prigovor|odjav|usprotiv")),
    "ru": (_w(r"отозва|отзыв|отказат|отписа"), _w(r"возраж|отписа|отказат")),
    "uk": (_w(r"відклик|скасув|відмов|відпис"), _w(r"запереч|відмов|відпис")),
}

_TO_LATIN = str.maketrans(
    "абвгдђежзијклмнопрстћуфхцчшАБВГДЂЕЖЗИЈКЛМНОПРСТЋУФХЦЧШ",
    "abvgdđežzijklmnoprstćufhcčšABVGDĐEŽZIJKLMNOPRSTĆUFHCČŠ",
) | str.maketrans({"љ": "lj", "њ": "nj", "џ": "dž", "Љ": "Lj", "Њ": "Nj", "Џ": "Dž"})


def language(code: str) -> str:
    """The language of a locale code: ``cs_CZ`` and ``sr@latin`` are ``cs`` and ``sr``."""
    return re.split(r"[_@.-]", code or "")[0].lower()


def comparable(text: str, lang: str) -> str:
    """The text as the patterns of a language expect it."""
    return text.translate(_TO_LATIN) if language(lang) == "sr" else text
