// SPDX-License-Identifier: MIT
// Values that a schema describes and that are not set: shown with their defaults, so that they can be found.
import { typeOfName } from "../base/value.js";

// Their rows for the grid. @about: what the schema says of the key; @values: those that are there.
export async function describeMissing(registry, path, about, values) {
    const there = new Set(values.map(({ name }) => name.toUpperCase()));
    const missing = (about.values ?? []).filter(name => !there.has(name.toUpperCase()));
    const described = await Promise.all(missing.map(name => registry.describe(path, name).catch(() => ({}))));
    return missing.map((name, index) => ({ name, about: described[index] }))
        .filter(row => !(row.about.aliases ?? []).some(alias => there.has(alias.toUpperCase())))
        .map(rowOf);
}

function rowOf({ name, about }) {
    const type = about.type === undefined ? undefined : typeOfName(about.type);
    return { name, type, data: about.default, isStored: false, isRequired: Boolean(about.required), isSecret: Boolean(about.secret) };
}
