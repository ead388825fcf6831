// SPDX-License-Identifier: MIT
// What happened, newest first, with filters by user, address and reason.
import { h } from "../../base/dom.js";
import { kindOf } from "../../base/reasons.js";
import { _ } from "../../base/text.js";
import { show as showMoment } from "../../base/when.js";
import { Card } from "../../parts/card.js";
import { field } from "../../parts/dialog.js";
import { Grid } from "../../parts/grid.js";

export const MOST = 1000;

const isPart = (text, part) => (text ?? "").toUpperCase().includes(part.toUpperCase());

// Those that fit. Pure.
export function filterEvents(events, { user, address, reason }) {
    return events.filter(event => isPart(event.user, user) && isPart(event.address, address) && (reason === "" || event.reason === reason));
}

// What tells an event from another one.
const keyOf = ({ time, id, user, session }) => JSON.stringify([time, id, user, session]);

// Those of @events (oldest first) that @known (newest first) has not, newest first, and then @known. Pure.
export function addEvents(events, known) {
    const keys = new Set(known.map(keyOf));
    return [...events.filter(event => !keys.has(keyOf(event))).reverse(), ...known].slice(0, MOST);
}

export class EventsCard extends Card {
    #events = [];

    constructor(context) {
        super(_("Events"));
        this.context = context;
        const filter = () => this.#sift();
        this.user = h("input", { type: "text", oninput: filter, spellcheck: "false" });
        this.address = h("input", { type: "text", oninput: filter, spellcheck: "false" });
        this.reason = h("select", { onchange: filter }, h("option", { value: "" }, _("all")));
        this.grid = new Grid({
            name: _("Events"),
            nameOf: ({ time, user, reason }) => [showMoment(time), user, reason].filter(Boolean).join(" "),
            keyOf,
            columns: [
                { kind: "when", title: _("Time"), draw: ({ time }) => showMoment(time) },
                { kind: "id", title: _("ID"), draw: ({ id }) => String(id) },
                { kind: "who", title: _("User"), draw: ({ user }) => h("bdi", {}, user) },
                { kind: "address", title: _("Address"), draw: ({ address }) => address },
                { kind: "reason", title: _("Reason"), draw: ({ reason }) => h("span", { class: `reason ${kindOf(reason)}` }, reason) },
                { kind: "data", title: _("Description"), draw: ({ description, count }) => h("bdi", { title: description }, count > 1 ? `${count} × ${description}` : description) },
            ],
        });
        this.body.append(h("div", { class: "inline" }, field(_("User"), this.user), field(_("Address"), this.address), field(_("Reason"), this.reason)),
                         this.grid.element);
    }

    // New events come with their signal; all are read when the section is opened, and after the server has been away.
    read({ events, cause }) {
        return this.try(async () => {
            this.#events = addEvents(events, cause === "all" ? (await this.context.mail.getEvents(MOST)) : this.#events);
            this.#offerReasons();
            this.#sift();
            this.grid.flash(event => events.includes(event));
        });
    }

    #offerReasons() {
        const reasons = [...new Set(this.#events.map(({ reason }) => reason))].sort();
        const { value } = this.reason;
        this.reason.replaceChildren(h("option", { value: "" }, _("all")), ...reasons.map(reason => h("option", { value: reason, selected: reason === value }, reason)));
    }

    #sift() {
        this.grid.set(filterEvents(this.#events, { user: this.user.value.trim(), address: this.address.value.trim(), reason: this.reason.value }));
    }
}
