// SPDX-License-Identifier: MIT
// The section History: what changed at and below the open key, newest first; undoing, and going back.
import { h, button } from "../base/dom.js";
import { isAtOrBelow, shorten } from "../base/path.js";
import { _, count, format } from "../base/text.js";
import { dateOf, show } from "../base/when.js";
import { EVERYTHING, GONE } from "../bus/live.js";
import { drawChanges } from "../parts/change-view.js";
import { drawChart, sortIntoSpans } from "../parts/chart.js";
import { ask } from "../parts/question.js";

const PAGE = 100;
const BARS = 60;

export class HistorySection {
    #turn = 0;

    constructor(context) {
        this.context = context;
        this.registry = context.registry;
        this.path = "";
        this.chart = h("div", {});
        this.list = h("ul", { "aria-label": _("Revisions"), class: "revisions" });
        this.more = button(_("Older"), () => this.#readMore(), { hidden: true });
        this.element = h("div", { class: "pane" }, this.chart, this.list, this.more);
        context.live.listen(news => this.#take(news));
    }

    async show(path) {
        this.path = path || "HKEY_LOCAL_MACHINE";
        await this.#read();
    }

    async #read() {
        const turn = ++this.#turn;
        try {
            const revisions = await this.registry.getHistory(this.path, { limit: PAGE });
            if (turn === this.#turn)
                this.#set(revisions);
        } catch (error) {
            this.context.complain(error.message);
        }
    }

    async #readMore() {
        const before = this.revisions.at(-1).revision;
        this.#set([...this.revisions, ...await this.registry.getHistory(this.path, { limit: PAGE, before })]);
    }

    #set(revisions) {
        this.more.hidden = revisions.length === 0 || revisions.length % PAGE !== 0;
        this.revisions = revisions;
        this.list.replaceChildren(...revisions.map(revision => this.#draw(revision)));
        this.#drawChart(revisions);
    }

    #drawChart(revisions) {
        if (revisions.length === 0) {
            this.chart.replaceChildren(h("p", { class: "note" }, _("Nothing has changed here, as far as history reaches.")));
            return;
        }
        const moment = revision => dateOf(revision.time).getTime();
        const [begin, end] = [moment(revisions.at(-1)), moment(revisions[0]) + 1];
        const spans = sortIntoSpans(revisions, moment, { begin, end, size: BARS });
        this.chart.replaceChildren(drawChart({
            name: _("Changes over time"),
            columns: [_("Changes")],
            bars: spans.map(({ from, members }) => ({ title: show(from * 1000), parts: [{ kind: "all", number: members.length }] })),
            onOpen: index => this.#scrollTo(spans[index].members[0]),
        }));
    }

    #scrollTo(revision) {
        if (revision)
            this.list.children[this.revisions.indexOf(revision)]?.scrollIntoView({ block: "start" });
    }

    #draw(revision) {
        const { revision: number, time, uid, program, comment, changes } = revision;
        const head = format("Revision $0, $1, by $2 with $3", number, show(time), this.context.users.show(uid), program || _("an unknown program"));
        return h("li", { class: "revision" },
                 h("div", { class: "revision-head" }, h("strong", {}, head), comment ? h("span", { class: "comment" }, comment) : null),
                 drawChanges(changes, revision["changes-left"]),
                 h("div", { class: "toolbar" },
                   button(_("Undo this"), () => this.#goBack(_("Undo this"), number - 1, changes)),
                   button(_("Go back to here"), () => this.#goBack(_("Go back to here"), number))));
    }

    // First what would be done, then the one button that does it. @changes: only their keys, not all of the branch.
    async #goBack(title, revision, changes) {
        const keys = changes ? topsOf(changes.map(({ key }) => key)) : [this.path];
        try {
            const would = (await Promise.all(keys.map(key => this.registry.rollback(key, revision, { dryRun: true })))).flat();
            const content = would.length === 0 ? h("p", {}, _("Nothing would change."))
                : [h("p", {}, count("$0 change would be made:", "$0 changes would be made:", would.length)),
                   h("ul", {}, would.slice(0, 200).map(({ kind, key, name }) => h("li", {}, format("$0 $1 $2", kind, shorten(key), name))))];
            await ask({ title, content, run: async () => {
                for (const key of keys)
                    await this.registry.rollback(key, revision, { comment: format("back to revision $0", revision) });
            } });
        } catch (error) {
            this.context.complain(error.message);
        }
    }

    async #take(news) {
        if (news === GONE || this.path === "" || !this.element.isConnected)
            return;
        if (news === EVERYTHING || news.some(({ key }) => isAtOrBelow(key, this.path) || isAtOrBelow(this.path, key)))
            await this.#read();
    }
}

// Those that are not below another. Pure.
export function topsOf(keys) {
    const sorted = [...new Set(keys)].sort((one, other) => one.length - other.length);
    return sorted.filter((key, index) => !sorted.slice(0, index).some(top => isAtOrBelow(key, top)));
}
