// SPDX-License-Identifier: MIT
// The app passwords of one account: each has a label; a new one is made by the server and shown once.
import { button, h } from "../../base/dom.js";
import { _, format } from "../../base/text.js";
import { field, openDialog } from "../../parts/dialog.js";

export async function askAppPasswords(mail, user) {
    const label = h("input", { type: "text", spellcheck: "false" });
    const list = h("ul", { class: "plain", "aria-label": _("App passwords") });
    const made = h("output", { class: "mono" });
    const dialog = openDialog({
        title: format("App passwords of $0", user),
        content: [list, field(_("Label"), label, _("For example the name of the program or device.")), made],
        actions: [{ text: _("Add"), run: async () => {
            const password = (await mail.addAppPassword(user, label.value)).trim();
            made.textContent = format("The new password, shown only now: $0", password);
            await read();
            return false;
        } }],
    });

    async function remove(each) {
        try {
            await mail.removeAppPassword(user, each);
            await read();
        } catch (error) {
            dialog.complain(error.message);
        }
    }

    async function read() {
        try {
            const labels = await mail.listAppPasswords(user);
            list.replaceChildren(...labels.map(each => h("li", {}, h("bdi", {}, each.label), " ",
                button(_("Remove"), () => remove(each.label), { "aria-label": format("Remove $0", each.label) }))));
        } catch (error) {
            dialog.complain(error.message);
        }
    }
    await read();
    await dialog.ended;
    made.textContent = "";
}
