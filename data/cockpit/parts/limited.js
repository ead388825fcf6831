// SPDX-License-Identifier: MIT
// "Limited access", for those who are no administrators, and the button that asks for more.
import { button, h } from "../base/dom.js";
import { _ } from "../base/text.js";

export class LimitedAccess {
    constructor({ rights, complain }) {
        const ask = button(_("Ask for more"), async () => {
            try {
                complain("");
                await rights.askForMore();
            } catch (error) {
                complain(error.message);
            }
        });
        this.element = h("div", { class: "limited", hidden: true }, h("strong", {}, _("Limited access")), ask);
        rights.listen(() => { this.element.hidden = !rights.isLimited; });
    }
}
