// SPDX-License-Identifier: MIT
// The tree as far as it is open.
import assert from "node:assert/strict";
import test from "node:test";
import { TreeModel } from "../page/base/tree-model.js";

const namesOf = tree => tree.rows.map(({ name }) => name);

function makeTree() {
    const tree = new TreeModel(["R", "S"]);
    tree.open("R", ["a", "c"]);
    return tree;
}

test("rows have their level and their place", () => {
    const tree = makeTree();
    assert.deepEqual(namesOf(tree), ["R", "a", "c", "S"]);
    assert.deepEqual(tree.rows[2], { path: "R\\c", name: "c", level: 2, isOpen: false, isEmpty: false, position: 2, size: 2 });
});

test("a new key takes its place by its upper-cased name, once", () => {
    const tree = makeTree();
    assert.ok(tree.take({ kind: "key-created", key: "R\\B" }));
    assert.ok(!tree.take({ kind: "key-created", key: "r\\b" }));
    assert.deepEqual(namesOf(tree), ["R", "a", "B", "c", "S"]);
});

test("a deleted key goes with what was open below it", () => {
    const tree = makeTree();
    tree.open("R\\a", ["x"]);
    assert.ok(tree.take({ kind: "key-deleted", key: "R\\a" }));
    assert.deepEqual(namesOf(tree), ["R", "c", "S"]);
    tree.take({ kind: "key-created", key: "R\\a" });
    assert.deepEqual(namesOf(tree), ["R", "a", "c", "S"]);
});

test("news of a key reach it through a link too", () => {
    const tree = makeTree();
    tree.open("S", ["link"], "T\\target");
    assert.ok(tree.take({ kind: "key-created", key: "T\\target\\new" }));
    assert.deepEqual(namesOf(tree), ["R", "a", "c", "S", "link", "new"]);
});

test("what is not open is left alone", () => assert.ok(!makeTree().take({ kind: "key-created", key: "R\\a\\x" })));
