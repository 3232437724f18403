import { registry } from "@web/core/registry";

registry.category("web_tour.tours").add("client_gdpr_who_is_it", {
    steps: () => [
        { trigger: ".o_form_view .nav-link[name='privacy']", run: "click" },
        { trigger: "button[name='action_gdpr_delete_me']", run: "click" },
        { content: "what is certain is ticked", trigger: ".modal .o_data_row:contains('archived'):contains('Same e-mail address, same name.') input:checked" },
        { content: "a homonym is not", trigger: ".modal .o_data_row:contains('Zlín'):contains('Same name only') input:not(:checked)" },
        { content: "and alone nothing of hers is in the plan", trigger: ".modal .o_gdpr_plan:not(:contains('bank accounts'))" },
        { trigger: ".modal .o_data_row:contains('Novák, Brno') .o_boolean_toggle", run: "click" },
        { content: "the plan follows the tick", trigger: ".modal .o_gdpr_plan:contains('bank accounts')" },
        { trigger: ".modal .o_data_row:contains('archived') .o_boolean_toggle", run: "click" },
        { trigger: ".modal .o_data_row:contains('archived') input:not(:checked)" },
        { trigger: ".modal button[name='action_submit']", run: "click" },
        { trigger: "body:not(:has(.modal)) .o_form_view .o_gdpr_who .o_data_row:contains('Novák, Brno') input:checked" },
    ],
});

registry.category("web_tour.tours").add("client_gdpr_who_is_it_phone", {
    steps: () => [
        { trigger: ".o_form_view .nav-link[name='privacy']", run: "click" },
        { trigger: "button[name='action_gdpr_show_me']", run: "click" },
        { trigger: ".o_gdpr_answer:not(:contains('Tichá 3'))" },
        { trigger: ".o_gdpr_who .o_kanban_record:contains('archived') button[name='action_include']", run: "click" },
        { content: "the answer follows", trigger: ".o_gdpr_answer:contains('Tichá 3')" },
        { trigger: ".o_gdpr_who .o_kanban_record:contains('archived') button[name='action_exclude']" },
    ],
});
