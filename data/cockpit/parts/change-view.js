// SPDX-License-Identifier: MIT
// What a revision changed, as lines: what went in red with "-", what came in green with "+".
import { h } from "../base/dom.js";
import { shorten } from "../base/path.js";
import { _, format } from "../base/text.js";
import { nameOfType, show } from "../base/value.js";

export const nameOf = name => (name === "" ? _("(Default)") : name);

const SENTENCES = {
    "key-created": ["+", _("key created")],
    "key-deleted": ["-", _("key deleted")],
    "acl-changed": ["~", _("access changed")],
    "link-changed": ["~", _("link changed")],
    "lock-changed": ["~", _("lock changed")],
    "tree-changed": ["~", _("much changed")],
};

// What a plan says of a value: that it is set again, or goes.
const PLANS = {
    "value-set": name => ["+", format("$0 is set", nameOf(name))],
    "value-deleted": name => ["-", format("$0 is deleted", nameOf(name))],
};

function line(sign, text) {
    const kind = { "-": "removed", "+": "added", "~": "changed" }[sign];
    return h("div", { class: `change-line ${kind}` }, h("span", { class: "sign" }, sign), text);
}

// A secret's data never comes to the page; nor what history has forgotten.
function showSide(side) {
    if (side.data === undefined)
        return format("$0 $1", nameOfType(side.type), _("(secret)"));
    return format("$0 $1", nameOfType(side.type), show(side.type, side.data));
}

function valueLines({ kind, name, before, after, purged }) {
    const called = nameOf(name);
    const lines = [];
    if (before)
        lines.push(line("-", format("$0 = $1", called, showSide(before))));
    if (after)
        lines.push(line("+", format("$0 = $1", called, showSide(after))));
    if (lines.length === 0)
        lines.push(line(kind === "value-deleted" ? "-" : "+", format("$0 = $1", called, purged ? _("(forgotten)") : _("(not shown)"))));
    return lines;
}

const drawChange = change => (change.kind in SENTENCES ? line(...SENTENCES[change.kind]) : valueLines(change));

// @changes of one value, without its key.
export const drawValueChanges = changes => h("div", { class: "changes" }, changes.map(drawChange));

// @changes grouped by key, in their order; and how many more there are.
export function drawChanges(changes, left = 0) {
    const groups = new Map(changes.map(({ key }) => [key, []]));
    for (const change of changes)
        groups.get(change.key).push(change);
    return h("div", { class: "changes" },
             [...groups].map(([key, members]) => [h("div", { class: "change-key" }, h("bdi", {}, shorten(key))), members.map(drawChange)]),
             left > 0 ? h("p", { class: "note" }, format("and $0 more", left)) : null);
}

const MOST = 200; // lines of a plan

// What would be done, without data: [{ kind, key, name }].
export function drawPlan(plan) {
    const groups = new Map();
    for (const { kind, key, name } of plan.slice(0, MOST))
        groups.set(key, [...(groups.get(key) ?? []), PLANS[kind]?.(name) ?? SENTENCES[kind] ?? ["~", kind]]);
    return h("div", { class: "changes" },
             [...groups].map(([key, lines]) => [h("div", { class: "change-key" }, h("bdi", {}, shorten(key))), lines.map(each => line(...each))]),
             plan.length > MOST ? h("p", { class: "note" }, format("and $0 more", plan.length - MOST)) : null);
}

const MOST_LINES = 2000; // of a difference

// Lines that begin with "-" or "+", as regctl prints them.
export function drawDifference(text) {
    const lines = text.trimEnd().split("\n").filter(each => !/^(---|\+\+\+) /.test(each));
    return h("div", { class: "changes difference" }, lines.slice(0, MOST_LINES).map(
        each => (each[0] === "-" || each[0] === "+" ? line(each[0], each.slice(1)) : h("div", { class: "change-key" }, each.trim()))),
             lines.length > MOST_LINES ? h("p", { class: "note" }, format("and $0 more", lines.length - MOST_LINES)) : null);
}
