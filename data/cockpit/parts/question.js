// SPDX-License-Identifier: MIT
// Asks before something is done; whether it was done.
import { h } from "../base/dom.js";
import { openDialog } from "./dialog.js";

// The one button is named after what it does. @content is shown above it.
export async function ask({ title, content = [], text = title, run }) {
    return await openDialog({ title, content: h("div", {}, content), actions: [{ text, run }] }).ended !== null;
}
