// SPDX-License-Identifier: MIT
// Values: how each type is shown, and what was typed made into data for the bus. Pure.
import { _, format } from "./text.js";

export const TYPES = ["REG_NONE", "REG_SZ", "REG_EXPAND_SZ", "REG_BINARY", "REG_DWORD", "REG_DWORD_BIG_ENDIAN", "REG_LINK",
    "REG_MULTI_SZ", "REG_RESOURCE_LIST", "REG_FULL_RESOURCE_DESCRIPTOR", "REG_RESOURCE_REQUIREMENTS_LIST", "REG_QWORD"];

// What each type looks like on the bus where its bytes are well formed.
const FORMS = { 1: "s", 2: "s", 4: "u", 5: "u", 6: "s", 7: "as", 11: "t" };

export const formOf = type => FORMS[type] ?? "ay";

export const nameOfType = type => TYPES[type] ?? String(type);

export const typeOfName = name => (TYPES.includes(name) ? TYPES.indexOf(name) : Number(name));

// ---- bytes ----

export function bytesOf(base64) {
    return Uint8Array.from(atob(base64), character => character.charCodeAt(0));
}

export function toBase64(bytes) {
    let text = "";
    for (const byte of bytes)
        text += String.fromCharCode(byte);
    return btoa(text);
}

export const toHex = bytes => Array.from(bytes, byte => byte.toString(16).padStart(2, "0")).join(" ");

const BYTES_A_LINE = 16;

function inLines(bytes, showLine) {
    const lines = [];
    for (let at = 0; at < bytes.length; at += BYTES_A_LINE)
        lines.push(showLine(bytes.subarray(at, at + BYTES_A_LINE)));
    return lines.join("\n");
}

export const toHexLines = bytes => inLines(bytes, toHex);

// The same bytes as text, a dot for each that is none.
export const showAscii = bytes => inLines(bytes, line => Array.from(line, byte => (byte > 31 && byte < 127 ? String.fromCharCode(byte) : ".")).join(""));

export function fromHex(text) {
    const digits = text.replace(/[\s,:]+/g, "");
    if (!/^([0-9a-f]{2})*$/i.test(digits))
        throw new Error(_("Bytes are pairs of hexadecimal digits, as in 0a ff."));
    return Uint8Array.from(digits.match(/../g) ?? [], pair => parseInt(pair, 16));
}

// ---- showing ----

// What does not print, and what turns the direction of the text around it, is shown by its number.
const HIDDEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}]/gu;

export function showText(text) {
    return text.replace(HIDDEN, character => `\\u{${character.codePointAt(0).toString(16)}}`);
}

export const isMalformed = (type, data) => data.t === "ay" && formOf(type) !== "ay";

const SHOWN_BYTES = 1024;

function showBytes(base64) {
    const bytes = bytesOf(base64);
    const shown = toHex(bytes.subarray(0, SHOWN_BYTES));
    return bytes.length > SHOWN_BYTES ? `${shown} …` : shown;
}

// One line for a cell. @data is a variant {t, v} as Cockpit hands it out.
export function show(type, data) {
    if (isMalformed(type, data))
        return `${_("malformed")}: ${showBytes(data.v)}`;
    switch (data.t) {
    case "ay":
        return showBytes(data.v);
    case "as":
        return data.v.map(each => JSON.stringify(showText(each))).join(", ");
    case "s":
        return showText(data.v);
    default:
        return String(data.v);
    }
}

// As it stands in a form, to be changed.
export function toInput(type, data) {
    if (data.t === "ay")
        return toHexLines(bytesOf(data.v));
    return data.t === "as" ? data.v.join("\n") : String(data.v);
}

// ---- reading what was typed ----

function readNumber(text, limit) {
    const digits = text.trim().replace(/_/g, "");
    if (!/^(0x[0-9a-f]+|\d+)$/i.test(digits))
        throw new Error(_("A number is written in digits, or in hexadecimal as 0x1f."));
    const number = BigInt(digits);
    if (number > limit)
        throw new Error(format("The largest number here is $0.", limit));
    return number;
}

// The bytes of a REG_QWORD: a number of the page's own is wrong past 2^53.
function bytesOfNumber(number) {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, number, true);
    return bytes;
}

const READERS = {
    s: text => text,
    as: text => text.split("\n").filter(line => line !== ""),
    u: text => Number(readNumber(text, 0xffffffffn)),
    ay: text => toBase64(fromHex(text)),
};

// A variant for SetValue and Commit. Throws an Error whose message is for people.
export function fromInput(type, text, wasMalformed = false) {
    const form = wasMalformed ? "ay" : formOf(type);
    if (form === "t")
        return { t: "ay", v: toBase64(bytesOfNumber(readNumber(text, 0xffffffffffffffffn))) };
    return { t: form, v: READERS[form](text) };
}

// Data as a reading call gave them, for one that writes: a REG_QWORD comes as text and goes as bytes.
export const toWire = (type, data) => (formOf(type) === "t" && data.t === "s" ? fromInput(type, data.v) : data);
