// SPDX-License-Identifier: MIT
// The values of one key: a grid with who set each, and when; the buttons that change them.
import { h, button } from "../base/dom.js";
import { once } from "../base/once.js";
import { same, shorten } from "../base/path.js";
import { _, format } from "../base/text.js";
import { nameOfType, show } from "../base/value.js";
import { show as showMoment, showAge } from "../base/when.js";
import { EVERYTHING, GONE } from "../bus/live.js";
import { ERROR } from "../bus/registry.js";
import { nameOf } from "../parts/change-view.js";
import { Grid } from "../parts/grid.js";
import { ask } from "../parts/question.js";
import { describeMissing } from "./described.js";
import { editValue, newValue } from "./value-form.js";

export class ValueList {
    #turn = 0; // which reading is the newest: an older one's answer is dropped
    #words = ""; // what is looked for
    #fresh = new Set(); // the names of values that have just changed
    #isShown = false; // all rows of the open key are there
    #wanted = null; // a value that is to be chosen: { path, name }
    #readAgain = once(() => this.#read());

    constructor(context) {
        this.context = context;
        this.registry = context.registry;
        this.path = "";
        this.resolved = "";
        this.all = []; // the values that are there, then those that a schema describes besides
        this.grid = new Grid({
            name: _("Values"),
            nameOf: value => nameOf(value.name),
            keyOf: value => value.name.toUpperCase(),
            classOf: value => (value.isStored ? "" : "unset"),
            columns: [
                { kind: "name", title: _("Name"), draw: value => h("bdi", {}, nameOf(value.name)) },
                { kind: "type", title: _("Type"), draw: value => (value.type === undefined ? "" : nameOfType(value.type)) },
                { kind: "data", title: _("Data"), draw: value => [drawBadges(value), h("bdi", {}, showData(value))] },
                { kind: "who", title: _("Set by"), draw: value => this.#drawWho(value) },
                { kind: "when", title: _("When"), draw: value => this.#drawWhen(value) },
            ],
            onChoose: () => this.#allow(),
            onKey: key => this.#press(key),
            onOpen: () => this.#edit(),
        });
        this.note = h("p", { class: "note" });
        this.refusal = h("div", { role: "alert", class: "refusal", hidden: true });
        this.edit = button(_("Edit"), () => this.#edit());
        this.remove = button(_("Delete"), () => this.#delete());
        this.add = button(_("New value"), () => newValue(context, this.path), { class: "primary" });
        this.toolbar = h("div", { class: "toolbar" }, this.add, this.edit, this.remove);
        this.element = h("div", { class: "pane values-pane" },
                         this.toolbar, this.note, this.refusal, this.grid.element);
        context.live.listen(news => this.#take(news));
    }

    async show(path) {
        if (path !== this.path) {
            this.grid.forget();
            this.rights = null;
            this.#isShown = false;
        }
        if (this.#wanted && !same(this.#wanted.path, path))
            this.#wanted = null;
        this.path = path;
        await this.#read();
    }

    // Chooses the value as soon as it is shown; without a name, none.
    want(path, name) {
        this.#wanted = name === undefined ? null : { path, name };
        this.#chooseWanted();
    }

    #chooseWanted() {
        const wanted = this.#wanted;
        if (wanted && same(wanted.path, this.path) && this.grid.choose(wanted.name.toUpperCase()))
            this.#wanted = null;
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
            // Of a key that is shown already, no row goes and comes again.
            if (!this.#isShown)
                this.#set(values ?? [], note);
            const missing = await describeMissing(this.registry, path, about, values ?? []);
            if (!isWanted())
                return;
            this.#set([...values ?? [], ...missing], note);
            this.#isShown = true;
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
        this.#refuse(error);
    }

    #refuse(error) {
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
        const has = text => text.toUpperCase().includes(this.#words);
        this.grid.set(this.#words === "" ? this.all : this.all.filter(value => has(nameOf(value.name)) || has(showData(value))));
        this.#allow();
        this.#chooseWanted();
    }

    #allow() {
        this.rights?.allow("write", this.add, this.edit, this.remove);
        const { chosen } = this.grid;
        this.edit.disabled ||= chosen === undefined;
        this.remove.disabled ||= chosen === undefined || !chosen.isStored;
    }

    #drawWho({ origin }) {
        if (origin === undefined)
            return "";
        return h("span", { title: [origin.program, origin.comment].filter(Boolean).join(", ") }, origin.user ?? this.context.users.show(origin.uid));
    }

    #drawWhen({ origin }) {
        return origin === undefined ? "" : h("span", { title: showMoment(origin.time) }, showAge(origin.time, this.context.clock.now()));
    }

    #press(key) {
        if (key !== "Delete" || this.remove.disabled)
            return false;
        this.#delete();
        return true;
    }

    #edit() {
        if (!this.edit.disabled)
            editValue(this.context, this.path, this.grid.chosen).catch(error => this.#refuse(error));
    }

    async #delete() {
        const { path, grid: { chosen: { name } } } = this;
        const content = h("p", {}, format("$0 of $1. History keeps what it was.", nameOf(name), shorten(path)));
        await ask({ title: format("Delete $0", nameOf(name)), text: _("Delete"), content,
                    run: () => this.registry.commit([["delete-value", path, name]]) });
    }

    async #take(news) {
        if (news === GONE || this.path === "" || !this.element.isConnected)
            return;
        const isWhole = news === EVERYTHING;
        const here = isWhole ? [] : news.filter(({ key }) => same(key, this.resolved));
        const isGone = !isWhole && news.some(({ kind, key }) => kind === "key-deleted" && same(key, this.resolved));
        if (!isWhole && here.length === 0 && !isGone)
            return;
        here.forEach(({ name }) => this.#fresh.add(name.toUpperCase()));
        await this.#readAgain();
        this.grid.flash(({ name }) => this.#fresh.has(name.toUpperCase()));
        this.#fresh.clear();
    }
}

function showData(value) {
    if (value.isSecret)
        return _("(secret)");
    return value.data === undefined ? "" : show(value.type, value.data);
}

function drawBadges(value) {
    const badges = [
        value.isSecret && [_("secret")],
        !value.isStored && (value.isRequired ? [_("required and missing"), "bad"] : [value.data === undefined ? _("not set") : _("default")]),
        value.problem && [_("breaks a rule"), "bad", value.problem],
        value.locked && [_("locked"), "", value.locked],
        value["declared-by"] && [_("declared"), "", format("Declared by $0", value["declared-by"].join(", "))],
    ].filter(Boolean);
    return badges.map(([text, kind = "", title = null]) => h("span", { class: `badge ${kind}`, title }, text));
}
