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
import { minutesField, openDialog, stayHere, tell } from "../parts/dialog.js";
import { List } from "../parts/list.js";

const PAGE = 100;
const BARS = 60;
const GATHER = 200; // ms: many changes are read at once

// Those of @shown that are older than all of @newest; none if revisions between the two were never read. Both
// are newest first. Pure.
export function pickOlder(newest, shown) {
    const { revision: oldest } = newest.at(-1);
    const isGap = shown.length > 0 && shown[0].revision < oldest;
    return isGap ? [] : shown.filter(({ revision }) => revision < oldest);
}

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
        this.drawn = new List(this.list, revision => this.#draw(revision));
        this.more = button(_("Older"), () => this.#readMore(), { hidden: true });
        this.element = h("div", { class: "cards" }, this.chart.element, this.list, h("div", {}, this.more));
        context.live.listen(news => this.#take(news));
    }

    async show(path) {
        if (path !== this.path)
            this.#set([], false); // nothing of one key is shown, and acted upon, as another's
        this.path = this.resolved = path; // changes may come before the answer does
        const resolved = await this.registry.resolve(path);
        if (path !== this.path)
            return;
        this.resolved = resolved;
        await this.#read();
    }

    #read() {
        const turn = ++this.#turn;
        const { path } = this;
        const isWanted = () => turn === this.#turn;
        return this.chart.try(async () => {
            const revisions = await this.registry.getHistory(path, { limit: PAGE });
            if (isWanted())
                this.#merge(revisions);
        }, isWanted);
    }

    #merge(revisions) {
        const isWhole = revisions.length < PAGE;
        const older = isWhole ? [] : pickOlder(revisions, this.revisions);
        this.#set([...revisions, ...older], older.length > 0 ? !this.more.hidden : !isWhole);
    }

    // What is read anew meanwhile changes nothing, as long as the oldest stays the same.
    async #readMore() {
        const { path } = this;
        const before = this.revisions.at(-1)?.revision;
        const isWanted = () => path === this.path && before === this.revisions.at(-1)?.revision;
        await this.chart.try(async () => {
            const older = await this.registry.getHistory(path, { limit: PAGE, before });
            if (isWanted())
                this.#set([...this.revisions, ...older], older.length === PAGE);
        }, isWanted);
    }

    #set(revisions, hasMore) {
        this.more.hidden = !hasMore;
        this.revisions = revisions;
        this.drawn.show(revisions);
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
        const { path } = this;
        const { revision: number, time, uid, user, program, comment, changes } = revision;
        const who = user ?? this.context.users.show(uid);
        return h("li", { class: "revision card" },
                 h("div", { class: "revision-head" },
                   h("strong", {}, format("Revision $0", number)), h("span", {}, showMoment(time)),
                   h("span", {}, program ? format("$0 with $1", who, program.split("/").pop()) : who), comment ? h("bdi", { class: "comment" }, comment) : null),
                 drawChanges(changes, revision["changes-left"]),
                 h("div", { class: "toolbar" },
                   button(_("Undo this"), () => this.#plan(_("Undo this"), how => this.registry.undo(number, how))),
                   button(_("Go back to here"), () => this.#plan(_("Go back to here"), how => this.registry.rollback(path, number, how))),
                   button(_("Compare with now"), () => this.#compare(path, number))));
    }

    // First what would be done, then the one button that does it, or puts it on trial.
    #plan(title, run) {
        return this.#try(async isHere => {
            const would = await run({ dryRun: true });
            if (!isHere())
                return;
            const minutes = minutesField();
            const content = would.length === 0 ? h("p", {}, _("Nothing would change."))
                : [h("p", {}, count("$0 change would be made:", "$0 changes would be made:", would.length)), drawPlan(would), minutes.element];
            openDialog({ title, content, actions: would.length === 0 ? []
                : [{ text: title, run: () => run({}) }, { text: _("On trial"), run: () => run({ trial: minutes.readSeconds() }) }] });
        });
    }

    #compare(path, number) {
        return this.#try(async isHere => {
            const told = await this.context.commands.compare(path, number);
            if (isHere())
                tell(format("Revision $0 and now", number), told === "" ? h("p", {}, _("Nothing differs.")) : drawDifference(told));
        });
    }

    // Its refusal is told at the top of the page: the list may be scrolled far down.
    async #try(action) {
        const isHere = stayHere();
        try {
            this.context.complain("");
            await action(isHere);
        } catch (error) {
            if (isHere())
                this.context.complain(error.message);
        }
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
