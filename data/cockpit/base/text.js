// SPDX-License-Identifier: MIT
// What the page says, in the reader's language. Cockpit's own gettext knows the translations (po.LANG.js).

// The global `cockpit` is not there in unit tests, which read English.
const translate = text => globalThis.cockpit?.gettext?.(text) ?? text;

export const _ = translate;

// "Undo revision $0" with its arguments in place: a translation may move them.
export function format(text, ...words) {
    return translate(text).replace(/\$(\d)/g, (_match, number) => String(words[Number(number)]));
}

// One or many, by the language's own rule.
export function count(one, many, number) {
    const text = globalThis.cockpit?.ngettext?.(one, many, number) ?? (number === 1 ? one : many);
    return text.replace("$0", number.toLocaleString());
}
