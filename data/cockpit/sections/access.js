// SPDX-License-Identifier: MIT
// The section Access: the list that decides about the open key, where it comes from, and what a named user may do.
import { h, button } from "../base/dom.js";
import { isAtOrBelow, same, shorten, toRoute } from "../base/path.js";
import { _, format } from "../base/text.js";
import { EVERYTHING } from "../bus/live.js";
import { Card } from "../parts/card.js";
import { field, minutesField, openDialog } from "../parts/dialog.js";

const LEVELS = ["none", "read", "write", "control"];
const CHANGES = ["acl-changed", "key-created", "key-deleted"]; // that may change which list decides

export class AccessSection {
    #turn = 0; // which reading is the newest: an older one's answer is dropped
    #rightsHere = null;

    constructor(context) {
        this.context = context;
        this.registry = context.registry;
        this.path = "";
        this.entries = null; // those of the open key, once they are read
        this.origin = h("p", { class: "note" });
        this.rows = h("tbody", {});
        this.edit = button(_("Edit"), () => this.#edit());
        this.list = new Card(_("Who may do what"), this.origin,
                             h("table", { "aria-label": _("Who may do what") },
                               h("thead", {}, h("tr", {}, h("th", { scope: "col" }, _("Who")), h("th", { scope: "col" }, _("Level")))), this.rows),
                             h("div", { class: "toolbar" }, this.edit));
        this.user = h("input", { type: "text", spellcheck: "false" });
        this.level = h("p", { role: "status" });
        this.rights = new Card(_("Effective rights of a user"), h("form", { class: "inline", onsubmit: event => {
            event.preventDefault();
            this.#check();
        } }, field(_("User"), this.user), h("button", { type: "submit" }, _("Show rights"))), this.level,
                               h("p", { class: "note" }, _("A name, or group:NAME, or everyone. A user's groups count.")));
        this.element = h("div", { class: "cards" }, this.list.element, this.rights.element);
        context.live.listen(news => this.#take(news));
    }

    async show(path) {
        if (path !== this.path) {
            this.path = path;
            this.resolved = undefined;
            this.#rightsHere = null;
            this.#clear();
        }
        this.level.textContent = "";
        this.rights.refuse("");
        await Promise.all([this.#read(), this.#learn()]);
    }

    async #learn() {
        const { path } = this;
        const rights = await this.context.rights.at(path);
        if (path === this.path) {
            this.#rightsHere = rights;
            this.#allow();
        }
    }

    // Only a list that was read is edited: Save replaces the whole list.
    #allow() {
        this.#rightsHere?.allow("control", this.edit);
        this.edit.disabled ||= this.entries === null;
    }

    #clear() {
        this.entries = null;
        this.origin.replaceChildren();
        this.rows.replaceChildren();
        this.#allow();
    }

    async #read() {
        const turn = ++this.#turn;
        const { path } = this;
        const isWanted = () => turn === this.#turn;
        const isRead = await this.list.try(async () => {
            const [acl, resolved] = await Promise.all([this.registry.getAcl(path), this.registry.resolve(path)]);
            if (isWanted())
                this.#set(acl, resolved);
        }, isWanted);
        if (!isRead && isWanted())
            this.#clear();
    }

    #set({ origin, entries }, resolved) {
        this.entries = entries;
        this.resolved = resolved;
        this.#allow();
        const isOwn = same(origin, resolved);
        this.origin.replaceChildren(...(isOwn ? [_("This key has a list of its own.")]
            : [_("Inherited from"), " ", h("a", { href: toRoute("access", origin) }, h("bdi", {}, shorten(origin)))]));
        this.rows.replaceChildren(...entries.map(([principal, level]) => h("tr", {}, h("td", {}, h("bdi", {}, principal)), h("td", {}, level))));
    }

    #check() {
        const { path } = this;
        const isWanted = () => path === this.path;
        const typed = this.user.value.trim();
        const principal = typed.includes(":") || typed === "everyone" ? typed : `user:${typed}`;
        return this.rights.try(async () => {
            this.level.textContent = "";
            const level = await this.registry.checkAccess(path, principal);
            if (isWanted())
                this.level.textContent = format("$0 has the level $1 here.", principal, level);
        }, isWanted);
    }

    #edit() {
        const { path } = this;
        const area = h("textarea", { rows: 8, spellcheck: "false", class: "mono" });
        area.value = showEntries(this.entries, "\n");
        const minutes = minutesField();
        const note = format("One entry a line: user:NAME, group:NAME or everyone, then = and one of $0. Nothing: what stands above decides.", LEVELS.join(", "));
        let seen = this.entries; // by the reader
        const save = async trial => {
            const entries = readEntries(area.value);
            const { entries: present } = await this.registry.getAcl(path);
            if (showEntries(present) !== showEntries(seen)) {
                seen = present;
                throw new Error(format("Somebody has changed this list meanwhile: it is $0 now. Save again to replace it.", showEntries(present)));
            }
            await this.registry.setAcl(path, entries, { trial });
        };
        openDialog({ title: format("Access to $0", shorten(path)), content: [field(_("Entries"), area, note), minutes.element],
                     actions: [{ text: _("Save"), run: () => save() }, { text: _("Save on trial"), run: () => save(minutes.readSeconds()) }] });
    }

    #take(news) {
        if (!this.element.isConnected || this.path === "")
            return;
        const isHere = news === EVERYTHING
            || (Array.isArray(news) && news.some(({ kind, key }) => CHANGES.includes(kind) && isAtOrBelow(this.resolved ?? this.path, key)));
        if (isHere)
            this.#read();
    }
}

const showEntries = (entries, between = ", ") => entries.map(([principal, level]) => `${principal}=${level}`).join(between);

// "user:ann=write" lines to entries. Throws what is wrong with the first that is none. Pure.
export function readEntries(text) {
    return text.split("\n").map(line => line.trim()).filter(line => line !== "").map(line => {
        const at = line.lastIndexOf("=");
        const [principal, level] = [line.slice(0, at).trim(), line.slice(at + 1).trim()];
        if (at < 1 || !LEVELS.includes(level))
            throw new Error(format("\"$0\" is no entry: write user:NAME=$1, for example.", line, "read"));
        return [principal, level];
    });
}
