// SPDX-License-Identifier: MIT
// The focus is never lost: if the element that has it is removed, hidden or disabled, the nearest one that can be
// used takes it. A click beside everything takes the focus away on purpose, and that stays so.

const STOPS = ":is(a[href], button, input, select, textarea, summary, [tabindex='0']):not([tabindex='-1'])";

const isUsable = element => element.isConnected && !element.disabled && element.getClientRects().length > 0;

// The element that comes after @gone in @order, else the one before it, of those in @box.
function nearest(order, gone, box) {
    const at = order.indexOf(gone);
    const near = [...order.slice(at + 1), ...order.slice(0, at).reverse()];
    return near.find(element => box.contains(element) && isUsable(element)) ?? [...box.querySelectorAll(STOPS)].find(isUsable);
}

// Where the focus is now: a function that brings it back there, or as near as can be. null: it is nowhere.
export function rememberFocus() {
    const element = document.activeElement;
    if (!element || element === document.body)
        return null;
    const order = [...document.querySelectorAll(STOPS)];
    const boxes = [];
    for (let box = element.parentElement; box; box = box.parentElement)
        boxes.push(box);

    function restore() {
        if (isUsable(element)) {
            element.focus();
            return;
        }
        for (const box of boxes.filter(isUsable)) {
            const next = nearest(order, element, box);
            if (next) {
                next.focus();
                return;
            }
        }
    }
    return { element, restore };
}

// Looks after the focus from now on.
export function keepFocus() {
    let last = null;
    let isDue = false;

    function look() {
        isDue = false;
        const { activeElement } = document;
        const isLost = !activeElement || activeElement === document.body || !isUsable(activeElement);
        if (last && isLost && !isUsable(last.element))
            last.restore();
    }
    document.addEventListener("focusin", () => { last = rememberFocus(); });
    document.addEventListener("pointerdown", event => {
        if (!event.target.closest(STOPS))
            last = null;
    });
    // Once for each frame: it asks for the layout.
    new MutationObserver(() => {
        if (!isDue)
            requestAnimationFrame(look);
        isDue = true;
    }).observe(document.body, { subtree: true, childList: true, attributes: true, attributeFilter: ["hidden", "disabled"] });
}
