// SPDX-License-Identifier: MIT
// Looking for words at and below a key: in the names of keys and values, and in data, without regard to case. It
// goes page by page, one call at a time: the caller may stop between any two. What secrets hold is not looked at.
import { leafOf } from "../base/path.js";
import { isMalformed, show } from "../base/value.js";

const SHOWN = 200; // characters of data

// What is compared: the data as they are, bytes as they are shown.
function textsOf(type, data) {
    if (data.t === "as" && !isMalformed(type, data))
        return data.v;
    return [data.t === "s" ? data.v : show(type, data)];
}

// [{ key, name, type, text }] of one key of a page; without a name, the key itself is meant.
function findInKey({ key, values }, has, isNew) {
    const found = isNew && has(leafOf(key)) ? [{ key }] : [];
    for (const { name, type, data } of values) {
        if (has(name) || textsOf(type, data).some(has))
            found.push({ key, name, type, text: show(type, data).slice(0, SHOWN) });
    }
    return found;
}

// Yields for each page what was found in it, and how many keys it had: { found, keys }.
export async function* search(registry, top, words) {
    const wanted = words.toUpperCase();
    const has = text => text.toUpperCase().includes(wanted);
    let cursor = "";
    let last = null; // a key whose values fill more than a page comes again
    do {
        const page = await registry.readTree(top, cursor);
        const fresh = page.keys.filter(({ key }, index) => index > 0 || key !== last);
        yield { found: page.keys.flatMap((each, index) => findInKey(each, has, index > 0 || each.key !== last)), keys: fresh.length };
        last = page.keys.at(-1)?.key ?? last;
        ({ cursor } = page);
    } while (cursor !== "");
}
