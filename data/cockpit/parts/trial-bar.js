// SPDX-License-Identifier: MIT
// What is on trial, whoever made it: how long each has left, Keep, and Undo now. Deadlines are the
// registry's, so a countdown is the same after a reload and in another browser.
import { button, h } from "../base/dom.js";
import { once } from "../base/once.js";
import { shorten } from "../base/path.js";
import { _, count, format } from "../base/text.js";
import { showLeft } from "../base/when.js";
import { GONE } from "../bus/live.js";
import { List } from "./list.js";

const TICK = 1000; // ms
// Keeping a change makes no revision and so no signal: while something is on trial, it is asked every so many ticks
// whether it still is.
const ASK = 3;

export class TrialBar {
    #trials = [];
    #clocks = [];
    #ticks = 0;

    constructor({ registry, live, clock, complain }) {
        Object.assign(this, { registry, clock, complain });
        this.element = h("div", { class: "trials" });
        this.list = new List(this.element, trial => this.#draw(trial));
        live.listen(news => { if (news !== GONE) this.refresh(); });
        setInterval(() => this.#tick(), TICK);
    }

    refresh = once(async () => {
        try {
            this.#show((await this.registry.listTrials()).filter(trial => trial.deadline > 0));
        } catch {
            // A registry that is gone is told of elsewhere.
        }
    });

    #show(trials) {
        const isSame = JSON.stringify(trials) === JSON.stringify(this.#trials);
        if (isSame)
            return;
        this.#trials = trials;
        this.#clocks = this.list.show(trials).map(element => element.querySelector(".clock"));
        this.#tick();
    }

    #draw(trial) {
        const where = trial.keys.length === 1 ? shorten(trial.keys[0]) : count("$0 key", "$0 keys", trial.keys.length);
        const what = format("revision $0, $1", trial.revision, where);
        return h("div", { class: "trial" },
                 h("div", { role: "status", "aria-label": _("On trial") }, h("strong", {}, _("On trial")), " ", what, " ", h("span", { class: "clock", "aria-live": "off" })),
                 button(_("Keep"), () => this.#act(() => this.registry.confirm(trial.revision)), { class: "primary" }),
                 button(_("Undo now"), () => this.#act(() => this.registry.endTrial(trial.revision))));
    }

    async #act(action) {
        try {
            await action();
        } catch (error) {
            this.complain(error.message);
        }
        await this.refresh();
    }

    #tick() {
        const now = this.clock.now() / 1000;
        this.#trials.forEach((trial, index) => {
            const left = trial.deadline / 1e6 - now;
            this.#clocks[index].textContent = showLeft(left);
        });
        if (this.#trials.length > 0 && ++this.#ticks % ASK === 0)
            this.refresh();
    }
}
