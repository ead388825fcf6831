// SPDX-License-Identifier: MIT
// The section Mail: what decides about logins, what is wrong, and who logs in.
import { h } from "../../base/dom.js";
import { once } from "../../base/once.js";
import { _ } from "../../base/text.js";
import { EVERYTHING } from "../../bus/live.js";
import { AccountsCard } from "./accounts.js";
import { DecisionCard } from "./decision.js";
import { EventsCard, MOST } from "./events.js";
import { HeldCard } from "./held.js";
import { ProblemsCard } from "./problems.js";
import { RatesCard } from "./rates.js";
import { SessionsCard } from "./sessions.js";
import { TestCard } from "./test-login.js";

const GATHER = 300; // ms in which changes are read together: the server follows them, too

// Why the parts read again, from the least to the most: logins, what is set and who has accounts, anything.
const CAUSES = ["events", "settings", "all"];

// What of the registry the server may go by; keys may be told with a link on their way resolved.
const isOurs = ({ key }) => /\\(services|sam)(\\|$)/i.test(key);

export class MailSection {
    #events = []; // that have come and are not shown yet; no more than are shown
    #cause = "all";
    #isServed = false;
    #clock = null;

    constructor(context) {
        this.context = context;
        this.gone = h("div", { role: "alert", class: "refusal", hidden: true }, _("The mail server does not run at the moment. What is shown may be old."));
        this.cards = [ProblemsCard, DecisionCard, RatesCard, EventsCard, AccountsCard, SessionsCard, HeldCard, TestCard].map(Part => new Part(context));
        this.element = h("div", { class: "cards" }, this.gone, this.cards.map(({ element }) => element));
        context.mail.listen(news => this.#take(news));
        context.live.listen(news => this.#takeSettings(news));
    }

    show() {
        this.#readFor("all");
    }

    // Each part reads what it shows, at the same time.
    #read = once(async () => {
        if (!this.element.isConnected)
            return;
        const events = this.#events.splice(0);
        const cause = this.#cause;
        [this.#cause] = CAUSES;
        const status = this.context.mail.getStatus();
        status.catch(() => {}); // each part that waits for it tells
        await Promise.all(this.cards.map(each => each.read({ status, events, cause })));
    });

    #readFor(cause) {
        if (CAUSES.indexOf(cause) > CAUSES.indexOf(this.#cause))
            this.#cause = cause;
        return this.#read();
    }

    #take({ events, isServed }) {
        this.gone.hidden = isServed;
        this.#events = [...this.#events, ...events].slice(-MOST);
        const cause = isServed !== this.#isServed ? "all" : events.length > 0 ? "events" : "settings";
        this.#isServed = isServed;
        if (isServed)
            this.#readFor(cause);
    }

    #takeSettings(news) {
        if (this.#clock !== null || !this.context.mail.isServed || !(news === EVERYTHING || (Array.isArray(news) && news.some(isOurs))))
            return;
        this.#clock = setTimeout(() => {
            this.#clock = null;
            this.#readFor("settings");
        }, GATHER);
    }
}
