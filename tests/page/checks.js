// SPDX-License-Identifier: MIT
// What readers need of a page, checked in it: gives a list of what is wrong.

function luminance([red, green, blue]) {
    const [r, g, b] = [red, green, blue].map(part => part / 255).map(part => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

const partsOf = color => (color.match(/[\d.]+/g) ?? []).map(Number);

function backgroundOf(element) {
    for (let each = element; each; each = each.parentElement) {
        const parts = partsOf(getComputedStyle(each).backgroundColor);
        if (parts.length === 3 || parts[3] > 0.99)
            return parts;
    }
    return [255, 255, 255];
}

function contrastOf(element) {
    const [one, other] = [partsOf(getComputedStyle(element).color), backgroundOf(element)].map(luminance).sort((a, b) => b - a);
    return (one + 0.05) / (other + 0.05);
}

const isSeen = element => element.getClientRects().length > 0 && getComputedStyle(element).visibility === "visible";
const tell = element => `${element.tagName.toLowerCase()}.${element.className} "${(element.textContent ?? "").trim().slice(0, 40)}"`;

function checkContrast() {
    const texts = [...document.querySelectorAll("body *")].filter(element => isSeen(element) && !element.closest("svg, :disabled, [hidden]")
        && [...element.childNodes].some(node => node.nodeType === Node.TEXT_NODE && node.data.trim() !== ""));
    return texts.filter(element => contrastOf(element) < 4.5).map(element => `contrast ${contrastOf(element).toFixed(2)}: ${tell(element)}`);
}

function checkIds() {
    const ids = [...document.querySelectorAll("[id]")].map(({ id }) => id);
    const doubled = ids.filter((id, index) => ids.indexOf(id) !== index).map(id => `id twice: ${id}`);
    const named = [...document.querySelectorAll("[aria-controls], [aria-labelledby], [aria-describedby], [aria-activedescendant]")];
    const lost = named.flatMap(element => ["aria-controls", "aria-labelledby", "aria-describedby", "aria-activedescendant"]
        .map(name => element.getAttribute(name)).filter(id => id && !document.getElementById(id)).map(id => `no element has the id ${id}: ${tell(element)}`));
    return [...doubled, ...lost];
}

function checkLabels() {
    const fields = [...document.querySelectorAll("input, select, textarea")].filter(isSeen);
    return fields.filter(field => field.labels.length === 0 && !field.getAttribute("aria-label")).map(field => `no label: ${tell(field)}`);
}

function checkStructure() {
    const parents = { treeitem: "[role=tree]", row: "[role=grid]", gridcell: "[role=row]", columnheader: "[role=row]", tab: "[role=tablist]", option: "[role=listbox]" };
    return Object.entries(parents).flatMap(([role, parent]) => [...document.querySelectorAll(`[role=${role}]`)]
        .filter(element => !element.parentElement.closest(parent)).map(element => `${role} outside of ${parent}: ${tell(element)}`));
}

function checkWidth() {
    const { scrollWidth, clientWidth } = document.documentElement;
    return scrollWidth > clientWidth ? [`the page is ${scrollWidth} wide in a window of ${clientWidth}`] : [];
}

return [...checkContrast(), ...checkIds(), ...checkLabels(), ...checkStructure(), ...checkWidth()];
