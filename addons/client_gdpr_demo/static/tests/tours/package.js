import { registry } from "@web/core/registry";

/** Six groups of five letters, as the pass phrase is read out on the phone. */
const PHRASE = /^([a-z]{5}-){5}[a-z]{5}$/;

registry.category("web_tour.tours").add("client_gdpr_package", {
    steps: () => [
        { trigger: ".o_form_view .nav-link[name='privacy']", run: "click" },
        { trigger: "button[name='action_gdpr_show_me']", run: "click" },
        { trigger: ".o_gdpr_answer section[data-part='recipients']" },
        { trigger: "button[name='action_prepare_package']", run: "click" },
        { trigger: ".o_gdpr_package button[name='action_download_package']" },
        { trigger: ".o_gdpr_package button[name='action_send_link']", run: "click" },
        { trigger: ".modal [name='address']:contains('jana.novakova@post.example')" },
        { trigger: ".modal button[name='action_send']", run: "click" },
        { trigger: "body:not(:has(.modal)) .o_gdpr_package li:contains('The link was sent')" },
        { trigger: ".o_gdpr_package button[name='action_show_passphrase']", run: "click" },
        { trigger: ".modal button:contains('Show it')", run: "click" },
        {
            trigger: ".modal .o_gdpr_passphrase",
            run() {
                const words = [...document.querySelectorAll(".modal .o_gdpr_passphrase *")].map((e) =>
                    e.children.length ? "" : e.textContent.trim()
                );
                if (!words.some((word) => PHRASE.test(word))) {
                    throw new Error("the dialog shows no pass phrase");
                }
            },
        },
        { trigger: ".modal button[special='cancel'], .modal footer .btn-primary", run: "click" },
        { trigger: "body:not(:has(.modal)) .o_gdpr_package:not(:has(button[name='action_show_passphrase']))" },
    ],
});
