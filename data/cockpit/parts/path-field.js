// SPDX-License-Identifier: MIT
// The path: as a row of links, and as a field to type it into, which completes the names of keys.
import { h, newId } from "../base/dom.js";
import { ROOTS, child, join, leafOf, normalize, shorten, split, toRoute } from "../base/path.js";
import { _ } from "../base/text.js";

const MOST = 50; // names offered

export class PathField {
    #turn = 0;
    #offered = []; // paths
    #chosen = -1;

    constructor(registry, onGo) {
        Object.assign(this, { registry, onGo });
        this.list = h("ul", { role: "listbox", id: newId("paths"), "aria-label": _("Keys below"), hidden: true, class: "options",
                              onmousedown: event => this.#pick(event) });
        this.input = h("input", { type: "text", role: "combobox", spellcheck: "false", autocomplete: "off", "aria-label": _("Path"), class: "path",
                                  "aria-expanded": "false", "aria-controls": this.list.id, "aria-autocomplete": "list",
                                  oninput: () => this.#offer(), onkeydown: event => this.#press(event), onblur: () => this.#close() });
        this.crumbs = h("nav", { "aria-label": _("Keys above"), class: "crumbs" });
        this.element = h("form", { class: "path-form", onsubmit: event => {
            event.preventDefault();
            this.#go(this.input.value);
        } }, this.input, this.list);
    }

    show(section, path) {
        this.input.value = shorten(path);
        this.#close();
        const parts = path.split("\\");
        this.crumbs.replaceChildren(h("ol", {}, parts.map((part, index) => h("li", {},
            index === parts.length - 1 ? h("bdi", { "aria-current": "page" }, part)
                : h("a", { href: toRoute(section, join(parts.slice(0, index + 1))) }, h("bdi", {}, part))))));
    }

    #go(text) {
        this.#close();
        const path = normalize(text);
        if (path !== "")
            this.onGo(path);
    }

    // The keys below what stands before the last separator, that begin with what stands after it.
    async #offer() {
        const turn = ++this.#turn;
        const { value } = this.input;
        const at = Math.max(value.lastIndexOf("\\"), value.includes("\\") ? -1 : value.lastIndexOf("/"));
        const above = at < 0 ? "" : join(split(value.slice(0, at)));
        const begun = value.slice(at + 1).toUpperCase();
        const names = above === "" ? [...ROOTS.keys()] : await this.registry.listKeys(above).catch(() => []);
        if (turn !== this.#turn)
            return;
        this.#offered = names.filter(name => name.toUpperCase().startsWith(begun)).slice(0, MOST)
            .map(name => (above === "" ? name : child(shorten(above), name)));
        this.#chosen = -1;
        this.#draw();
    }

    #draw() {
        this.list.replaceChildren(...this.#offered.map((path, index) => h("li", { role: "option", id: `${this.list.id}-${index}`,
            "aria-selected": String(index === this.#chosen), "data-index": index }, h("bdi", {}, leafOf(path)))));
        const isOpen = this.#offered.length > 0;
        this.list.hidden = !isOpen;
        this.input.setAttribute("aria-expanded", String(isOpen));
        if (this.#chosen >= 0) {
            this.input.setAttribute("aria-activedescendant", `${this.list.id}-${this.#chosen}`);
            this.list.children[this.#chosen].scrollIntoView({ block: "nearest" });
        } else {
            this.input.removeAttribute("aria-activedescendant");
        }
    }

    #close() {
        this.#turn++;
        this.#offered = [];
        this.#chosen = -1;
        this.#draw();
    }

    // Goes on below the key that was picked.
    #complete(path) {
        this.input.value = `${path}\\`;
        this.#offer();
    }

    #pick(event) {
        const option = event.target.closest("[data-index]");
        event.preventDefault(); // the field keeps the focus
        if (option)
            this.#go(this.#offered[Number(option.dataset.index)]);
    }

    #press(event) {
        const number = this.#offered.length;
        if (event.key === "ArrowDown" || event.key === "ArrowUp") {
            if (number === 0) {
                this.#offer();
            } else {
                this.#chosen = (this.#chosen + (event.key === "ArrowDown" ? 1 : -1) + number) % number;
                this.#draw();
            }
        } else if (event.key === "Enter" && this.#chosen >= 0) {
            this.#go(this.#offered[this.#chosen]);
        } else if (event.key === "Tab" && number > 0 && !event.shiftKey && this.input.value !== "") {
            this.#complete(this.#offered[Math.max(0, this.#chosen)]);
        } else if (event.key === "Escape" && number > 0) {
            this.#close();
        } else {
            return;
        }
        event.preventDefault();
    }
}
