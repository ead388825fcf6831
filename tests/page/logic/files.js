// SPDX-License-Identifier: MIT
// What a .reg file says, and what it would change.
import assert from "node:assert/strict";
import test from "node:test";
import { compareKey, decodeFile, parseRegFile } from "../page/base/reg-file.js";
import { fillMinutes, sumKinds } from "../page/base/reasons.js";
import { readEntries } from "../page/sections/access.js";
import { pickOlder } from "../page/sections/history.js";
import { pickChanges } from "../page/sections/value-history.js";

const FILE = `Windows Registry Editor Version 5.00\r
\r
; a comment\r
[HKEY_LOCAL_MACHINE\\A]\r
"Text"="a \\\\ \\"b\\""\r
"Number"=dword:0000000a\r
"Bytes"=hex:01,\\\r
  ff\r
"Big"=hex(b):ff,ff,ff,ff,ff,ff,ff,ff\r
"Gone"=-\r
@="default"\r
[-HKEY_LOCAL_MACHINE\\B]\r
`;

const VALUES = [
    { name: "Text", type: 1, data: { t: "s", v: 'a \\ "b"' } },
    { name: "Number", type: 4, data: { t: "u", v: 10 } },
    { name: "Bytes", type: 3, data: { t: "ay", v: "Af8=" } },
    { name: "Big", type: 11, data: { t: "s", v: "18446744073709551615" } },
    { name: "Gone", data: null },
    { name: "", type: 1, data: { t: "s", v: "default" } },
];

test("a file is read with its escapes, continuations and deletions", () => {
    assert.deepEqual(parseRegFile(FILE), [{ key: "HKEY_LOCAL_MACHINE\\A", isDeleted: false, values: VALUES },
                                          { key: "HKEY_LOCAL_MACHINE\\B", isDeleted: true, values: [] }]);
});

test("its text is UTF-16 by its mark, UTF-8, or Windows-1252", () => {
    assert.equal(decodeFile(Uint8Array.from([0xff, 0xfe, 0xe4, 0])), "ä");
    assert.equal(decodeFile(Uint8Array.from([0xc3, 0xa4])), "ä");
    assert.equal(decodeFile(Uint8Array.from([0xe4])), "ä");
});

test("only what differs is told", () => {
    const [key] = parseRegFile(FILE);
    const present = [...VALUES.slice(0, 4), { name: "gone", type: 1, data: { t: "s", v: "x" } }, { name: "", type: 1, data: { t: "s", v: "other" } }];
    assert.deepEqual(compareKey(key, present).map(({ kind, name }) => [kind, name]), [["value-deleted", "Gone"], ["value-set", ""]]);
    assert.equal(compareKey(key, null)[0].kind, "key-created");
    assert.deepEqual(compareKey({ key: "B", isDeleted: true, values: [] }, null), []);
});

test("logins are counted by what became of them, with the minutes that had none", () => {
    const minute = 60000;
    const filled = fillMinutes([{ begin: 10 * minute * 1000, counts: { "ok": 2, "bad-password": 1, "no-broker": 3 } }], 11 * minute + 5, 3);
    assert.deepEqual(filled.map(({ begin, counts }) => [begin / minute, sumKinds(counts)]),
                     [[9, { ok: 0, refused: 0, fault: 0 }], [10, { ok: 2, refused: 1, fault: 3 }], [11, { ok: 0, refused: 0, fault: 0 }]]);
});

test("an access list is read a line at a time", () => {
    assert.deepEqual(readEntries("user:ann = write\n\neveryone=read\n"), [["user:ann", "write"], ["everyone", "read"]]);
    assert.throws(() => readEntries("user:ann"), /user:ann/);
    assert.throws(() => readEntries("everyone=all"), /everyone=all/);
});

test("a value's time line has its own changes only", () => {
    const change = (key, name) => ({ kind: "value-set", key, name });
    const revisions = [{ revision: 2, changes: [change("K", "a"), change("K", "b")] }, { revision: 1, changes: [change("L", "a")] }];
    assert.deepEqual(pickChanges(revisions, "k", "A"), [{ revision: 2, changes: [change("K", "a")] }]);
});

test("older revisions stay only if none between them and the newest is missing", () => {
    const numbered = (...numbers) => numbers.map(revision => ({ revision }));
    assert.deepEqual(pickOlder(numbered(9, 8, 7), numbered(7, 6, 5)), numbered(6, 5));
    assert.deepEqual(pickOlder(numbered(9, 8, 7), numbered(9, 8, 7)), []);
    assert.deepEqual(pickOlder(numbered(9, 8, 7), numbered(5, 4)), []);
    assert.deepEqual(pickOlder(numbered(9, 8, 7), []), []);
});
