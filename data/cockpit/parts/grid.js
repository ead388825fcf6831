// SPDX-License-Identifier: MIT
// A grid: columns, and rows of which those in sight are drawn. The choice stays with its row when the rows
// are replaced.
import { h } from "../base/dom.js";
import { Rows } from "./rows.js";

export class Grid {
    #all = [];

    // @columns: [{ kind, title, draw(row) }]; the first one names a row, or @nameOf(row) does. @keyOf(row)
    // tells rows apart. @classOf(row) is an additional class.
    constructor({ name, columns, nameOf, keyOf = nameOf, classOf = () => "", onChoose = () => {}, onOpen = () => {}, onKey = () => false }) {
        Object.assign(this, { columns, nameOf, keyOf, classOf });
        const head = h("div", { role: "rowgroup", class: "head" }, h("div", { role: "row", class: "row" },
                                                                     columns.map(({ kind, title }) => h("div", { role: "columnheader", class: `cell ${kind}` }, title))));
        this.element = h("div", { role: "grid", "aria-label": name, "aria-colcount": columns.length, tabindex: 0, class: "rows grid" }, head);
        this.rows = new Rows(this.element, {
            head,
            role: "rowgroup",
            draw: index => this.#draw(this.#all[index], index),
            nameAt: index => this.nameOf(this.#all[index]),
            onChoose: () => onChoose(this.chosen),
            onKey,
            onOpen: () => this.chosen && onOpen(this.chosen),
        });
    }

    get chosen() {
        return this.#all[this.rows.chosen];
    }

    get length() {
        return this.#all.length;
    }

    set(all) {
        const key = this.chosen && this.keyOf(this.chosen);
        this.#all = all;
        this.element.setAttribute("aria-rowcount", String(all.length + 1));
        this.rows.refresh(all.length);
        this.rows.mark(key === undefined ? -1 : all.findIndex(row => this.keyOf(row) === key));
    }

    // Whether a row has that key.
    choose(key) {
        const index = this.#all.findIndex(row => this.keyOf(row) === key);
        this.rows.choose(index);
        return index >= 0;
    }

    forget() {
        this.rows.mark(-1);
    }

    flash(isNew) {
        this.#all.forEach((row, index) => isNew(row) && this.rows.flash(index));
    }

    #draw(row, index) {
        return h("div", { role: "row", class: `row ${this.classOf(row)}`, "aria-label": this.nameOf(row), "aria-rowindex": index + 2 },
                 this.columns.map(({ kind, draw }) => h("div", { role: "gridcell", class: `cell ${kind}` }, draw(row))));
    }
}
