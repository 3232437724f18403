"""The people the company knows. None of them exists."""

# The company of the demo speaks Czech, whatever the language of the user.
# pylint: disable=translation-required
import base64

CZECH = "base.cz"

#: key → values of the contact. ``example`` domains receive no mail.
PEOPLE = {
    "jana": {
        "name": "Jana Nováková",
        "email": "jana.novakova@post.example",
        "phone": "+420 602 111 222",
        "street": "Lipová 5",
        "zip": "602 00",
        "city": "Brno",
        "function": "Učitelka",
        "comment": "<p>Volat až po 16. hodině, jezdí na modrém kole.</p>",
    },
    "petr": {
        "name": "Petr Svoboda",
        "email": "petr.svoboda@post.example",
        "phone": "+420 603 222 333",
        "street": "Údolní 33",
        "zip": "602 00",
        "city": "Brno",
    },
    "karel": {
        "name": "Karel Dvořák",
        "email": "karel.dvorak@dilna.example",
        "phone": "+420 604 333 444",
        "street": "Dílenská 8",
        "zip": "779 00",
        "city": "Olomouc",
        "vat": "CZ7103192745",
    },
    "marie": {
        "name": "Marie Černá",
        "email": "marie.cerna@post.example",
        "phone": "+420 605 444 555",
        "street": "Hlavní 100",
        "zip": "664 34",
        "city": "Kuřim",
    },
    "tomas": {
        "name": "Tomáš Procházka",
        "email": "tomas.prochazka@post.example",
        "phone": "+420 606 555 666",
        "city": "Praha",
    },
    "lucie": {
        "name": "Lucie Kučerová",
        "email": "lucie.kucerova@post.example",
        "phone": "+420 607 666 777",
        "city": "Brno",
        "comment": "<p>Zastavila se na veletrhu, chtěla katalog.</p>",
    },
    "jan_brno": {"name": "Jan Novák", "email": "jan.novak@brno.example", "phone": "+420 608 777 888", "city": "Brno"},
    "jan_zlin": {"name": "Jan Novák", "email": "jan.novak@zlin.example", "phone": "+420 609 888 999", "city": "Zlín"},
    "eva": {
        "name": "Eva Veselá",
        "email": "eva.vesela@post.example",
        "phone": "+420 720 111 333",
        "street": "Zahradní 2",
        "zip": "612 00",
        "city": "Brno",
    },
    "martin": {
        "name": "Martin Horák",
        "email": "martin.horak@post.example",
        "phone": "+420 721 222 444",
        "street": "Polní 17",
        "zip": "616 00",
        "city": "Brno",
    },
    "anna": {"name": "Anna Pokorná", "email": "anna.pokorna@post.example", "phone": "+420 722 333 555", "city": "Brno"},
    "papirna": {
        "name": "Papírna Brno s.r.o.",
        "email": "objednavky@papirna.example",
        "phone": "+420 541 222 333",
        "street": "Křenová 40",
        "zip": "602 00",
        "city": "Brno",
        "vat": "CZ27074358",
        "is_company": True,
    },
}


def meet(env, firm, staff):
    """Make the contacts: key → contact."""
    country = env.ref(CZECH).id
    values = [
        {**vals, "country_id": country, "company_id": firm.id, "user_id": staff["sales1"].id}
        for vals in PEOPLE.values()
    ]
    contacts = env["res.partner"].create(values)
    persons = dict(zip(PEOPLE, contacts, strict=True))
    persons["ondrej"] = env["res.partner"].create(
        {
            "name": "Ondřej Němec",
            "parent_id": persons["papirna"].id,
            "company_id": firm.id,
            "email": "ondrej.nemec@papirna.example",
            "phone": "+420 723 444 666",
            "function": "Nákupčí",
        }
    )
    persons["jana"].category_id = env["res.partner.category"].create({"name": "Cyklistka"})
    jana = persons["jana"].with_user(staff["sales1"])
    jana.message_post(body="Zákaznice se ptala na servis kola, domluveno na středu.")
    jana.write({"phone": "+420 602 111 223"})
    jana.flush_recordset()
    env["ir.attachment"].create(
        {
            "name": "servisni-list.txt",
            "raw": "Servisní list: modré kolo, přední brzda.".encode(),
            "mimetype": "text/plain",
            "res_model": "res.partner",
            "res_id": jana.id,
        }
    )
    env["res.partner.bank"].create(
        {"acc_number": "CZ6508000000192000145399", "partner_id": jana.id, "acc_holder_name": "Jana Nováková"}
    )
    persons["marie"].message_post(body="Paní si přeje, abychom jí už neposílali nabídky.")
    _portal_login(env, persons["martin"])
    return persons


def _portal_login(env, partner):
    """A customer with a login of his own."""
    env["res.users"].with_context(no_reset_password=True).create(
        {
            "partner_id": partner.id,
            "login": partner.email,
            "password": base64.b16encode(partner.email.encode()).decode(),
            "group_ids": [(6, 0, env.ref("base.group_portal").ids)],
            "company_id": partner.company_id.id,
            "company_ids": [(6, 0, partner.company_id.ids)],
        }
    )
