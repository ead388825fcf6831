// SPDX-License-Identifier: MIT
// The accounts: native ones, and the members of an embedded broker. Passwords go to mailauthctl's standard
// input and are forgotten.
import { button, h } from "../../base/dom.js";
import { child } from "../../base/path.js";
import { _, format } from "../../base/text.js";
import { BROKERS } from "../../bus/mail.js";
import { setAllowed } from "../../bus/rights.js";
import { Card } from "../../parts/card.js";
import { field, openDialog } from "../../parts/dialog.js";
import { Grid } from "../../parts/grid.js";
import { ask } from "../../parts/question.js";
import { askAppPasswords } from "./app-passwords.js";

const ACCOUNTS = "HKEY_LOCAL_MACHINE\\SAM";

export class AccountsCard extends Card {
    constructor(context) {
        super(_("Accounts"));
        this.context = context;
        this.mail = context.mail;
        this.of = h("select", { onchange: () => this.#changeStore() }, h("option", { value: "" }, _("Native accounts")));
        this.grid = new Grid({
            name: _("Accounts"),
            nameOf: ({ user }) => user,
            columns: [
                { kind: "name", title: _("Name"), draw: ({ user }) => h("bdi", {}, user) },
                { kind: "state", title: _("State"), draw: ({ disabled }) => (disabled ? h("span", { class: "badge bad" }, _("disabled")) : _("enabled")) },
            ],
            onChoose: () => this.#allow(),
        });
        this.grid.element.classList.add("small");
        this.add = button(_("Add account"), () => this.#add(), { class: "primary" });
        this.password = button(_("Password"), () => this.#setPassword());
        this.apps = button(_("App passwords"), () => askAppPasswords(this.mail, this.grid.chosen.user));
        this.disable = button(_("Disable"), () => this.#do(this.grid.chosen.disabled ? "enable" : "disable"));
        this.remove = button(_("Remove"), () => this.#remove(), { class: "danger" });
        this.body.append(h("div", { class: "toolbar" }, field(_("Accounts of"), this.of), this.add, this.password, this.apps, this.disable, this.remove), this.grid.element);
        context.rights.listen(() => this.#learn());
        this.#learn();
    }

    async #learn() {
        this.rights = await this.context.rights.at(ACCOUNTS);
        this.#allow();
    }

    #allow() {
        this.rights?.allow("write", this.add, this.password, this.apps, this.disable, this.remove);
        const { chosen } = this.grid;
        if (chosen === undefined) {
            for (const each of [this.password, this.apps, this.disable, this.remove])
                if (!each.disabled)
                    setAllowed(each, _("Choose an account first."));
        }
        this.disable.textContent = chosen?.disabled ? _("Enable") : _("Disable");
        this.apps.hidden = this.of.value !== "";
    }

    // Logins change no account, and may come many a second.
    async read({ cause }) {
        if (cause === "events")
            return;
        await this.#offerBrokers();
        await this.#list();
    }

    async #offerBrokers() {
        const { registry } = this.context;
        const ids = await registry.listKeys(BROKERS).catch(() => []);
        const kinds = await Promise.all(ids.map(id => registry.findValue(child(BROKERS, id), "Type").catch(() => undefined)));
        const embedded = ids.filter((_id, index) => kinds[index]?.data?.v === "sqlite");
        const { value } = this.of;
        this.of.replaceChildren(h("option", { value: "" }, _("Native accounts")),
                                ...embedded.map(id => h("option", { value: id, selected: id === value }, format("Members of broker $0", id))));
        if (this.of.value !== value)
            this.#clear(); // the broker is gone
    }

    // Nothing of one store is shown, and acted upon, as the other's.
    #clear() {
        this.grid.set([]);
        this.#allow();
    }

    #changeStore() {
        this.#clear();
        return this.#list();
    }

    #list() {
        const store = this.of.value;
        const isWanted = () => store === this.of.value;
        return this.try(async () => {
            const accounts = await this.mail.listAccounts(store);
            if (!isWanted())
                return;
            this.grid.set(accounts);
            this.#allow();
        }, isWanted);
    }

    #add() {
        const name = h("input", { type: "text", spellcheck: "false", autocomplete: "off" });
        const password = h("input", { type: "password", autocomplete: "new-password" });
        openDialog({ title: _("Add account"), content: [field(_("Name"), name), field(_("Password"), password)], actions: [{
            text: _("Save"), run: async () => {
                await this.mail.change(this.of.value, "add", name.value, password.value);
                await this.#list();
            },
        }] });
    }

    #setPassword() {
        const { user } = this.grid.chosen;
        const password = h("input", { type: "password", autocomplete: "new-password" });
        openDialog({ title: format("Password of $0", user), content: field(_("Password"), password), actions: [
            { text: _("Save"), run: () => this.mail.change(this.of.value, "passwd", user, password.value) }] });
    }

    async #do(verb) {
        if (await this.try(() => this.mail.change(this.of.value, verb, this.grid.chosen.user)))
            await this.#list();
    }

    async #remove() {
        const { user } = this.grid.chosen;
        const content = h("p", {}, format("$0 can't log in any more, and its sessions end. Its mail stays.", user));
        if (await ask({ title: format("Remove $0", user), text: _("Remove"), content, run: () => this.mail.change(this.of.value, "remove", user) }))
            await this.#list();
    }
}
