// SPDX-License-Identifier: MIT
// The form of one value, new or there already, and its history below.
import { h } from "../base/dom.js";
import { same, shorten } from "../base/path.js";
import { _, format } from "../base/text.js";
import { TYPES, formOf, fromInput, isMalformed, nameOfType, show, toInput, toWire, typeOfName } from "../base/value.js";
import { ERROR } from "../bus/registry.js";
import { nameOf } from "../parts/change-view.js";
import { makeControl, noteOf } from "../parts/data-field.js";
import { field, minutesField, openDialog, stayHere } from "../parts/dialog.js";
import { drawValueHistory } from "./value-history.js";

const SZ = 1;
const OF_VALUES = ["value-set", "value-deleted"]; // all other news are of keys, with the name of the default value

class ValueForm {
    #isSaving = false;

    // @value: a row of the grid; undefined for a new value.
    constructor(context, path, value) {
        Object.assign(this, { context, path, registry: context.registry });
        this.isNew = value === undefined;
        this.known = value; // what the reader believes to be there
        this.about = {};
        this.isSecret = Boolean(value?.isSecret);
        this.name = h("input", { type: "text", spellcheck: "false", autocomplete: "off", onchange: () => { this.described = this.#describe(); } });
        this.name.value = value?.name ?? "";
        this.type = h("select", { onchange: () => this.#drawData(this.data.value) });
        this.typeField = field(_("Type"), this.type);
        this.dataField = h("div", { class: this.isNew ? null : "first" });
        this.minutes = minutesField();
        this.history = h("div", { class: "value-history" });
    }

    async open() {
        const isHere = stayHere();
        if (this.known?.isCut)
            this.known = await this.registry.findValue(this.path, this.known.name) ?? { ...this.known, isStored: false };
        await this.#describe();
        this.resolved = await this.registry.resolve(this.path);
        if (!isHere())
            return;
        const called = nameOf(this.name.value);
        this.dialog = openDialog({
            title: this.isNew ? _("New value") : format("Edit $0", called),
            content: [h("p", { class: "note where" }, h("bdi", {}, shorten(this.path))), this.isNew ? field(_("Name"), this.name) : null,
                      this.dataField, this.typeField, this.minutes.element, this.history],
            actions: [{ text: _("Save"), run: () => this.#save() },
                      { text: _("Save on trial"), run: () => this.#save(this.minutes.readSeconds()) }],
            onClose: () => this.stop?.(),
        });
        this.stop = this.context.live.listen(news => this.#take(news));
        if (!this.isNew)
            this.history.replaceChildren(...await drawValueHistory(this.context, this.path, this.resolved, this.known, commit => this.#setBack(commit)));
    }

    // To set the value back is a Save, too.
    async #setBack(commit) {
        this.#isSaving = true;
        try {
            await commit();
            this.dialog.close();
        } catch (error) {
            this.dialog.complain(error.message);
        } finally {
            this.#isSaving = false;
        }
    }

    // What a schema says of the value decides its types and its control.
    async #describe() {
        const name = this.name.value;
        const about = name === "" ? {} : await this.registry.describe(this.path, name).catch(() => ({}));
        if (name !== this.name.value)
            return; // typed on
        this.about = about;
        this.isSecret ||= Boolean(about.secret);
        const types = (about.types ?? (about.type === undefined ? TYPES : [about.type])).map(typeOfName);
        const chosen = this.#isThere ? this.known.type ?? types[0] : about.type === undefined ? this.#chosenType : typeOfName(about.type);
        this.type.replaceChildren(...[...new Set([...types, chosen])].map(type => h("option", { value: type, selected: type === chosen }, nameOfType(type))));
        this.typeField.hidden = this.type.options.length < 2;
        if (this.data === undefined)
            this.#drawData(this.known?.data !== undefined && !this.isSecret ? toInput(this.known.type, this.known.data) : "");
        else if (about.schema !== undefined && (about.secret || !this.#isTyping))
            this.#drawData(this.data.value);
    }

    get #isThere() {
        return this.known?.isStored === true && same(this.known.name, this.name.value);
    }

    // A choice in the place of the field would take the rest of the word for another one.
    get #isTyping() {
        return this.data === document.activeElement && this.data.value !== "";
    }

    get #chosenType() {
        return this.type.value === "" ? this.known?.type ?? SZ : Number(this.type.value);
    }

    get #isMalformed() {
        return this.known?.data !== undefined && isMalformed(this.known.type, this.known.data) && this.#chosenType === this.known.type;
    }

    #drawData(text) {
        const type = this.#chosenType;
        const isBytes = formOf(type) === "ay" || this.#isMalformed;
        const what = { type, about: this.about, text, isBytes, isMalformed: this.#isMalformed, isSecret: this.isSecret };
        const { input, beside, isTooLarge = false } = makeControl(what);
        this.isTooLarge = isTooLarge;
        const hadFocus = this.data !== undefined && this.data === document.activeElement;
        this.data = input;
        this.dataField.replaceChildren(field(_("Data"), input, noteOf({ ...what, isTooLarge }), beside));
        if (hadFocus) {
            input.focus();
            input.value = "";
            input.value = text; // with the caret at its end: somebody is typing
        }
    }

    // The change holds only while the value is what the reader has seen.
    #expected() {
        const { name: { value: name }, known, path } = this;
        if (!this.#isThere)
            return [["expect-absent", path, name]];
        // A secret was never here to be compared.
        return known.data === undefined ? [] : [["expect-value", path, name, known.type, toWire(known.type, known.data)]];
    }

    async #save(trial) {
        await this.described; // of a name that was just typed
        if (this.isTooLarge)
            throw new Error(_("This value is too large to be changed here. Import it from a file."));
        if (this.isSecret && this.#isThere && this.data.value === "")
            throw new Error(_("Nothing was typed: the secret stays as it is."));
        const type = this.#chosenType;
        const data = fromInput(type, this.data.value, this.#isMalformed);
        this.#isSaving = true;
        try {
            await this.registry.commit([...this.#expected(), ["set-value", this.path, this.name.value, type, data]], { trial });
        } catch (error) {
            if (error.name !== ERROR.conflict)
                throw error;
            await this.#meet();
            return false;
        } finally {
            this.#isSaving = false;
        }
        return true;
    }

    // Somebody else was quicker: their data are told, and Save then replaces them.
    async #meet() {
        const name = this.name.value;
        const found = await this.registry.findValue(this.path, name).catch(() => undefined);
        const wasThere = this.#isThere;
        this.known = found ?? { ...this.known, name, isStored: false };
        const told = found === undefined ? _("deleted") : found.isSecret ? _("(secret)") : show(found.type, found.data);
        this.dialog.complain(wasThere || found === undefined
            ? format("Somebody has changed this value meanwhile: it is $0 now. Save again to replace it.", told)
            : format("There is a value $0 already: it is $1. Save again to replace it.", nameOf(name), told));
    }

    #take(news) {
        if (this.isNew || this.#isSaving || !Array.isArray(news))
            return;
        if (news.some(({ kind, key, name }) => OF_VALUES.includes(kind) && same(key, this.resolved) && same(name, this.name.value)))
            this.#meet();
    }
}

export const editValue = (context, path, value) => new ValueForm(context, path, { ...value }).open();

export const newValue = (context, path) => new ValueForm(context, path, undefined).open();
