// SPDX-License-Identifier: MIT
// What does not work, in plain words, before all else.
import { h } from "../../base/dom.js";
import { _ } from "../../base/text.js";
import { Card } from "../../parts/card.js";

export class ProblemsCard extends Card {
    constructor() {
        super(_("Problems"));
    }

    read({ status }) {
        return this.try(async () => {
            const { problems } = await status;
            const nothing = h("p", {}, h("span", { class: "badge good" }, _("good")), _("Nothing is wrong."));
            this.body.replaceChildren(problems.length === 0 ? nothing
                : h("ul", { class: "problems", "aria-label": _("Problems") }, problems.map(text => h("li", {}, text))));
        });
    }
}
