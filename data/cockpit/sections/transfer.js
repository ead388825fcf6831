// SPDX-License-Identifier: MIT
// The section Import and export: a file's difference first, then applied, on trial if wanted; and the open key as a file.
import { h, button } from "../base/dom.js";
import { leafOf, shorten } from "../base/path.js";
import { _, format } from "../base/text.js";
import { field, minutesField } from "../parts/dialog.js";

export class TransferSection {
    constructor(context) {
        this.context = context;
        this.commands = context.commands;
        this.bytes = null;
        this.file = h("input", { type: "file", accept: ".reg,.txt,.dat,.hiv" });
        this.file.addEventListener("change", () => this.#try(this.file.files[0]));
        this.difference = h("pre", {});
        this.region = h("section", { "aria-label": _("Difference"), role: "region", class: "difference", tabindex: 0 }, this.difference);
        this.minutes = minutesField();
        this.apply = button(_("Apply"), () => this.#apply(), { class: "primary", disabled: true });
        this.applyOnTrial = button(_("Apply on trial"), () => this.#apply(true), { disabled: true });
        this.where = h("p", { class: "note" });
        this.element = h("div", { class: "pane", ondragover: event => event.preventDefault(), ondrop: event => {
            event.preventDefault();
            this.#try(event.dataTransfer.files[0]);
        } },
                         h("h2", {}, _("Import")),
                         field(_("File"), this.file, _("A .reg file, or a hive. It may be dropped here.")),
                         this.region, this.minutes.element, h("div", { class: "toolbar" }, this.apply, this.applyOnTrial),
                         h("h2", {}, _("Export")), this.where, button(_("Export"), () => this.#export()));
    }

    show(path) {
        this.path = path || "HKEY_LOCAL_MACHINE";
        this.where.textContent = shorten(this.path);
    }

    #allow(isAllowed) {
        this.apply.disabled = !isAllowed;
        this.applyOnTrial.disabled = !isAllowed;
    }

    async #try(file) {
        this.#allow(false);
        if (!file)
            return;
        try {
            this.bytes = new Uint8Array(await file.arrayBuffer());
            this.difference.textContent = await this.commands.tryImport(this.bytes) || _("Nothing would change.");
            this.#allow(true);
        } catch (error) {
            this.bytes = null;
            this.difference.textContent = error.message;
        }
    }

    async #apply(isTrial = false) {
        this.#allow(false);
        try {
            const said = await this.commands.applyImport(this.bytes, isTrial ? this.minutes.readSeconds() : undefined);
            this.difference.textContent = said || _("Done.");
        } catch (error) {
            this.difference.textContent = error.message;
            this.#allow(true);
        }
    }

    async #export() {
        try {
            const text = await this.commands.export(this.path);
            const link = h("a", { href: URL.createObjectURL(new Blob([text], { type: "text/plain" })),
                                  download: format("$0.reg", leafOf(this.path)) });
            link.click();
            URL.revokeObjectURL(link.href);
        } catch (error) {
            this.context.complain(error.message);
        }
    }
}
