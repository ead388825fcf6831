// SPDX-License-Identifier: MIT
// Who decides about logins now, and why; and the two articles' work: "Membership decides" and "Repair".
import { button, h } from "../../base/dom.js";
import { child } from "../../base/path.js";
import { _, count, format } from "../../base/text.js";
import { dateOf } from "../../base/when.js";
import { BROKERS, STORE } from "../../bus/mail.js";
import { Card } from "../../parts/card.js";
import { field, minutesField, openDialog, stayHere } from "../../parts/dialog.js";
import { ask } from "../../parts/question.js";

const SZ = 1;
const DAY = 86400000; // ms
const SOON = 21; // days

const badge = (isGood, text) => h("span", { class: `badge ${isGood ? "good" : "bad"}` }, text);

export class DecisionCard extends Card {
    constructor(context) {
        super(_("Decision"));
        this.context = context;
        this.facts = h("dl", {});
        this.native = button(_("Native accounts decide"), () => this.#chooseNative());
        this.membership = button(_("Membership decides"), () => this.#chooseMembership());
        this.repair = button(_("Repair"), () => this.#repair());
        this.body.append(this.facts, h("div", { class: "toolbar" }, this.membership, this.native, this.repair));
        context.rights.listen(() => this.#allow());
        this.#allow();
    }

    read({ status }) {
        return this.try(async () => this.#show(await status));
    }

    #show(status) {
        const isNative = status.package === "native";
        const isGood = status.decision === "ok";
        const facts = [
            [_("Passwords are proved by"), isNative ? format("native accounts ($0)", status.source) : format("the membership, broker $0", status.broker || _("none"))],
            [_("Because"), status.why],
            [_("A login now"), [badge(isGood, isGood ? _("can be decided") : status.decision), isGood ? null : _("is refused as a temporary failure.")]],
            [_("Accounts"), status.accounts],
            [_("Registry"), status.registry],
            [_("Listens on"), status.listeners.length > 0 ? h("ul", { class: "plain" }, status.listeners.map(text => h("li", {}, text))) : _("nothing")],
            [_("Certificates"), status.certificates.length > 0 ? status.certificates.map(each => this.#drawCertificate(each)) : _("none")],
            [_("Sandbox"), status.sandbox],
        ];
        this.native.hidden = isNative;
        this.facts.replaceChildren(...facts.filter(([, told]) => told !== undefined && told !== "").flatMap(
            ([name, told]) => [h("dt", {}, name), h("dd", {}, told)]));
    }

    #drawCertificate({ host, file, not_after: end, problem, doubt }) {
        const days = end ? Math.floor((dateOf(end * 1e6).getTime() - this.context.clock.now()) / DAY) : null;
        return h("div", {}, h("span", {}, host || file), " ",
                 days === null ? null : badge(days >= SOON, count("$0 day left", "$0 days left", days)), problem || doubt || "");
    }

    async #allow() {
        const rights = await this.context.rights.at(STORE);
        rights.allow("write", this.membership, this.native);
        rights.allow("control", this.repair);
    }

    async #chooseMembership() {
        const { registry } = this.context;
        const isHere = stayHere();
        const brokers = await registry.listKeys(BROKERS).catch(() => []);
        const kinds = await Promise.all(brokers.map(id => registry.findValue(child(BROKERS, id), "Type").catch(() => undefined)));
        if (!isHere())
            return;
        const broker = brokers.length > 0
            ? h("select", {}, brokers.map((id, index) => h("option", { value: id }, kinds[index]?.data ? `${id} (${kinds[index].data.v})` : id)))
            : h("input", { type: "text", role: "combobox", "aria-expanded": "false", inputmode: "numeric" });
        const minutes = minutesField();
        const note = brokers.length > 0 ? _("The instance that holds the members.") : _("No broker is set up yet. Type the ID of one that you will set up.");
        const save = trial => registry.commit([["set-value", STORE, "MBS Package", SZ, { t: "s", v: "MBS_BASIC" }],
                                               ["set-value", STORE, "MBS Broker", SZ, { t: "s", v: broker.value }]], { trial });
        openDialog({ title: _("Membership decides"), content: [field(_("Broker"), broker, note), minutes.element],
                     actions: [{ text: _("Save"), run: () => save() }, { text: _("Save on trial"), run: () => save(minutes.readSeconds()) }] });
    }

    #chooseNative() {
        const content = h("p", {}, _("Every login that starts from now on is proved by the native accounts. No session ends."));
        return ask({ title: _("Native accounts decide"), content,
                     run: () => this.context.registry.commit([["set-value", STORE, "MBS Package", SZ, { t: "s", v: "" }]]) });
    }

    #repair() {
        const content = h("p", {}, _("Makes the key of the accounts and gives the server its right to read them, where they are missing. No account is changed."));
        return ask({ title: _("Repair"), content, run: () => this.context.mail.repair() });
    }
}
