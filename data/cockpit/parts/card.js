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

    // What @action throws is told here, if @isWanted() still says so then. Whether it threw nothing.
    async try(action, isWanted = () => true) {
        try {
            await action();
            if (isWanted())
                this.refuse("");
            return true;
        } catch (error) {
            if (isWanted())
                this.refuse(error.message);
            return false;
        }
    }
}
