// SPDX-License-Identifier: MIT
// Paths of keys, and the routes that name them. Pure.

// Short and long spelling of each root.
export const ROOTS = new Map([
    ["HKLM", "HKEY_LOCAL_MACHINE"],
    ["HKU", "HKEY_USERS"],
    ["HKCU", "HKEY_CURRENT_USER"],
    ["HKCR", "HKEY_CLASSES_ROOT"],
    ["HKCC", "HKEY_CURRENT_CONFIG"],
]);

// The components of a path, the root in its long spelling. A name may hold "/", so that
// separates only where there is no "\" at all.
export function split(path) {
    const separator = path.includes("\\") ? "\\" : "/";
    const parts = path.trim().split(separator).filter(part => part !== "");
    if (parts.length > 0)
        parts[0] = ROOTS.get(parts[0].toUpperCase()) ?? parts[0];
    return parts;
}

export const join = parts => parts.join("\\");

export const normalize = path => join(split(path));

export const parentOf = path => join(path.split("\\").slice(0, -1));

export const leafOf = path => path.slice(path.lastIndexOf("\\") + 1);

export const child = (path, name) => `${path}\\${name}`;

// The root in its short spelling, for people.
export function shorten(path) {
    const parts = path.split("\\");
    for (const [short, long] of ROOTS) {
        if (parts[0] === long)
            parts[0] = short;
    }
    return join(parts);
}

// Names are compared without case, as regd does for nearly all letters.
export const same = (one, other) => one.toUpperCase() === other.toUpperCase();

export function isAtOrBelow(path, top) {
    const [folded, above] = [path.toUpperCase(), top.toUpperCase()];
    return folded === above || folded.startsWith(`${above}\\`);
}

// ---- routes: #/SECTION/COMPONENT/COMPONENT ----

// A name may hold anything, "/" and "%" too: each component is escaped by itself.
export function toRoute(section, path = "") {
    const parts = path === "" ? [] : shorten(path).split("\\");
    return `#/${[section, ...parts].map(encodeURIComponent).join("/")}`;
}

function unescape(part) {
    try {
        return decodeURIComponent(part);
    } catch {
        return part; // not written by this page
    }
}

export function fromRoute(hash) {
    const [section = "", ...parts] = hash.replace(/^#?\/?/, "").split("/").map(unescape);
    const named = parts.filter(part => part !== "");
    if (named.length > 0)
        named[0] = ROOTS.get(named[0].toUpperCase()) ?? named[0];
    return { section, path: join(named) };
}
