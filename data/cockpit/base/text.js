// SPDX-License-Identifier: MIT
// What the page says, in the reader's language. Cockpit's own gettext knows the translations (po.LANG.js).

// The global `cockpit` is not there in unit tests, which read English.
const translate = text => globalThis.cockpit?.gettext?.(text) ?? text;

export const _ = translate;

// "Undo revision $0" with its arguments in place: a translation may move them.
export function format(text, ...words) {
    return translate(text).replace(/\$(\d)/g, (_match, number) => String(words[Number(number)]));
}

// For dates and numbers: the browser's own kind of the language that Cockpit speaks, as en-GB, else that language.
// undefined: the browser's first one.
export function locale() {
    const language = globalThis.cockpit?.language?.replace("_", "-");
    if (!language)
        return undefined;
    const [word] = language.split("-");
    return globalThis.navigator?.languages?.find(each => each.split("-")[0] === word) ?? language;
}

// One or many, by the language's own rule.
export function count(one, many, number) {
    const text = globalThis.cockpit?.ngettext?.(one, many, number) ?? (number === 1 ? one : many);
    return text.replace("$0", number.toLocaleString(locale()));
}
