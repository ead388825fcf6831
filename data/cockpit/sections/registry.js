// SPDX-License-Identifier: MIT
// The section Registry: the tree of keys at the left, the values of the chosen one at the right.
import { h, button } from "../base/dom.js";
import { once } from "../base/once.js";
import { ROOTS, child, isAtOrBelow, join, leafOf, parentOf, shorten, toRoute } from "../base/path.js";
import { _, format } from "../base/text.js";
import { TreeModel } from "../base/tree-model.js";
import { EVERYTHING, GONE } from "../bus/live.js";
import { openDialog, field } from "../parts/dialog.js";
import { ask } from "../parts/question.js";
import { Rows } from "../parts/rows.js";
import { Found } from "./found.js";
import { ValueList } from "./value-list.js";

const INDENT = 1.1; // rem a level
const NO_TYPE = 0xffffffff; // with expect-absent: the key is meant
const MANY = 256; // more news than that in one commit: reading again is quicker

export class RegistrySection {
    #openAgain = once(async () => {
        await Promise.all(this.tree.openPaths.map(path => this.#open(path)));
        this.#refresh();
    });

    constructor(context) {
        this.context = context;
        this.registry = context.registry;
        this.tree = new TreeModel([...ROOTS.values()]);
        this.path = "";
        this.holder = h("div", { role: "tree", "aria-label": _("Keys"), tabindex: 0, class: "rows tree" });
        this.rows = new Rows(this.holder, {
            draw: index => this.#drawKey(this.tree.rows[index]),
            nameAt: index => this.tree.rows[index].name,
            onChoose: (index, byKey) => this.#choose(this.tree.rows[index].path, byKey),
            onKey: (key, index) => this.#press(key, index),
            onOpen: index => this.#toggle(this.tree.rows[index]),
        });
        this.values = new ValueList(context);
        this.found = new Found(this.registry, place => this.#openFound(place));
        // It does not wait for the search, so that the next one can take its place.
        this.below = button(_("Find below"), () => { this.search(this.words); }, { hidden: true });
        this.values.toolbar.append(this.below);
        this.newKey = button(_("New key"), () => this.#askForKey());
        this.remove = button(_("Delete key"), () => this.#deleteKey());
        this.element = h("div", { class: "panes" },
                         h("div", { class: "pane keys" }, h("div", { class: "toolbar" }, this.newKey, this.remove), this.holder),
                         h("div", { class: "pane right" }, this.values.element, this.found.element));
        this.rows.refresh(this.tree.rows.length);
        context.live.listen(news => this.#take(news));
    }

    // Shows @path: opens what is above it.
    async show(path) {
        this.path = path;
        await Promise.all([this.#find(path), this.values.show(path), this.#allow()]);
    }

    // Marks @path in the tree.
    async #find(path) {
        await this.#openAbove(path);
        if (path === this.path)
            this.#refresh();
    }

    // Sifts the values of the open key at each letter; its branch is searched on demand.
    find(words) {
        this.words = words;
        this.below.hidden = words === "";
        this.values.filter(words);
    }

    search(words) {
        if (words !== "")
            return this.found.search(this.path, words);
        return undefined;
    }

    #openFound({ key, name }) {
        this.context.go(toRoute("registry", key));
        this.values.want(key, name);
    }

    async #openAbove(path) {
        const parts = path.split("\\");
        for (let length = 1; length < parts.length; length++) {
            const above = join(parts.slice(0, length));
            if (!this.tree.isOpen(above))
                await this.#open(above);
        }
    }

    async #allow() {
        const { path } = this;
        const rights = await this.context.rights.at(path);
        if (path === this.path)
            rights.allow("write", this.newKey, this.remove);
    }

    #refresh() {
        this.rows.refresh(this.tree.rows.length);
        this.rows.mark(this.tree.indexOf(this.path));
    }

    #drawKey(row) {
        const sign = h("span", { class: "twist", "aria-hidden": "true" }, row.isEmpty ? "" : row.isOpen ? "▾" : "▸");
        const element = h("div", { role: "treeitem", class: "row key", "aria-level": row.level, "aria-setsize": row.size,
                                   "aria-posinset": row.position, "aria-label": row.name,
                                   "aria-expanded": row.isEmpty ? null : String(row.isOpen) },
                          sign, h("bdi", { class: "name" }, row.name));
        element.style.paddingInlineStart = `${(row.level - 1) * INDENT}rem`;
        sign.addEventListener("click", event => {
            event.stopPropagation();
            this.#toggle(row);
        });
        return element;
    }

    #choose(path, byKey = false) {
        this.context.go(toRoute("registry", path), byKey);
    }

    async #open(path) {
        try {
            const [names, resolved] = await Promise.all([this.registry.listKeys(path), this.registry.resolve(path)]);
            this.tree.open(path, names, resolved);
        } catch {
            this.tree.open(path, []); // choosing the key tells why
        }
    }

    async #toggle(row) {
        if (row === undefined || row.isEmpty)
            return;
        if (row.isOpen)
            this.tree.close(row.path);
        else
            await this.#open(row.path);
        this.#refresh();
    }

    // As in a tree: Right opens and goes in, Left closes and goes out. True: it was one of those.
    #press(key, index) {
        const row = this.tree.rows[index];
        if (key === "Delete" && !this.remove.disabled) {
            this.#deleteKey();
            return true;
        }
        if (row === undefined || (key !== "ArrowRight" && key !== "ArrowLeft"))
            return false;
        if (key === "ArrowRight" && row.isOpen)
            this.rows.choose(index + 1, true);
        else if (key === "ArrowRight" || row.isOpen)
            this.#toggle(row);
        else if (row.level > 1)
            this.rows.choose(this.tree.indexOf(parentOf(row.path)), true);
        return true;
    }

    async #take(news) {
        if (news === GONE)
            return;
        if (news === EVERYTHING || news.length > MANY) {
            await this.#openAgain();
            return;
        }
        if (news.map(change => this.tree.take(change)).some(Boolean))
            this.#refresh();
    }

    #askForKey() {
        const { path } = this;
        const name = h("input", { type: "text", spellcheck: "false", required: true });
        openDialog({ title: _("New key"), content: field(_("Name"), name, format("Below $0.", shorten(path))), actions: [{
            text: _("Save"),
            run: async () => {
                const key = child(path, name.value);
                await this.registry.commit([["expect-absent", key, "", NO_TYPE], ["create-key", key]]);
                await this.#open(path);
                this.#choose(key);
            },
        }] });
    }

    async #deleteKey() {
        const { path } = this;
        const content = h("p", {}, format("$0, with all keys and values below it. History keeps what was there.", shorten(path)));
        const isDone = await ask({ title: format("Delete $0", leafOf(path)), text: _("Delete"), content,
                                   run: () => this.registry.commit([["delete-tree", path]]) });
        if (isDone && isAtOrBelow(this.path, path))
            this.#choose(parentOf(path));
    }
}
