// SPDX-License-Identifier: MIT
// The section Access: the list that decides about the open key, where it comes from, and what a named user may do.
import { h, button } from "../base/dom.js";
import { same, shorten, toRoute } from "../base/path.js";
import { _, format } from "../base/text.js";
import { EVERYTHING } from "../bus/live.js";
import { field, minutesField, openDialog } from "../parts/dialog.js";

const LEVELS = ["none", "read", "write", "control"];

export class AccessSection {
    constructor(context) {
        this.context = context;
        this.registry = context.registry;
        this.path = "";
        this.origin = h("p", { class: "note" });
        this.rows = h("tbody", {});
        this.user = h("input", { type: "text", spellcheck: "false" });
        this.level = h("p", { role: "status" });
        const check = h("form", { class: "inline", onsubmit: event => { event.preventDefault(); this.#check(); } },
                        field(_("User"), this.user), h("button", { type: "submit" }, _("Show rights")), this.level);
        this.element = h("div", { class: "pane" }, this.origin,
                         h("table", { class: "plain" }, h("caption", {}, _("Who may do what")),
                           h("thead", {}, h("tr", {}, h("th", { scope: "col" }, _("Who")), h("th", { scope: "col" }, _("Level")))), this.rows),
                         h("div", { class: "toolbar" }, button(_("Edit"), () => this.#edit())),
                         h("h2", {}, _("Effective rights of a user")), check);
        context.live.listen(news => this.#take(news));
    }

    async show(path) {
        this.path = path || "HKEY_LOCAL_MACHINE";
        this.level.textContent = "";
        await this.#read();
    }

    async #read() {
        const path = this.path;
        try {
            const acl = await this.registry.getAcl(path);
            if (path === this.path)
                this.#set(acl);
        } catch (error) {
            this.rows.replaceChildren();
            this.origin.textContent = error.message;
        }
    }

    #set({ origin, entries }) {
        this.acl = { origin, entries };
        this.isOwn = same(origin, this.path);
        this.origin.replaceChildren(this.isOwn ? _("This key has a list of its own.")
            : h("span", {}, _("Inherited from "), h("a", { href: toRoute("access", origin) }, shorten(origin))));
        this.rows.replaceChildren(...entries.map(([principal, level]) => h("tr", {}, h("td", {}, principal), h("td", {}, level))));
    }

    async #check() {
        try {
            const name = this.user.value.includes(":") || this.user.value === "everyone" ? this.user.value : `user:${this.user.value}`;
            this.level.textContent = format("$0 has the level $1 here.", name, await this.registry.checkAccess(this.path, name));
        } catch (error) {
            this.level.textContent = error.message;
        }
    }

    #edit() {
        const area = h("textarea", { rows: 8, spellcheck: "false" });
        area.value = (this.acl?.entries ?? []).map(([principal, level]) => `${principal}=${level}`).join("\n");
        const minutes = minutesField();
        const note = format("One entry a line: user:NAME, group:NAME or everyone, then = and one of $0. Nothing: what stands above decides.",
                            LEVELS.join(", "));
        const save = trial => this.registry.setAcl(this.path, readEntries(area.value), { trial });
        openDialog({ title: format("Access to $0", shorten(this.path)), content: [field(_("Entries"), area, note), minutes.element],
                     actions: [{ text: _("Save"), run: () => save() },
                               { text: _("Save on trial"), run: () => save(minutes.readSeconds()) }] });
    }

    #take(news) {
        if (this.element.isConnected && (news === EVERYTHING || (Array.isArray(news) && news.some(({ kind }) => kind === "acl-changed"))))
            this.#read();
    }
}

// Pure: "user:ann=write" lines to entries. Throws what is wrong with the first that is none.
export function readEntries(text) {
    return text.split("\n").map(line => line.trim()).filter(line => line !== "").map(line => {
        const at = line.lastIndexOf("=");
        const [principal, level] = [line.slice(0, at).trim(), line.slice(at + 1).trim()];
        if (at < 1 || !LEVELS.includes(level))
            throw new Error(format("\"$0\" is no entry: write user:NAME=$1, for example.", line, "read"));
        return [principal, level];
    });
}
