// SPDX-License-Identifier: MIT
// The section History: what changed at and below the open key, newest first; comparing, undoing, and going back.
import { h, button } from "../base/dom.js";
import { isAtOrBelow } from "../base/path.js";
import { _, count, format } from "../base/text.js";
import { dateOf, show as showMoment } from "../base/when.js";
import { EVERYTHING, GONE } from "../bus/live.js";
import { Card } from "../parts/card.js";
import { drawChanges, drawDifference, drawPlan } from "../parts/change-view.js";
import { drawChart, sortIntoSpans } from "../parts/chart.js";
import { minutesField, openDialog, tell } from "../parts/dialog.js";

const PAGE = 100;
const BARS = 60;
const GATHER = 200; // ms: many changes are read at once

export class HistorySection {
    #turn = 0;
    #clock = null;

    constructor(context) {
        this.context = context;
        this.registry = context.registry;
        this.path = "";
        this.revisions = [];
        this.chart = new Card(_("Changes over time"));
        this.list = h("ul", { "aria-label": _("Revisions"), class: "revisions" });
        this.more = button(_("Older"), () => this.#readMore(), { hidden: true });
        this.element = h("div", { class: "cards" }, this.chart.element, this.list, h("div", {}, this.more));
        context.live.listen(news => this.#take(news));
    }

    async show(path) {
        this.path = this.resolved = path; // changes may come before the answer does
        this.resolved = await this.registry.resolve(path);
        await this.#read();
    }

    #read() {
        const turn = ++this.#turn;
        return this.chart.try(async () => {
            const revisions = await this.registry.getHistory(this.path, { limit: PAGE });
            if (turn === this.#turn)
                this.#set(revisions, revisions.length === PAGE);
        });
    }

    async #readMore() {
        const turn = this.#turn;
        await this.chart.try(async () => {
            const older = await this.registry.getHistory(this.path, { limit: PAGE, before: this.revisions.at(-1).revision });
            if (turn === this.#turn)
                this.#set([...this.revisions, ...older], older.length === PAGE);
        });
    }

    #set(revisions, hasMore) {
        this.more.hidden = !hasMore;
        this.revisions = revisions;
        this.list.replaceChildren(...revisions.map(revision => this.#draw(revision)));
        this.#drawChart(revisions);
    }

    #drawChart(revisions) {
        if (revisions.length === 0) {
            this.chart.body.replaceChildren(h("p", { class: "note" }, _("Nothing has changed here, as far as history reaches.")));
            return;
        }
        const moment = revision => dateOf(revision.time).getTime();
        const [begin, end] = [moment(revisions.at(-1)), moment(revisions[0]) + 1];
        const spans = sortIntoSpans(revisions, moment, { begin, end, size: BARS });
        this.chart.body.replaceChildren(drawChart({
            name: _("Changes over time"),
            columns: [_("Changes")],
            bars: spans.map(({ from, members }) => {
                const time = showMoment(from * 1000);
                return { title: `${time}: ${count("$0 change", "$0 changes", members.length)}`, time, parts: [{ kind: "all", number: members.length }] };
            }),
            onOpen: index => this.#scrollTo(spans[index].members[0]),
        }), h("div", { class: "ends note" }, h("span", {}, showMoment(revisions.at(-1).time)), h("span", {}, showMoment(revisions[0].time))));
    }

    #scrollTo(revision) {
        if (revision)
            this.list.children[this.revisions.indexOf(revision)]?.scrollIntoView({ block: "start" });
    }

    #draw(revision) {
        const { revision: number, time, uid, user, program, comment, changes } = revision;
        const who = user ?? this.context.users.show(uid);
        return h("li", { class: "revision card" },
                 h("div", { class: "revision-head" },
                   h("strong", {}, format("Revision $0", number)), h("span", {}, showMoment(time)),
                   h("span", {}, program ? format("$0 with $1", who, program.split("/").pop()) : who), comment ? h("bdi", { class: "comment" }, comment) : null),
                 drawChanges(changes, revision["changes-left"]),
                 h("div", { class: "toolbar" },
                   button(_("Undo this"), () => this.#plan(_("Undo this"), how => this.registry.undo(number, how))),
                   button(_("Go back to here"), () => this.#plan(_("Go back to here"), how => this.registry.rollback(this.path, number, how))),
                   button(_("Compare with now"), () => this.#compare(number))));
    }

    // First what would be done, then the one button that does it, or puts it on trial.
    #plan(title, run) {
        return this.chart.try(async () => {
            const would = await run({ dryRun: true });
            const minutes = minutesField();
            const content = would.length === 0 ? h("p", {}, _("Nothing would change."))
                : [h("p", {}, count("$0 change would be made:", "$0 changes would be made:", would.length)), drawPlan(would), minutes.element];
            openDialog({ title, content, actions: would.length === 0 ? []
                : [{ text: title, run: () => run({}) }, { text: _("On trial"), run: () => run({ trial: minutes.readSeconds() }) }] });
        });
    }

    #compare(number) {
        return this.chart.try(async () => {
            const told = await this.context.commands.compare(this.path, number);
            tell(format("Revision $0 and now", number), told === "" ? h("p", {}, _("Nothing differs.")) : drawDifference(told));
        });
    }

    #take(news) {
        if (news === GONE || this.path === "" || !this.element.isConnected || this.#clock !== null)
            return;
        const isHere = news === EVERYTHING || news.some(({ key }) => isAtOrBelow(key, this.resolved) || isAtOrBelow(this.resolved, key));
        if (isHere)
            this.#clock = setTimeout(() => {
                this.#clock = null;
                this.#read();
            }, GATHER);
    }
}
