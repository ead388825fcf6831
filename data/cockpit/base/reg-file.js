// SPDX-License-Identifier: MIT
// What a .reg file says, as far as its difference is shown before it is applied: keys and values, in order.
// regctl reads the file that is applied and decides what counts; this only shows. Pure.
import { toBase64 } from "./value.js";

// Its text: UTF-16 by its mark, else UTF-8, else Windows-1252.
export function decodeFile(bytes) {
    if (bytes[0] === 0xff && bytes[1] === 0xfe)
        return new TextDecoder("utf-16le").decode(bytes);
    try {
        return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    } catch {
        return new TextDecoder("windows-1252").decode(bytes);
    }
}

const unquote = text => text.replace(/\\(.)/g, "$1");

function textOf(bytes) {
    return new TextDecoder("utf-16le").decode(bytes);
}

// Bytes of a type in its natural form, where they have one.
function dataOfBytes(type, bytes) {
    if ((type === 1 || type === 2) && bytes.length % 2 === 0)
        return { t: "s", v: textOf(bytes).replace(/\0$/, "") };
    if (type === 7 && bytes.length % 2 === 0)
        return { t: "as", v: textOf(bytes).split("\0").filter(text => text !== "") };
    if ((type === 4 || type === 11) && bytes.length === (type === 4 ? 4 : 8)) {
        const number = [...bytes].reduceRight((sum, byte) => sum * 256n + BigInt(byte), 0n);
        return type === 4 ? { t: "u", v: Number(number) } : { t: "s", v: String(number) };
    }
    return { t: "ay", v: toBase64(bytes) };
}

function readHex(code, digits) {
    const type = code === undefined ? 3 : parseInt(code, 16);
    const bytes = Uint8Array.from(digits.match(/[0-9a-f]{1,2}/gi) ?? [], pair => parseInt(pair, 16));
    return { type, data: dataOfBytes(type, bytes) };
}

// What stands after the "=": { type, data }; data null: the value is deleted; null: it can't be read.
function readData(text) {
    if (text === "-")
        return { data: null };
    const string = /^"((?:\\.|[^"\\])*)"/.exec(text);
    if (string)
        return { type: 1, data: { t: "s", v: unquote(string[1]) } };
    const number = /^dword:([0-9a-f]{1,8})/i.exec(text);
    if (number)
        return { type: 4, data: { t: "u", v: parseInt(number[1], 16) } };
    const hex = /^hex(?:\(([0-9a-f]+)\))?:([0-9a-f,\s]*)/i.exec(text);
    return hex && readHex(hex[1], hex[2]);
}

function readValue(line) {
    const found = /^(@|"((?:\\.|[^"\\])*)")\s*=\s*(.*)$/.exec(line);
    const data = found && readData(found[3]);
    return data && { name: found[1] === "@" ? "" : unquote(found[2]), ...data };
}

// [{ key, isDeleted, values: [{ name, type, data }] }]
export function parseRegFile(text) {
    const keys = [];
    for (const line of text.replace(/\\\r?\n\s*/g, "").split(/\r?\n/).map(each => each.trim())) {
        const head = /^\[(-?)(.*)\]$/.exec(line);
        const value = head ? null : readValue(line);
        if (head)
            keys.push({ key: head[2], isDeleted: head[1] === "-", values: [] });
        else if (value && keys.length > 0)
            keys.at(-1).values.push(value);
    }
    return keys;
}

const isSame = (one, other) => one.type === other.type && JSON.stringify([one.data.t, one.data.v]) === JSON.stringify([other.data.t, other.data.v]);

// What applying one key would change, as history tells changes. @present: its values now; null: there is no such key.
export function compareKey({ key, isDeleted, values }, present) {
    if (isDeleted)
        return present === null ? [] : [{ kind: "key-deleted", key, name: "" }];
    const changes = present === null ? [{ kind: "key-created", key, name: "" }] : [];
    const known = new Map(present?.map(each => [each.name.toUpperCase(), each]));
    for (const { name, type, data } of values) {
        const before = known.get(name.toUpperCase());
        if (data === null && before)
            changes.push({ kind: "value-deleted", key, name, before });
        else if (data !== null && !(before?.data && isSame(before, { type, data })))
            changes.push({ kind: "value-set", key, name, before, after: before?.isSecret ? { type } : { type, data } });
    }
    return changes;
}
