// SPDX-License-Identifier: MIT
// The section Import and export: a file's difference first, then applied, on trial if wanted; and the open key as a file.
import { h, button } from "../base/dom.js";
import { leafOf, normalize, same, shorten } from "../base/path.js";
import { compareKey, decodeFile, parseRegFile } from "../base/reg-file.js";
import { _, format } from "../base/text.js";
import { ERROR } from "../bus/registry.js";
import { Card } from "../parts/card.js";
import { drawChanges } from "../parts/change-view.js";
import { field, minutesField } from "../parts/dialog.js";
import { ask } from "../parts/question.js";

const MOST_KEYS = 200; // whose difference is shown
const MOST_CHANGES = 1000; // that are shown of it
const LARGEST = 256 * 1024 * 1024; // bytes that regd takes

const COUNTS = [["keys-created", _("keys created")], ["keys-deleted", _("keys deleted")], ["values-set", _("values set")],
    ["values-deleted", _("values deleted")], ["values-unchanged", _("values unchanged")], ["lines-ignored", _("lines left out")]];

const isHive = bytes => String.fromCharCode(...bytes.subarray(0, 4)) === "regf";

export class TransferSection {
    #turn = 0;

    constructor(context) {
        this.context = context;
        this.bytes = null;
        this.file = h("input", { type: "file", accept: ".reg,.txt,.dat,.hiv,.hive", onchange: () => this.#try(this.file.files[0]) });
        this.difference = h("section", { "aria-label": _("Difference"), role: "region", class: "difference", tabindex: 0 },
                            h("p", { class: "note" }, _("What a file would change stands here before anything is done.")));
        this.minutes = minutesField();
        this.apply = button(_("Apply"), () => this.#ask(_("Apply")), { class: "primary" });
        this.applyOnTrial = button(_("Apply on trial"), () => this.#ask(_("Apply on trial"), true));
        this.where = h("p", {});
        this.import = new Card(_("Import"), field(_("File"), this.file, _("A .reg file, or a hive, which becomes the open key. It may be dropped here.")),
                               this.difference, this.minutes.element, h("div", { class: "toolbar" }, this.apply, this.applyOnTrial));
        this.export = new Card(_("Export"), this.where, h("div", { class: "toolbar" }, button(_("Export"), () => this.#export())));
        this.element = h("div", { class: "cards", ondragover: event => event.preventDefault(), ondrop: event => {
            event.preventDefault();
            this.#try(event.dataTransfer.files[0]);
        } }, this.import.element, this.export.element);
        this.#allow(false);
    }

    show(path) {
        this.path = path;
        // What a hive would change is another thing at another key.
        if (this.at !== undefined && !same(this.at, path))
            this.#try(this.chosen);
        this.where.replaceChildren(h("bdi", {}, shorten(path)), " ", _("and all below it, as a .reg file."));
    }

    #allow(isAllowed) {
        this.apply.disabled = !isAllowed;
        this.applyOnTrial.disabled = !isAllowed;
    }

    async #try(file) {
        const turn = ++this.#turn;
        const isWanted = () => turn === this.#turn; // no other file was chosen meanwhile
        this.#allow(false);
        this.difference.replaceChildren();
        Object.assign(this, { chosen: file, bytes: null, at: undefined });
        if (!file)
            return;
        await this.import.try(async () => {
            if (file.size > LARGEST)
                throw new Error(_("The file is larger than 256 MiB, which is the most that is imported."));
            const bytes = new Uint8Array(await file.arrayBuffer());
            if (!isWanted())
                return;
            const at = isHive(bytes) ? this.path : undefined;
            Object.assign(this, { bytes, at });
            const report = await this.context.commands.tryImport(bytes, at);
            const changes = at === undefined && isWanted() ? await this.#compare(bytes, isWanted) : [];
            if (!isWanted())
                return;
            this.#show(file.name, report, changes);
            this.#allow(report.changed);
        }, isWanted);
    }

    // As history would tell it: what each key of the file has now, and would have.
    async #compare(bytes, isWanted) {
        const keys = parseRegFile(decodeFile(bytes));
        const present = await Promise.all(keys.slice(0, MOST_KEYS).map(({ key }) => this.context.registry.listValues(normalize(key), isWanted).catch(error => {
            if (error.name === ERROR.noKey)
                return null;
            throw error;
        })));
        const changes = present.flatMap((values, index) => compareKey({ ...keys[index], key: normalize(keys[index].key) }, values));
        return keys.length > MOST_KEYS ? Object.assign(changes, { isCut: true }) : changes;
    }

    #show(name, report, changes) {
        const counts = COUNTS.filter(([word]) => report[word] > 0).map(([word, text]) => `${report[word]} ${text}`).join(", ");
        this.difference.replaceChildren(
            h("p", {}, h("strong", {}, h("bdi", {}, name)), ": ", report.changed ? counts : _("Nothing would change.")),
            drawChanges(changes.slice(0, MOST_CHANGES), changes.length - MOST_CHANGES), changes.isCut ? h("p", { class: "note" }, format("The difference of the first $0 keys is shown.", MOST_KEYS)) : "");
    }

    async #ask(title, isTrial = false) {
        const { bytes, at } = this;
        await this.import.try(async () => {
            const trial = isTrial ? this.minutes.readSeconds() : undefined;
            const content = h("p", {}, trial ? format("The file is applied, and undone in $0 minutes unless you keep it.", trial / 60) : _("The file is applied as one change."));
            const isDone = await ask({ title, content, run: () => this.context.commands.applyImport(bytes, { at, trial }) });
            if (isDone) {
                this.#allow(false);
                this.difference.prepend(h("p", { role: "status" }, h("span", { class: "badge good" }, _("applied"))));
            }
        });
    }

    async #export() {
        await this.export.try(async () => {
            const bytes = await this.context.commands.export(this.path);
            const link = h("a", { href: URL.createObjectURL(new Blob([bytes])), download: `${leafOf(this.path)}.reg` });
            link.click();
            URL.revokeObjectURL(link.href);
        });
    }
}
