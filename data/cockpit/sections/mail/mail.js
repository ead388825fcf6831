// SPDX-License-Identifier: MIT
// The section Mail: what decides about logins, what is wrong, and who logs in.
import { h } from "../../base/dom.js";
import { once } from "../../base/once.js";
import { _ } from "../../base/text.js";
import { AccountsCard } from "./accounts.js";
import { DecisionCard } from "./decision.js";
import { EventsCard, MOST } from "./events.js";
import { HeldCard } from "./held.js";
import { ProblemsCard } from "./problems.js";
import { RatesCard } from "./rates.js";
import { SessionsCard } from "./sessions.js";
import { TestCard } from "./test-login.js";

export class MailSection {
    #events = []; // that have come and are not shown yet; no more than are shown

    constructor(context) {
        this.context = context;
        this.gone = h("div", { role: "alert", class: "refusal", hidden: true }, _("The mail server does not run at the moment. What is shown may be old."));
        this.cards = [ProblemsCard, DecisionCard, RatesCard, EventsCard, AccountsCard, SessionsCard, HeldCard, TestCard].map(Part => new Part(context));
        this.element = h("div", { class: "cards" }, this.gone, this.cards.map(({ element }) => element));
        context.mail.listen(news => this.#take(news));
    }

    show() {
        this.#read();
    }

    // Each part reads what it shows, at the same time.
    #read = once(async () => {
        if (!this.element.isConnected)
            return;
        const events = this.#events.splice(0);
        const status = this.context.mail.getStatus();
        status.catch(() => {}); // each part that waits for it tells
        await Promise.all(this.cards.map(each => each.read({ status, events })));
    });

    #take({ events, isServed }) {
        this.gone.hidden = isServed;
        this.#events = [...this.#events, ...events].slice(-MOST);
        if (isServed)
            this.#read();
    }
}
