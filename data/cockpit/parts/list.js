// SPDX-License-Identifier: MIT
// A list that is shown again and again: an element is drawn anew only if what it shows is another thing than
// before, so that the others keep their place, and the focus.

export class List {
    #drawn = new Map(); // an item as text -> its element

    // @draw(item) gives an element.
    constructor(parent, draw) {
        Object.assign(this, { parent, draw });
    }

    // Gives the elements, in the order of @items.
    show(items) {
        const before = this.#drawn;
        this.#drawn = new Map(items.map(item => JSON.stringify(item)).map((text, index) => [text, before.get(text) ?? this.draw(items[index])]));
        const elements = [...this.#drawn.values()];
        const shown = new Set(elements);
        [...this.parent.children].filter(element => !shown.has(element)).forEach(element => element.remove());
        elements.forEach((element, index) => {
            if (this.parent.children[index] !== element)
                this.parent.insertBefore(element, this.parent.children[index] ?? null);
        });
        return elements;
    }
}
