// SPDX-License-Identifier: MIT
// Rows of which only those in sight are drawn, so that 10,000 are as quick as ten; and the keys that move
// among them. The element that holds them keeps the focus, and names the chosen row (aria-activedescendant).
import { h, newId } from "../base/dom.js";

const ROW_HEIGHT = 30; // pixels, as in registry.css
const BEYOND = 10; // rows drawn above and below the window
const TYPING = 700; // ms between letters of one name

export class Rows {
    #prefix = newId("row");
    #drawn = new Map(); // index -> element
    #typed = "";
    #typedAt = 0;

    // @holder scrolls, and has the focus and the role. @head: what stays above the rows; @role of what holds them.
    // @draw(index) gives a row's element. @nameAt(index) lets typed letters choose; @onChoose(index, byKey) is told
    // of a choice.
    constructor(holder, { head = null, role = "presentation", draw, nameAt = null, onChoose = () => {}, onKey = () => false, onOpen = () => {} }) {
        Object.assign(this, { holder, head, draw, nameAt, onChoose, onKey, onOpen });
        this.count = 0;
        this.chosen = -1;
        this.body = h("div", { class: "rows-body", role });
        holder.append(this.body);
        holder.addEventListener("scroll", () => this.#show());
        holder.addEventListener("click", event => this.#click(event));
        this.body.addEventListener("dblclick", () => this.onOpen(this.chosen));
        holder.addEventListener("keydown", event => this.#press(event));
        new ResizeObserver(() => this.#show()).observe(holder);
    }

    // Pixels for rows.
    get #height() {
        return this.holder.clientHeight - (this.head?.offsetHeight ?? 0);
    }

    // There are so many rows now, and each may be another.
    refresh(count) {
        this.count = count;
        this.chosen = Math.min(this.chosen, count - 1);
        this.body.style.height = `${count * ROW_HEIGHT}px`;
        for (const element of this.#drawn.values())
            element.remove();
        this.#drawn.clear();
        this.#show();
    }

    #show() {
        const { holder: { scrollTop } } = this;
        const first = Math.max(0, Math.floor(scrollTop / ROW_HEIGHT) - BEYOND);
        const last = Math.min(this.count, Math.ceil((scrollTop + this.#height) / ROW_HEIGHT) + BEYOND);
        for (const [index, element] of this.#drawn) {
            if ((index < first || index >= last) && index !== this.chosen) {
                element.remove();
                this.#drawn.delete(index);
            }
        }
        for (let index = first; index < last; index++)
            this.#drawOne(index);
        if (this.chosen >= 0)
            this.#drawOne(this.chosen);
        this.#mark();
    }

    #drawOne(index) {
        if (this.#drawn.has(index))
            return;
        const element = this.draw(index);
        element.id = `${this.#prefix}-${index}`;
        element.dataset.index = String(index);
        element.style.top = `${index * ROW_HEIGHT}px`;
        this.#drawn.set(index, element);
        // Readers follow the order of the document.
        const after = [...this.body.children].find(other => Number(other.dataset.index) > index);
        this.body.insertBefore(element, after ?? null);
    }

    #mark() {
        for (const [index, element] of this.#drawn)
            element.setAttribute("aria-selected", String(index === this.chosen));
        if (this.chosen >= 0)
            this.holder.setAttribute("aria-activedescendant", `${this.#prefix}-${this.chosen}`);
        else
            this.holder.removeAttribute("aria-activedescendant");
    }

    #bringIntoSight(index) {
        const { holder } = this;
        const top = index * ROW_HEIGHT;
        if (top < holder.scrollTop)
            holder.scrollTop = top;
        else if (top + ROW_HEIGHT > holder.scrollTop + this.#height)
            holder.scrollTop = top + ROW_HEIGHT - this.#height;
    }

    // Quietly: nobody is told, as when the page itself puts the choice somewhere.
    mark(index) {
        this.chosen = index;
        if (index >= 0)
            this.#bringIntoSight(index);
        this.#show();
    }

    choose(index, byKey = false) {
        if (index < 0 || index >= this.count)
            return;
        this.mark(index);
        this.onChoose(index, byKey);
    }

    // The next row whose name begins with the letters that were typed just before and now.
    #seek(letter) {
        const now = Date.now();
        this.#typed = now - this.#typedAt < TYPING ? this.#typed + letter.toUpperCase() : letter.toUpperCase();
        this.#typedAt = now;
        const first = this.#typed.length === 1 ? this.chosen + 1 : Math.max(0, this.chosen);
        for (let step = 0; step < this.count; step++) {
            const index = (first + step) % this.count;
            if (this.nameAt(index).toUpperCase().startsWith(this.#typed)) {
                this.choose(index, true);
                return;
            }
        }
    }

    flash(index) {
        this.#drawn.get(index)?.classList.add("flash");
    }

    #click(event) {
        const row = event.target.closest("[data-index]");
        if (row && this.body.contains(row))
            this.choose(Number(row.dataset.index));
    }

    #press(event) {
        if (event.ctrlKey || event.altKey || event.metaKey)
            return;
        const page = Math.max(1, Math.floor(this.#height / ROW_HEIGHT) - 1);
        const goals = { ArrowDown: this.chosen + 1, ArrowUp: this.chosen - 1, Home: 0, End: this.count - 1,
                        PageDown: Math.min(this.count - 1, this.chosen + page), PageUp: Math.max(0, this.chosen - page) };
        const isTaken = this.onKey(event.key, this.chosen);
        if (!isTaken && event.key in goals)
            this.choose(goals[event.key], true);
        else if (!isTaken && (event.key === "Enter" || event.key === "F2"))
            this.onOpen(this.chosen);
        else if (!isTaken && this.nameAt && event.key.length === 1 && event.key !== " ")
            this.#seek(event.key);
        else if (!isTaken)
            return;
        event.preventDefault();
    }
}
