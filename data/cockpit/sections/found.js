// SPDX-License-Identifier: MIT
// What was found below a key, as it is found; each place can be opened. It stays until it is closed.
import { button, h } from "../base/dom.js";
import { isAtOrBelow, same, shorten } from "../base/path.js";
import { _, count, format } from "../base/text.js";
import { search } from "../bus/search.js";
import { nameOf } from "../parts/change-view.js";
import { Grid } from "../parts/grid.js";

const MOST = 1000; // places

export class Found {
    #turn = 0; // which search is the newest: an older one stops

    // @open({ key, name }) leads there.
    constructor(registry, open) {
        this.registry = registry;
        this.title = h("h2", {});
        this.told = h("span", { role: "status", class: "note" });
        this.refusal = h("div", { role: "alert", class: "refusal", hidden: true });
        this.stop = button(_("Stop"), () => this.#end());
        this.grid = new Grid({
            name: _("Found"),
            nameOf: ({ key, name }) => (name === undefined ? shorten(key) : `${shorten(key)}: ${nameOf(name)}`),
            columns: [
                { kind: "key", title: _("Key"), draw: ({ key }) => h("bdi", { title: shorten(key) }, this.#showKey(key)) },
                { kind: "name", title: _("Name"), draw: ({ name }) => (name === undefined ? "" : h("bdi", {}, nameOf(name))) },
                { kind: "data", title: _("Data"), draw: ({ text }) => (text === undefined ? "" : h("bdi", {}, text)) },
            ],
            onChoose: () => this.#allow(),
            onOpen: open,
        });
        this.open = button(_("Open"), () => open(this.grid.chosen));
        this.element = h("section", { role: "region", "aria-label": _("Found"), class: "pane found", hidden: true }, this.title,
                         h("div", { class: "toolbar" }, this.open, this.stop, button(_("Close"), () => this.close()), this.told),
                         this.refusal, this.grid.element);
    }

    // Looks at @top and all below it.
    async search(top, words) {
        const turn = ++this.#turn;
        const isWanted = () => turn === this.#turn;
        this.top = top;
        this.title.replaceChildren(format("Found below $0: $1", shorten(top), words));
        this.refusal.hidden = true;
        this.element.hidden = false;
        this.#show([], 0, true);
        let [found, keys, isCut] = [[], 0, false];
        try {
            for await (const page of search(this.registry, top, words)) {
                if (!isWanted())
                    return;
                found = [...found, ...page.found];
                keys += page.keys;
                isCut = found.length > MOST;
                if (isCut)
                    break;
                this.#show(found, keys, true);
            }
        } catch (error) {
            if (!isWanted())
                return;
            this.refusal.textContent = error.message;
            this.refusal.hidden = false;
        }
        this.#show(found.slice(0, MOST), keys, false);
        if (isCut)
            this.told.append(" ", format("The first $0 places are shown.", MOST));
    }

    // From the key that was searched on: the end of a path tells most.
    #showKey(key) {
        return isAtOrBelow(key, this.top) && !same(key, this.top) ? key.slice(this.top.length + 1) : shorten(key);
    }

    #show(found, keys, isRunning) {
        this.grid.set(found);
        this.stop.hidden = !isRunning;
        this.told.textContent = `${count("$0 place", "$0 places", found.length)}, ${count("$0 key looked through", "$0 keys looked through", keys)}`;
        this.#allow();
    }

    #allow() {
        this.open.disabled = this.grid.chosen === undefined;
    }

    // What was found so far stays.
    #end() {
        this.#turn++;
        this.stop.hidden = true;
        this.told.append(" ", _("Stopped."));
    }

    close() {
        this.#turn++;
        this.element.hidden = true;
        this.grid.set([]);
    }
}
