// SPDX-License-Identifier: MIT
// What changes in the registry, told to every part that shows it; and again after a restart of regd or of
// the bus.
//
// Two recursive watches see all that the reader may see: one signal for each commit, without data. All pages
// of a session share one connection and get each other's signals; the watch's id tells them apart.

const MACHINE = "HKEY_LOCAL_MACHINE";
const USERS = "HKEY_USERS";
const MYSELF = "HKEY_CURRENT_USER";
const RETRY = 1000; // ms until a connection to the bus is tried again

// What a listener is told besides a list of { kind, key, name }: read everything again; nobody serves.
export const EVERYTHING = "everything";
export const GONE = "gone";

export class Live {
    #listeners = new Set();
    #watches = new Map(); // id -> the number of its last signal
    #turn = 0;
    isServed = undefined;

    constructor(registry) {
        this.registry = registry;
    }

    start() {
        this.registry.connect({
            onChanged: words => this.#take(words),
            onOwner: owner => this.#meet(owner),
            onClose: () => {
                this.#meet(null);
                setTimeout(() => this.start(), RETRY);
            },
        });
    }

    // regd holds a watch until the connection ends, and that outlives a page.
    stop() {
        for (const id of this.#watches.keys())
            this.registry.unwatch(id);
        this.#watches.clear();
    }

    listen(listener) {
        this.#listeners.add(listener);
        return () => this.#listeners.delete(listener);
    }

    #tell(news) {
        for (const listener of [...this.#listeners])
            listener(news);
    }

    async #meet(owner) {
        const turn = ++this.#turn;
        this.#watches.clear();
        if (!owner) {
            this.isServed = false;
            this.#tell(GONE);
            return;
        }
        await this.#watch(MACHINE);
        // Users see their own branch, administrators everybody's.
        await this.#watch(USERS) || await this.#watch(MYSELF);
        if (turn !== this.#turn)
            return;
        this.isServed = true;
        this.#tell(EVERYTHING);
    }

    // Whether it may be watched.
    async #watch(key) {
        const turn = this.#turn;
        try {
            const id = await this.registry.watch(key);
            if (turn === this.#turn)
                this.#watches.set(id, 0);
            return true;
        } catch {
            return false;
        }
    }

    #take([id, sequence, , changes]) {
        const last = this.#watches.get(id);
        if (last === undefined)
            return;
        this.#watches.set(id, sequence);
        const isWhole = sequence === last + 1 && !changes.some(([kind]) => kind === "tree-changed" || kind === "link-changed");
        this.#tell(isWhole ? changes.map(([kind, key, name]) => ({ kind, key, name })) : EVERYTHING);
    }
}
