import { registry } from "@web/core/registry";

/** What the person at the desk does: clicks and the seconds they take, from the open contact card on. */
const work = { clicks: 0, start: 0 };
const count = () => {
    work.clicks += 1;
};

function begin() {
    work.clicks = 0;
    work.start = performance.now();
    document.addEventListener("click", count, true);
}

function end(what, clicks) {
    const seconds = (performance.now() - work.start) / 1000;
    document.removeEventListener("click", count, true);
    window.halfMinute = { what, clicks: work.clicks, seconds };
    if (work.clicks !== clicks) {
        throw new Error(`${what} took ${work.clicks} clicks instead of ${clicks}`);
    }
    if (seconds > 30) {
        throw new Error(`${what} took ${seconds.toFixed(1)} s, more than half a minute`);
    }
}

const openPrivacy = [
    { content: "the contact card is open", trigger: ".o_form_view .nav-link[name='privacy']", run: begin },
    { content: "open the tab", trigger: ".o_form_view .nav-link[name='privacy']", run: "click" },
];

registry.category("web_tour.tours").add("client_gdpr_show_me", {
    steps: () => [
        ...openPrivacy,
        { trigger: "button[name='action_gdpr_show_me']", run: "click" },
        { trigger: ".o_gdpr_answer h3:contains('Why we hold it')" },
        { trigger: ".o_gdpr_answer dd:contains('jana.novakova@post.example')" },
        { trigger: ".o_gdpr_answer section[data-topic='accounting']", run: () => end("Show me", 2) },
    ],
});

registry.category("web_tour.tours").add("client_gdpr_change_me", {
    steps: () => [
        ...openPrivacy,
        { trigger: "button[name='action_gdpr_change_me']", run: "click" },
        { content: "type what is true", trigger: ".modal [name='email'] input", run: "edit jana.mala@post.example && press Tab" },
        {
            content: "each place shows what stands there and what it becomes",
            trigger: ".modal .o_data_row:contains('Lead: Dotaz z webu'):contains('jana.novakova@post.example'):contains('jana.mala@post.example')",
        },
        { trigger: ".modal .o_data_row:contains('Mailing Contact')" },
        { trigger: ".modal button[name='action_correct']", run: "click" },
        { trigger: ".o_gdpr_correction td:contains('Lead')" },
        {
            trigger: "body:not(:has(.modal)) .o_form_view .alert:contains('Corrected')",
            run: () => end("Change me", 4),
        },
    ],
});

registry.category("web_tour.tours").add("client_gdpr_stop_using_me", {
    steps: () => [
        ...openPrivacy,
        { trigger: "button[name='action_gdpr_stop_using_me']", run: "click" },
        { trigger: ".modal .alert:contains('Nothing is deleted')" },
        { trigger: ".modal [name='reason'] .o_radio_item:first input", run: "click" },
        { trigger: ".modal button[name='action_restrict']", run: "click" },
        {
            trigger: "body:not(:has(.modal)) .o_form_view .alert:contains('show only a number')",
            run: () => end("Stop using me", 4),
        },
    ],
});

registry.category("web_tour.tours").add("client_gdpr_delete_me", {
    steps: () => [
        ...openPrivacy,
        { trigger: "button[name='action_gdpr_delete_me']", run: "click" },
        { trigger: ".modal .o_gdpr_plan .o_gdpr_keep:contains('invoices')" },
        { trigger: ".modal .o_gdpr_plan .o_gdpr_delete:contains('leads')" },
        { trigger: ".modal button[name='action_submit']", run: "click" },
        {
            trigger: ".o_form_view .alert:contains('waits for another person')",
            run: () => end("Delete me, the handler", 3),
        },
    ],
});

registry.category("web_tour.tours").add("client_gdpr_approve", {
    steps: () => [
        { content: "the approver sees the plan that waits", trigger: ".o_data_row .o_data_cell[name='name']", run: begin },
        { trigger: ".o_data_row .o_data_cell[name='name']", run: "click" },
        { trigger: ".o_form_view .o_gdpr_plan .o_gdpr_keep:contains('invoices')" },
        { trigger: "button[name='action_approve_and_execute']", run: "click" },
        { trigger: ".o_gdpr_certificate:contains('sealed')", run: () => end("Delete me, the approver", 2) },
    ],
});

registry.category("web_tour.tours").add("client_gdpr_consent", {
    steps: () => [
        ...openPrivacy,
        { trigger: "button[name='action_consent_record']", run: "click" },
        { trigger: ".modal .o_data_row:contains('Newsletter') td[name='channel_email'] input:not(:checked)", run: "click" },
        { trigger: ".modal .o_data_row:contains('Newsletter') td[name='channel_email'] input:checked" },
        { trigger: ".modal .alert:contains('Counts from now')" },
        { trigger: ".modal button[name='action_record']", run: "click" },
        { trigger: "body:not(:has(.modal)) .o_field_widget[name='consent_banner']:contains('You may: Newsletter')" },
        { trigger: "button[name='action_consent_withdraw']", run: "click" },
        { trigger: ".modal .o_data_row:contains('Newsletter')" },
        { trigger: ".modal button[name='action_withdraw']", run: "click" },
        { trigger: "body:not(:has(.modal)) .o_field_widget[name='consent_banner']:contains('withdrawn')" },
    ],
});
