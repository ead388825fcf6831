// SPDX-License-Identifier: MIT
// Paths and routes.
import assert from "node:assert/strict";
import test from "node:test";
import { fromRoute, isAtOrBelow, normalize, shorten, toRoute } from "../page/base/path.js";

const ROWS = [
    ["HKLM\\SOFTWARE\\Acme", "HKEY_LOCAL_MACHINE\\SOFTWARE\\Acme"],
    ["hkcu", "HKEY_CURRENT_USER"],
    ["/HKLM/SOFTWARE", "HKEY_LOCAL_MACHINE\\SOFTWARE"],
    ["HKLM\\a/b\\c", "HKEY_LOCAL_MACHINE\\a/b\\c"],
    ["HKLM\\SOFTWARE\\", "HKEY_LOCAL_MACHINE\\SOFTWARE"],
    ["  HKLM ", "HKEY_LOCAL_MACHINE"],
];

test("a path is read with either separator and either spelling of its root", () => {
    for (const [typed, path] of ROWS)
        assert.equal(normalize(typed), path);
});

test("a route leads back to the path that it was made of", () => {
    for (const name of ["Acme", "a/b", "50%", "%2F", "ü \u202e x", "<b>", "a?b#c", "it's \"so\""]) {
        const path = `HKEY_LOCAL_MACHINE\\SOFTWARE\\${name}`;
        assert.deepEqual(fromRoute(toRoute("history", path)), { section: "history", path });
    }
});

test("a route takes the long root, and what is not escaped well", () => {
    assert.equal(fromRoute("#/registry/HKEY_LOCAL_MACHINE/SAM").path, "HKEY_LOCAL_MACHINE\\SAM");
    assert.equal(fromRoute("#/registry/HKLM/100%").path, "HKEY_LOCAL_MACHINE\\100%");
    assert.deepEqual(fromRoute(""), { section: "", path: "" });
});

test("below is by whole components", () => {
    assert.ok(isAtOrBelow("HKEY_USERS\\a", "hkey_users"));
    assert.ok(!isAtOrBelow("HKEY_USERS\\ab", "HKEY_USERS\\a"));
});

test("people read the short root", () => assert.equal(shorten("HKEY_USERS\\0"), "HKU\\0"));
