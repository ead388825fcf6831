// SPDX-License-Identifier: MIT
// Elements. Whatever comes from the registry enters the page as text or as an attribute's value, never as HTML.

function setAttribute(element, name, value) {
    if (value === undefined || value === null || value === false)
        return;
    if (name.startsWith("on"))
        element.addEventListener(name.slice(2), value);
    else if (name in element && typeof value === "boolean")
        element[name] = value;
    else
        element.setAttribute(name, value === true ? "" : String(value));
}

// h("button", { type: "button", onclick: save }, "Save"). Attributes that are undefined, null or
// false are left out; children are elements, text, or lists of both.
export function h(name, attributes = {}, ...children) {
    const element = document.createElement(name);
    for (const [attribute, value] of Object.entries(attributes))
        setAttribute(element, attribute, value);
    element.append(...children.flat(Infinity).filter(each => each !== null && each !== undefined && each !== false));
    return element;
}

const SVG = "http://www.w3.org/2000/svg";

export function svg(name, attributes = {}, ...children) {
    const element = document.createElementNS(SVG, name);
    for (const [attribute, value] of Object.entries(attributes))
        element.setAttribute(attribute, String(value));
    element.append(...children.flat());
    return element;
}

// @action, which may give a promise, but never again before it has ended.
export function singly(action) {
    let isRunning = false;
    return async (...words) => {
        if (isRunning)
            return;
        isRunning = true;
        try {
            await action(...words);
        } finally {
            isRunning = false;
        }
    };
}

// Pressed twice, it does once what it does. It is not disabled meanwhile, so that it keeps the focus.
export function button(text, onclick, attributes = {}) {
    return h("button", { type: "button", onclick: singly(onclick), ...attributes }, text);
}

let ids = 0;

// An id that nothing else in the page has, for labels and descriptions.
export const newId = word => `${word}-${++ids}`;
