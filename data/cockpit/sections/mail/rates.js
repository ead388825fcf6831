// SPDX-License-Identifier: MIT
// Logins per minute by what became of them, for the last hour; live.
import { h } from "../../base/dom.js";
import { fillMinutes, KINDS, sumKinds } from "../../base/reasons.js";
import { _, format, locale } from "../../base/text.js";
import { Card } from "../../parts/card.js";
import { drawChart } from "../../parts/chart.js";

const MINUTE = 60000; // ms
const NAMES = { ok: _("let in"), refused: _("refused"), fault: _("fault of the server") };
const COLOURS = { ok: "", refused: "refused", fault: "other" };

export class RatesCard extends Card {
    #minutes = [];

    constructor(context) {
        super(_("Logins per minute"));
        this.context = context;
        this.chart = h("div", {});
        this.legend = h("div", { class: "legend" }, KINDS.map(kind => h("span", {}, h("span", { class: `swatch ${COLOURS[kind]}` }), NAMES[kind])));
        this.body.append(this.chart, this.legend);
        // The hour moves on; nothing is asked for that.
        setInterval(() => this.element.isConnected && this.#draw(), MINUTE);
    }

    read() {
        return this.try(async () => {
            this.#minutes = await this.context.mail.getCounts();
            this.#draw();
        });
    }

    #draw() {
        const bars = fillMinutes(this.#minutes, this.context.clock.now()).map(({ begin, counts }) => {
            const sums = sumKinds(counts);
            const time = new Date(begin).toLocaleTimeString(locale(), { timeStyle: "short" });
            const title = [time, ...KINDS.filter(kind => sums[kind] > 0).map(kind => format("$0: $1", NAMES[kind], sums[kind]))].join(", ");
            return { title, time, parts: KINDS.map(kind => ({ kind: COLOURS[kind], number: sums[kind] })) };
        });
        const isOpen = this.chart.querySelector("details")?.open ?? false;
        this.chart.replaceChildren(drawChart({ name: _("Logins per minute"), bars, columns: KINDS.map(kind => NAMES[kind]) }));
        this.chart.querySelector("details").open = isOpen;
    }
}
