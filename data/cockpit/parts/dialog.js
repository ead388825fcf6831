// SPDX-License-Identifier: MIT
// Dialogs: a form with its buttons, or a question with the one button that answers it. A refusal is
// shown in the dialog, which stays open.
import { button, h, newId, singly } from "../base/dom.js";
import { _ } from "../base/text.js";
import { rememberFocus } from "./focus.js";

// @actions: [{ text, run }]; run() may throw what is then shown, and returning false keeps the dialog
// open. Gives the dialog's { close, complain } at once; `ended` is a promise of the text of the button, or null.
export function openDialog({ title, content, actions, onClose = () => {} }) {
    const heading = newId("heading");
    const refusal = h("div", { role: "alert", class: "refusal", hidden: true });
    const dialog = h("dialog", { "aria-labelledby": heading, role: "dialog", class: "dialog" });
    let answer = null;

    function complain(text) {
        refusal.textContent = text;
        refusal.hidden = text === "";
    }

    const act = singly(async ({ text, run }) => {
        dialog.setAttribute("aria-busy", "true");
        try {
            complain("");
            if (await run() === false)
                return;
            answer = text;
            dialog.close();
        } catch (error) {
            complain(error.message);
        } finally {
            dialog.removeAttribute("aria-busy");
        }
    });

    const form = h("form", { class: "dialog-form", method: "dialog", onsubmit: event => {
        event.preventDefault();
        if (actions.length > 0)
            act(actions[0]);
    } },
                   h("h2", { id: heading }, title),
                   h("div", { class: "dialog-content" }, content),
                   refusal,
                   h("footer", {},
                     actions.map((action, index) => (index === 0
                         ? h("button", { type: "submit", class: "primary" }, action.text)
                         : button(action.text, () => act(action)))),
                     button(actions.length > 0 ? _("Cancel") : _("Close"), () => dialog.close())));
    dialog.append(form);
    const focus = rememberFocus();
    const ended = new Promise(resolve => dialog.addEventListener("close", () => {
        dialog.remove();
        onClose();
        focus?.restore();
        resolve(answer);
    }));
    document.body.append(dialog);
    dialog.showModal();
    const first = dialog.querySelector(".first input, .first textarea, .first select") ?? dialog.querySelector("input, select, textarea")
        ?? dialog.querySelector("footer button");
    first.focus();
    first.select?.(); // what is typed replaces it
    return { close: () => dialog.close(), complain, ended };
}

// Something to read, with Close.
export const tell = (title, content) => openDialog({ title, content, actions: [] });

let place = 0; // how often the page has gone elsewhere, or a dialog was asked for

// For a dialog that has to read something first: tells whether the page is still where it was at this call,
// and no other dialog was asked for since.
export function stayHere() {
    const begun = ++place;
    return () => begun === place;
}

// The page goes elsewhere: what was asked is answered with Cancel.
export function closeDialogs() {
    place++;
    document.querySelectorAll("dialog").forEach(dialog => dialog.close());
}

// A label with its control; @beside stands at the control's side.
export function field(label, control, note, beside) {
    const id = control.id || newId("field");
    control.id = id;
    const noteId = note ? newId("note") : undefined;
    if (noteId)
        control.setAttribute("aria-describedby", noteId);
    return h("div", { class: "field" }, h("label", { for: id }, label), beside ? h("div", { class: "side-by-side" }, control, beside) : control,
             note ? h("p", { id: noteId, class: "note" }, note) : null);
}

export const MINUTES_DEFAULT = 10;

// How long a change is on trial: the control, and its value in seconds (throws what is wrong with it).
export function minutesField() {
    const input = h("input", { type: "number", min: 1, max: 1440, step: 1, value: MINUTES_DEFAULT });
    const readSeconds = () => {
        const minutes = Number(input.value);
        if (!Number.isInteger(minutes) || minutes < 1 || minutes > 1440)
            throw new Error(_("A trial takes whole minutes, from 1 to 1440."));
        return minutes * 60;
    };
    const note = _("On trial, the change undoes itself after that time unless you keep it.");
    return { element: field(_("Minutes"), input, note), readSeconds };
}
