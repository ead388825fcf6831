// SPDX-License-Identifier: MIT
// Who is logged in, and the button that ends a session.
import { button, h } from "../../base/dom.js";
import { _ } from "../../base/text.js";
import { showAge } from "../../base/when.js";
import { setAllowed } from "../../bus/rights.js";
import { Card } from "../../parts/card.js";
import { Grid } from "../../parts/grid.js";

export class SessionsCard extends Card {
    constructor(context) {
        super(_("Sessions"));
        this.context = context;
        this.grid = new Grid({
            name: _("Sessions"),
            nameOf: ({ user }) => user,
            keyOf: ({ session }) => session,
            columns: [
                { kind: "name", title: _("User"), draw: ({ user }) => h("bdi", {}, user) },
                { kind: "protocol", title: _("Protocol"), draw: ({ protocol }) => protocol },
                { kind: "address", title: _("Address"), draw: ({ address }) => address },
                { kind: "when", title: _("Since"), draw: ({ since }) => showAge(since, context.clock.now()) },
                { kind: "tls", title: _("TLS"), draw: ({ tls }) => tls || _("none") },
            ],
            onChoose: () => this.#allow(),
        });
        this.grid.element.classList.add("small");
        this.end = button(_("End"), () => this.#end());
        this.again = button(_("Read again"), () => this.read());
        this.body.append(h("div", { class: "toolbar" }, this.end, this.again), this.grid.element);
        this.#allow();
    }

    #allow() {
        setAllowed(this.end, this.grid.chosen === undefined ? _("Choose a session first.") : null);
    }

    read() {
        return this.try(async () => {
            this.grid.set(await this.context.mail.getSessions());
            this.#allow();
        });
    }

    #end() {
        const { user, session } = this.grid.chosen;
        return this.try(async () => {
            await this.context.mail.endSession(user, session);
            this.grid.set(await this.context.mail.getSessions());
            this.#allow();
        });
    }
}
