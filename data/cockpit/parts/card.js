// SPDX-License-Identifier: MIT
// A part of a section: a region with its heading, and where a refusal is told.
import { h } from "../base/dom.js";

export class Card {
    constructor(title, ...content) {
        this.refusal = h("div", { role: "alert", class: "refusal", hidden: true });
        this.body = h("div", { class: "pane" }, content);
        this.element = h("section", { role: "region", "aria-label": title, class: "card" }, h("h2", {}, title), this.refusal, this.body);
    }

    // "" takes it back.
    refuse(text) {
        if (this.refusal.textContent !== text)
            this.refusal.textContent = text;
        this.refusal.hidden = text === "";
    }

    // What @action throws is told here. Whether it threw nothing.
    async try(action) {
        try {
            await action();
            this.refuse("");
            return true;
        } catch (error) {
            this.refuse(error.message);
            return false;
        }
    }
}
