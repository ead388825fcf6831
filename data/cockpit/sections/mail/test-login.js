// SPDX-License-Identifier: MIT
// A login that is tried, with each of its steps. The password is forgotten as soon as it is sent.
import { h, singly } from "../../base/dom.js";
import { _, format } from "../../base/text.js";
import { Card } from "../../parts/card.js";
import { field } from "../../parts/dialog.js";

export class TestCard extends Card {
    constructor(context) {
        super(_("Test a login"));
        this.context = context;
        this.user = h("input", { type: "text", spellcheck: "false", autocomplete: "off" });
        this.password = h("input", { type: "password", autocomplete: "off" });
        this.protocol = h("select", {}, h("option", { value: "pop3" }, "POP3"), h("option", { value: "imap" }, "IMAP"));
        this.answer = h("div", { role: "status" });
        const test = singly(() => this.#test());
        this.body.append(h("form", { class: "inline", onsubmit: event => {
            event.preventDefault();
            test();
        } }, field(_("User"), this.user), field(_("Password"), this.password), field(_("Protocol"), this.protocol),
                           h("button", { type: "submit" }, _("Test"))), this.answer);
    }

    read() {}

    #test() {
        const password = this.password.value;
        this.password.value = "";
        this.answer.replaceChildren();
        return this.try(async () => {
            const { reason, steps } = await this.context.mail.test(this.user.value, this.protocol.value, password);
            const isGood = reason === "ok";
            this.answer.replaceChildren(h("p", {}, h("span", { class: `badge ${isGood ? "good" : "bad"}` }, reason),
                                          isGood ? _("The login works.") : format("The login is refused: $0.", reason)),
                                        h("ol", {}, steps.map(step => h("li", {}, step))));
        });
    }
}
