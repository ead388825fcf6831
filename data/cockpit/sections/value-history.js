// SPDX-License-Identifier: MIT
// What one value was: a time line for its form, with "set back to this".
import { button, h } from "../base/dom.js";
import { same } from "../base/path.js";
import { _, format } from "../base/text.js";
import { toWire } from "../base/value.js";
import { showAge } from "../base/when.js";
import { drawValueChanges } from "../parts/change-view.js";

const READ = 100; // revisions of the key that are looked through
const SHOWN = 10;

// Those of @revisions that changed the value, with that change alone. Pure.
export function pickChanges(revisions, key, name) {
    return revisions.map(revision => ({ ...revision, changes: revision.changes.filter(change => same(change.key, key) && same(change.name, name)) }))
        .filter(({ changes }) => changes.length > 0);
}

// The elements to show; none where nothing is known. @resolved: the key's path in history. @setBack(commit) has
// commit() done.
export async function drawValueHistory(context, path, resolved, value, setBack) {
    const revisions = await context.registry.getHistory(path, { limit: READ }).catch(() => []);
    const mine = pickChanges(revisions, resolved, value.name).slice(0, SHOWN);
    if (mine.length === 0)
        return [];
    return [h("h3", {}, _("History")), h("ol", { class: "time-line" }, mine.map((revision, index) => drawMoment(context, path, value, revision, index, setBack)))];
}

function drawMoment(context, path, { name }, revision, index, setBack) {
    const { after } = revision.changes.at(-1);
    const head = format("$0, by $1", showAge(revision.time, context.clock.now()), context.users.show(revision.uid));
    const commit = () => context.registry.commit([["set-value", path, name, after.type, toWire(after.type, after.data)]],
                                                 { comment: format("set back to revision $0", revision.revision) });
    return h("li", {}, h("p", { class: "note" }, head, revision.comment ? `: ${revision.comment}` : ""), drawValueChanges(revision.changes),
             index > 0 && after?.data ? button(_("Set back to this"), () => setBack(commit)) : null);
}
