import { onWillUnmount, useEffect } from "@odoo/owl";
import { registry } from "@web/core/registry";
import { ProgressBarField, progressBarField } from "@web/views/fields/progress_bar/progress_bar_field";

/** Between two looks at work that goes on: often enough to be watched, seldom enough to cost nothing. */
const EVERY_MS = 2000;

/** Odoo's progress bar, which looks at its record again while the work is not done. */
export class WatchedProgress extends ProgressBarField {
    setup() {
        super.setup();
        let timer;
        const look = async () => {
            await this.props.record.load();
            timer = setTimeout(look, EVERY_MS);
        };
        useEffect(
            (running) => {
                if (running) {
                    timer = setTimeout(look, EVERY_MS);
                }
                return () => clearTimeout(timer);
            },
            () => [this.currentValue < this.maxValue && !this.props.record.dirty]
        );
        onWillUnmount(() => clearTimeout(timer));
    }
}

registry.category("fields").add("gdpr_progress", { ...progressBarField, component: WatchedProgress });
