// SPDX-License-Identifier: MIT
// The control that a value's data are typed into, as its type and its schema ask for it: a choice, a number
// with its range, a list, bytes with their text beside, or text.
import { h } from "../base/dom.js";
import { _, format } from "../base/text.js";
import { fromHex, nameOfType, showAscii } from "../base/value.js";

const NUMBERS = [4, 5, 11];
const TEXTS = [1, 2, 6];
const MULTI_SZ = 7;
const LONG = 80; // characters: more takes more than a line

function makeChoice({ allowed }, text) {
    const words = [...new Set(text === "" && !allowed.includes("") ? ["", ...allowed] : [...allowed, text])];
    return h("select", {}, words.map(word => h("option", { value: word, selected: word === text }, word)));
}

function makeArea(text, rows, attributes = {}) {
    const area = h("textarea", { rows, spellcheck: "false", ...attributes });
    area.value = text;
    return area;
}

// Bytes past these are only shown, and not all of them: a text field of megabytes stops a browser.
const MOST_BYTES = 64 * 1024;
const SHOWN = 4096; // characters of them, whole lines

function makeBytes(text) {
    if (text.length > MOST_BYTES * 3) {
        const input = makeArea(text.slice(0, text.lastIndexOf("\n", SHOWN)), 12, { class: "hex", wrap: "off", readonly: true });
        return { input, isTooLarge: true };
    }
    const area = makeArea(text, Math.min(12, Math.max(2, text.split("\n").length)), { class: "hex", wrap: "off" });
    const shown = h("pre", { class: "ascii", "aria-hidden": "true" });
    const show = () => {
        try {
            shown.textContent = showAscii(fromHex(area.value));
        } catch {
            shown.textContent = "";
        }
    };
    area.addEventListener("input", show);
    area.addEventListener("scroll", () => { shown.scrollTop = area.scrollTop; });
    show();
    return { input: area, beside: shown };
}

// { input, beside?, isTooLarge? }. @isBytes: the data are bytes, by their type or because they are malformed.
export function makeControl({ type, about, text, isBytes, isSecret }) {
    if (isSecret)
        return { input: h("input", { type: "password", autocomplete: "new-password" }) };
    if (isBytes)
        return makeBytes(text);
    if (about.allowed && TEXTS.includes(type))
        return { input: makeChoice(about, text) };
    if (NUMBERS.includes(type) && (about.minimum !== undefined || about.maximum !== undefined))
        return { input: h("input", { type: "number", min: about.minimum, max: about.maximum, step: 1, value: text }) };
    if (type === MULTI_SZ)
        return { input: makeArea(text, 5) };
    if (text.length > LONG || text.includes("\n"))
        return { input: makeArea(text, 4) };
    return { input: h("input", { type: "text", value: text, spellcheck: "false", autocomplete: "off" }) };
}

export function noteOf({ type, about, isBytes, isMalformed, isSecret, isTooLarge }) {
    const words = [about.summary, about.description];
    if (isSecret)
        words.push(_("A secret is never shown. What you type replaces it."));
    if (isMalformed)
        words.push(format("The bytes of this value are malformed: they form no $0. They are shown, and written, as they are.", nameOfType(type)));
    if (about.minimum !== undefined || about.maximum !== undefined)
        words.push(format("From $0 to $1.", about.minimum ?? 0, about.maximum ?? _("the largest")));
    if (type === MULTI_SZ && !isBytes)
        words.push(_("One text a line."));
    if (isBytes)
        words.push(isTooLarge ? _("This value is too large to be changed here; its beginning is shown. Import it from a file.")
            : _("Bytes as pairs of hexadecimal digits."));
    return words.filter(Boolean).join(" ");
}
