// SPDX-License-Identifier: MIT
// How one revision is undone: its values go back to what they were, those that somebody has changed since stay.
// Pure.
import { toWire } from "./value.js";

const isSame = (one, other) => one.type === other.type && JSON.stringify([one.data.t, one.data.v]) === JSON.stringify([other.data.t, other.data.v]);

const find = (values, name) => values?.find(value => value.name.toUpperCase() === name.toUpperCase());

function undoValue({ key, name, before, after }, now) {
    const isUntouched = after === undefined ? now === undefined : now?.data !== undefined && after.data !== undefined && isSame(now, after);
    if (!isUntouched || (before && before.data === undefined))
        return [];
    const expected = now === undefined ? ["expect-absent", key, name] : ["expect-value", key, name, now.type, toWire(now.type, now.data)];
    const change = before ? ["set-value", key, name, before.type, toWire(before.type, before.data)] : ["delete-value", key, name];
    return [expected, change];
}

// A key that was made goes if nothing is left in it. @gone: the values that are deleted before.
function undoKey({ kind, key }, present, gone) {
    const values = present.get(key);
    if (kind === "key-deleted")
        return values === null ? [["create-key", key]] : [];
    return values?.every(({ name }) => gone.has(nameIn(key, name))) ? [["delete-key", key]] : [];
}

const nameIn = (key, name) => `${key}\\${name}`.toUpperCase();

const KINDS = { "set-value": "value-set", "delete-value": "value-deleted", "create-key": "key-created", "delete-key": "key-deleted" };

// @changes: the revision's; @present: key -> its values now, or null where there is no such key. The operations of
// the commit that undoes it, and the plan of it for people: [{ kind, key, name }].
export function planUndo(changes, present) {
    const operations = [];
    const gone = new Set();
    for (const change of [...changes].reverse()) {
        if (change.kind === "value-set" || change.kind === "value-deleted")
            operations.push(...undoValue(change, find(present.get(change.key), change.name)));
        else if (change.kind === "key-created" || change.kind === "key-deleted")
            operations.push(...undoKey(change, present, gone));
        const [op, key, name] = operations.at(-1) ?? [];
        if (op === "delete-value")
            gone.add(nameIn(key, name));
    }
    const plan = operations.filter(([op]) => op in KINDS).map(([op, key, name = ""]) => ({ kind: KINDS[op], key, name }));
    return { operations, plan };
}
