// SPDX-License-Identifier: MIT
// The tree of keys as far as it is open: a flat list of rows, for a window to draw some of them. Pure.
import { child, leafOf, parentOf, same } from "./path.js";

export class TreeModel {
    #open = new Map(); // folded path -> { names of its sub-keys, the path by which signals call it }
    #rows = null;

    constructor(roots) {
        this.roots = roots;
    }

    // [{ path, name, level, isOpen, isEmpty, position, size }], top to bottom.
    get rows() {
        if (this.#rows === null) {
            this.#rows = [];
            this.#add(this.roots.map(root => [root, root]), 1);
        }
        return this.#rows;
    }

    #add(keys, level) {
        keys.forEach(([path, name], index) => {
            const names = this.#open.get(path.toUpperCase())?.names;
            this.#rows.push({ path, name, level, isOpen: Boolean(names?.length), isEmpty: names?.length === 0,
                              position: index + 1, size: keys.length });
            if (names)
                this.#add(names.map(each => [child(path, each), each]), level + 1);
        });
    }

    isOpen(path) {
        return this.#open.has(path.toUpperCase());
    }

    // Those that are open, from the top down.
    get openPaths() {
        return this.rows.filter(({ isOpen, isEmpty }) => isOpen || isEmpty).map(({ path }) => path);
    }

    // @resolved: the path by which signals name the key, which may be reached through a link.
    open(path, names, resolved = path) {
        this.#open.set(path.toUpperCase(), { names, resolved });
        this.#rows = null;
    }

    close(path) {
        this.#open.delete(path.toUpperCase());
        this.#rows = null;
    }

    // A key has come or gone. True: something shown is different now.
    take({ kind, key }) {
        const above = parentOf(key);
        const isNew = [...this.#open].filter(([, { resolved }]) => same(resolved, above))
            .map(([path, { names }]) => this.#takeAt(path, names, kind, leafOf(key)));
        return isNew.some(Boolean);
    }

    #takeAt(path, names, kind, name) {
        const index = names.findIndex(each => same(each, name));
        if (kind === "key-created" && index < 0)
            names.splice(this.#placeOf(names, name), 0, name);
        else if (kind === "key-deleted" && index >= 0)
            this.#forget(child(path, name), names, index);
        else
            return false;
        this.#rows = null;
        return true;
    }

    // Sub-keys are in the order of their upper-cased names.
    #placeOf(names, name) {
        const index = names.findIndex(each => each.toUpperCase() > name.toUpperCase());
        return index < 0 ? names.length : index;
    }

    #forget(key, names, index) {
        names.splice(index, 1);
        const folded = key.toUpperCase();
        for (const path of [...this.#open.keys()]) {
            if (path === folded || path.startsWith(`${folded}\\`))
                this.#open.delete(path);
        }
    }

    indexOf(path) {
        return this.rows.findIndex(row => same(row.path, path));
    }
}
