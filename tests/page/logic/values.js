// SPDX-License-Identifier: MIT
// Values: shown, and read from what was typed.
import assert from "node:assert/strict";
import test from "node:test";
import { show as showMoment } from "../page/base/when.js";
import { fromHex, fromInput, isMalformed, show, showAscii, showText, toBase64, toHexLines, toInput } from "../page/base/value.js";

const bytes = (...numbers) => ({ t: "ay", v: toBase64(Uint8Array.from(numbers)) });

test("a moment is told in Cockpit's language, the browser's kind of it", () => {
    const told = (language, languages) => {
        Object.assign(globalThis, { cockpit: { language } });
        Object.defineProperty(globalThis, "navigator", { value: { languages }, configurable: true });
        return showMoment(Date.UTC(2026, 10, 30, 12) * 1000);
    };
    assert.match(told("de", ["en-US"]), /^30\.11\.2026, /);
    assert.match(told("en", ["de-DE", "en-GB"]), /^30 Nov 2026, /);
    assert.match(told("en", ["de-DE"]), /^Nov 30, 2026, /);
    delete globalThis.cockpit;
    delete globalThis.navigator;
});

test("each type is shown on one line", () => {
    const rows = [[1, { t: "s", v: "text" }, "text"], [4, { t: "u", v: 25 }, "25"], [7, { t: "as", v: ["a", "b\"c"] }, '"a", "b\\"c"'],
                  [3, bytes(1, 255), "01 ff"], [4, bytes(1, 2, 3), "malformed: 01 02 03"], [11, { t: "s", v: "18446744073709551615" }, "18446744073709551615"]];
    for (const [type, data, shown] of rows)
        assert.equal(show(type, data), shown);
});

test("what turns or hides text is shown by its number", () => {
    assert.equal(showText("a\u202eb\u0007"), "a\\u{202e}b\\u{7}");
});

test("markup stays text", () => assert.equal(show(1, { t: "s", v: "<b>" }), "<b>"));

test("data come back from the form as they went in", () => {
    const rows = [[1, { t: "s", v: " a " }], [4, { t: "u", v: 4294967295 }], [7, { t: "as", v: ["a", "b"] }], [3, bytes(0, 1, 254)], [99, bytes(7)]];
    for (const [type, data] of rows)
        assert.deepEqual(fromInput(type, toInput(type, data)), data);
});

test("a number of 64 bits is written as its bytes", () => {
    assert.deepEqual(fromInput(11, "18446744073709551615"), bytes(255, 255, 255, 255, 255, 255, 255, 255));
    assert.deepEqual(fromInput(11, "0x100"), bytes(0, 1, 0, 0, 0, 0, 0, 0));
});

test("what does not fit is refused in words", () => {
    for (const [type, text] of [[4, "4294967296"], [4, "-1"], [4, "1.5"], [4, ""], [11, "18446744073709551616"], [3, "0"], [3, "zz"]])
        assert.throws(() => fromInput(type, text), Error);
});

test("malformed data are bytes under a type that has none", () => {
    assert.ok(isMalformed(4, bytes(1)));
    assert.ok(!isMalformed(3, bytes(1)));
    assert.deepEqual(fromInput(4, "01 02 03", true), bytes(1, 2, 3));
});

test("bytes are shown sixteen a line, with their text", () => {
    const all = Uint8Array.from({ length: 17 }, (_each, index) => 64 + index);
    assert.equal(toHexLines(all).split("\n").length, 2);
    assert.equal(showAscii(Uint8Array.from([65, 0, 127])), "A..");
    assert.deepEqual(fromHex("0a,ff:00\n11"), Uint8Array.from([10, 255, 0, 17]));
});
