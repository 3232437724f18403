import { registry } from "@web/core/registry";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";
import { View, getDefaultConfig } from "@web/views/view";

import { Component, useSubEnv } from "@odoo/owl";

/**
 * A contact's answers as Odoo's own list, read when somebody opens the tab: most who open a contact do not.
 */
export class Answers extends Component {
    static template = "client_consent.Answers";
    static components = { View };
    static props = { ...standardWidgetProps };

    setup() {
        // else the list would take the views of the action by which the contact was opened, which are of contacts
        useSubEnv({ config: getDefaultConfig() });
    }

    /** Another list for another contact, and whenever what the banner says has changed. */
    get key() {
        const { resId, data } = this.props.record;
        return `${resId} ${data.consent_count} ${data.consent_banner}`;
    }

    get viewProps() {
        return {
            type: "list",
            resModel: "consent.basis",
            domain: [["partner_id", "=", this.props.record.resId]],
            context: { list_view_ref: "client_consent.view_consent_basis_card_list" },
            display: { controlPanel: false },
            allowSelectors: false,
            allowOpenAction: false,
            noBreadcrumbs: true,
            showButtons: false,
            readonly: true,
        };
    }
}

registry.category("view_widgets").add("consent_answers", { component: Answers });
