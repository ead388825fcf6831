// SPDX-License-Identifier: MIT
// Who is held back after failed logins, and the button that lets them go.
import { button, h } from "../../base/dom.js";
import { _, format } from "../../base/text.js";
import { show as showMoment } from "../../base/when.js";
import { setAllowed } from "../../bus/rights.js";
import { Card } from "../../parts/card.js";
import { Grid } from "../../parts/grid.js";
import { ask } from "../../parts/question.js";

export class HeldCard extends Card {
    constructor(context) {
        super(_("Held back"));
        this.context = context;
        this.grid = new Grid({
            name: _("Held back"),
            nameOf: ({ account, address }) => account || address,
            keyOf: ({ account, address }) => `${account} ${address}`,
            columns: [
                { kind: "name", title: _("Account"), draw: ({ account }) => h("bdi", {}, account || _("all of the address")) },
                { kind: "address", title: _("Address"), draw: ({ address }) => address },
                { kind: "failures", title: _("Failures"), draw: ({ failures }) => String(failures ?? "") },
                { kind: "when", title: _("Until"), draw: ({ until }) => showMoment(until) },
            ],
            onChoose: () => this.#allow(),
        });
        this.grid.element.classList.add("small");
        this.release = button(_("Release"), () => this.#release());
        this.again = button(_("Read again"), () => this.read());
        this.body.append(h("div", { class: "toolbar" }, this.release, this.again), this.grid.element);
        this.#allow();
    }

    #allow() {
        setAllowed(this.release, this.grid.chosen === undefined ? _("Choose somebody first.") : null);
    }

    read() {
        return this.try(async () => {
            this.grid.set(await this.context.mail.getHeld());
            this.#allow();
        });
    }

    async #release() {
        const { account, address } = this.grid.chosen;
        const who = account || address;
        const content = h("p", {}, format("$0 may try passwords again at once.", who));
        if (await ask({ title: format("Release $0", who), text: _("Release"), content, run: () => this.context.mail.release(who) }))
            await this.read();
    }
}
