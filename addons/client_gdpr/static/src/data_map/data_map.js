import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { Layout } from "@web/search/layout";
import { standardActionServiceProps } from "@web/webclient/actions/action_service";

import { Component, markup, onWillStart, useRef, useState } from "@odoo/owl";

const STEP = 1.25;
const SMALLEST = 0.1;
const LARGEST = 4;

/** The data map as a picture: from the person outwards, to zoom into, to click on and to keep. */
export class DataMapPicture extends Component {
    static template = "client_gdpr.DataMapPicture";
    static components = { Layout };
    static props = { ...standardActionServiceProps };

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.sheet = useRef("sheet");
        this.display = { controlPanel: {} };
        this.state = useState({ zoom: 1 });
        onWillStart(async () => {
            this.picture = await this.orm.call("gdpr.data.map", "picture", []);
            // drawn by the server, which escapes every name
            this.svg = markup(this.picture.svg);
        });
    }

    get style() {
        return `transform: scale(${this.state.zoom}); transform-origin: 0 0`;
    }

    zoomBy(factor) {
        this.state.zoom = Math.min(LARGEST, Math.max(SMALLEST, this.state.zoom * factor));
    }

    zoomIn() {
        this.zoomBy(STEP);
    }

    zoomOut() {
        this.zoomBy(1 / STEP);
    }

    fit() {
        const drawing = this.sheet.el.querySelector("svg");
        const { clientWidth, clientHeight } = this.sheet.el;
        const zoom = Math.min(clientWidth / drawing.width.baseVal.value, clientHeight / drawing.height.baseVal.value);
        this.state.zoom = Math.max(SMALLEST, zoom);
    }

    onWheel(ev) {
        if (ev.ctrlKey) {
            ev.preventDefault();
            this.zoomBy(ev.deltaY < 0 ? STEP : 1 / STEP);
        }
    }

    onPick(ev) {
        const box = ev.target.closest("[data-model]");
        if (box && (ev.type === "click" || ev.key === "Enter")) {
            this.action.doAction("client_gdpr.action_gdpr_data_map", {
                additionalContext: { search_default_by_topic: 0, search_default_model_name: box.dataset.model },
            });
        }
    }

    openUndecided() {
        this.action.doAction("client_gdpr.action_gdpr_data_map_server");
    }

    openFields() {
        this.action.doAction("client_gdpr.action_gdpr_data_map_open");
    }

    save() {
        const link = document.createElement("a");
        link.href = URL.createObjectURL(new Blob([this.picture.svg], { type: "image/svg+xml" }));
        link.download = "data_map.svg";
        link.click();
        URL.revokeObjectURL(link.href);
    }
}

registry.category("actions").add("client_gdpr.data_map_picture", DataMapPicture);
