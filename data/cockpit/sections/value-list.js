// SPDX-License-Identifier: MIT
// The values of one key: a grid with who set each, and when; the buttons that change them.
import { h, button } from "../base/dom.js";
import { same, shorten } from "../base/path.js";
import { _, format } from "../base/text.js";
import { nameOfType, show } from "../base/value.js";
import { show as showMoment, showAge } from "../base/when.js";
import { EVERYTHING, GONE } from "../bus/live.js";
import { ERROR } from "../bus/registry.js";
import { nameOf } from "../parts/change-view.js";
import { ask } from "../parts/question.js";
import { Rows } from "../parts/rows.js";
import { describeMissing } from "./described.js";
import { editValue, newValue } from "./value-form.js";

const COLUMNS = [["name", _("Name")], ["type", _("Type")], ["data", _("Data")], ["who", _("Set by")], ["when", _("When")]];

export class ValueList {
    #turn = 0; // which reading is the newest: an older one's answer is dropped
    #words = ""; // what is looked for

    constructor(context) {
        this.context = context;
        this.registry = context.registry;
        this.path = "";
        this.resolved = "";
        this.all = []; // the values that are there, then those that a schema describes besides
        this.values = []; // those of them that are shown
        this.scroller = h("div", { role: "rowgroup", class: "rows values-body" });
        this.grid = h("div", { role: "grid", "aria-label": _("Values"), tabindex: 0, class: "values" },
                      h("div", { role: "rowgroup" }, h("div", { role: "row", class: "row head" },
                                                        COLUMNS.map(([kind, name]) => h("div", { role: "columnheader", class: `cell ${kind}` }, name)))),
                      this.scroller);
        this.note = h("p", { class: "note" });
        this.refusal = h("div", { role: "alert", class: "refusal", hidden: true });
        this.edit = button(_("Edit"), () => this.#edit(this.rows.chosen));
        this.remove = button(_("Delete"), () => this.#delete());
        this.add = button(_("New value"), () => newValue(context, this.path), { class: "primary" });
        this.rows = new Rows(this.scroller, this.grid, {
            draw: index => this.#drawValue(this.values[index], index),
            nameAt: index => this.values[index].name,
            onChoose: () => this.#allow(),
            onKey: key => this.#press(key),
            onOpen: index => this.#edit(index),
        });
        this.element = h("div", { class: "pane values-pane" },
                         h("div", { class: "toolbar" }, this.add, this.edit, this.remove), this.note, this.refusal, this.grid);
        context.live.listen(news => this.#take(news));
    }

    async show(path) {
        if (path !== this.path) {
            this.rows.mark(-1);
            this.rights = null;
        }
        this.path = path;
        await this.#read();
    }

    // Shows only the values with these words in their name or data.
    filter(words) {
        this.#words = words.toUpperCase();
        this.#sift();
    }

    async #read() {
        const turn = ++this.#turn;
        const { path } = this;
        const isWanted = () => turn === this.#turn;
        try {
            const [values, about, resolved, rights] = await Promise.all([
                this.#readValues(path, isWanted), this.registry.describe(path).catch(() => ({})),
                this.registry.resolve(path), this.context.rights.at(path)]);
            if (!isWanted())
                return;
            Object.assign(this, { resolved, rights });
            const isThere = values !== null;
            const note = isThere ? about.summary ?? "" : _("There is no such key yet. A value makes it.");
            this.#set(values ?? [], note);
            const missing = await describeMissing(this.registry, path, about, values ?? []);
            if (isWanted() && missing.length > 0)
                this.#set([...values ?? [], ...missing], note);
        } catch (error) {
            if (isWanted())
                this.#fail(path, error);
        }
    }

    // null: there is no such key.
    #readValues(path, isWanted) {
        return this.registry.listValues(path, isWanted).catch(error => {
            if (error.name === ERROR.noKey)
                return null;
            throw error;
        });
    }

    #fail(path, error) {
        this.resolved = path;
        this.#set([], "");
        this.refusal.textContent = error.message;
        this.refusal.hidden = false;
    }

    #set(values, note) {
        this.all = values;
        this.refusal.hidden = true;
        this.note.textContent = note;
        this.#sift();
    }

    #sift() {
        const chosen = this.values[this.rows.chosen]?.name;
        const has = text => text.toUpperCase().includes(this.#words);
        this.values = this.#words === "" ? this.all
            : this.all.filter(({ name, type, data }) => has(nameOf(name)) || (data && has(show(type, data))));
        this.grid.setAttribute("aria-rowcount", String(this.values.length + 1));
        this.rows.refresh(this.values.length);
        this.rows.mark(chosen === undefined ? -1 : this.values.findIndex(({ name }) => same(name, chosen)));
        this.#allow();
    }

    #allow() {
        this.rights?.allow("write", this.add, this.edit, this.remove);
        const value = this.values[this.rows.chosen];
        this.edit.disabled ||= value === undefined;
        this.remove.disabled ||= value === undefined || !value.isStored;
    }

    #badges(value) {
        const badges = [
            value.isSecret && [_("secret")],
            !value.isStored && (value.isRequired ? [_("required and missing"), "bad"] : [_("default")]),
            value.problem && [_("breaks a rule"), "bad", value.problem],
            value.locked && [_("locked"), "", value.locked],
            value["declared-by"] && [_("declared"), "", format("Declared by $0", value["declared-by"].join(", "))],
        ].filter(Boolean);
        return badges.map(([text, kind = "", title = null]) => h("span", { class: `badge ${kind}`, title }, text));
    }

    #drawValue(value, index) {
        const { name, type, data, origin } = value;
        const shown = value.isSecret ? _("(secret)") : data === undefined ? "" : show(type, data);
        const cells = {
            name: h("bdi", {}, nameOf(name)),
            type: type === undefined ? "" : nameOfType(type),
            data: [this.#badges(value), h("bdi", {}, shown)],
            who: origin ? h("span", { title: [origin.program, origin.comment].filter(Boolean).join(", ") }, this.context.users.show(origin.uid)) : "",
            when: origin ? h("span", { title: showMoment(origin.time) }, showAge(origin.time, this.context.clock.now())) : "",
        };
        return h("div", { role: "row", class: value.isStored ? "row" : "row unset", "aria-label": nameOf(name), "aria-rowindex": index + 2 },
                 COLUMNS.map(([kind]) => h("div", { role: "gridcell", class: `cell ${kind}` }, cells[kind])));
    }

    #press(key) {
        if (key !== "Delete" || this.remove.disabled)
            return false;
        this.#delete();
        return true;
    }

    #edit(index) {
        const value = this.values[index];
        if (value && !this.edit.disabled)
            editValue(this.context, this.path, value);
    }

    async #delete() {
        const { path, values, rows } = this;
        const { name } = values[rows.chosen];
        const content = h("p", {}, format("$0 of $1. History keeps what it was.", nameOf(name), shorten(path)));
        await ask({ title: format("Delete $0", nameOf(name)), text: _("Delete"), content,
                    run: () => this.registry.commit([["delete-value", path, name]]) });
    }

    async #take(news) {
        if (news === GONE || this.path === "")
            return;
        const isWhole = news === EVERYTHING;
        const here = isWhole ? [] : news.filter(({ key }) => same(key, this.resolved));
        const isGone = !isWhole && news.some(({ kind, key }) => kind === "key-deleted" && same(key, this.resolved));
        if (!isWhole && here.length === 0 && !isGone)
            return;
        await this.#read();
        for (const { name } of here) {
            const index = this.values.findIndex(value => same(value.name, name));
            if (index >= 0)
                this.rows.flash(index);
        }
    }
}

