// SPDX-License-Identifier: MIT
// Charts of bars over time: a picture with a name, and the same numbers as a table for those who read.
import { h, svg } from "../base/dom.js";
import { _ } from "../base/text.js";

const WIDTH = 600;
const HEIGHT = 60;
const GAP = 1;

// Sorts moments (ms) into @size equal spans that end at @end: [{ from, to, members }]. Pure.
export function sortIntoSpans(items, momentOf, { begin, end, size }) {
    const width = Math.max(1, (end - begin) / size);
    const spans = Array.from({ length: size }, (_each, index) => ({ from: begin + index * width, to: begin + (index + 1) * width, members: [] }));
    for (const item of items) {
        const index = Math.min(size - 1, Math.floor((momentOf(item) - begin) / width));
        if (index >= 0)
            spans[index].members.push(item);
    }
    return spans;
}

function bar({ x, width, bottom, height, kind, title }) {
    return svg("rect", { class: `bar ${kind}`, x, y: bottom - height, width, height }, svg("title", {}, document.createTextNode(title)));
}

// @bars: [{ title, time?, parts: [{ kind, number }] }], @time for the table; @onOpen(index) is told of a click; @columns names the kinds for the table.
export function drawChart({ name, bars, columns, onOpen }) {
    const highest = Math.max(1, ...bars.map(({ parts }) => parts.reduce((sum, { number }) => sum + number, 0)));
    const width = WIDTH / Math.max(1, bars.length);
    const drawn = bars.flatMap(({ title, parts }, index) => {
        let bottom = HEIGHT;
        return parts.filter(({ number }) => number > 0).map(({ kind, number }) => {
            const height = (number / highest) * (HEIGHT - 2);
            bottom -= height;
            return bar({ x: index * width, width: Math.max(1, width - GAP), bottom: bottom + height, height, kind, title });
        });
    });
    const picture = svg("svg", { role: "img", "aria-label": name, viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", class: onOpen ? "chart open" : "chart" },
                        svg("line", { x1: 0, y1: HEIGHT - 0.5, x2: WIDTH, y2: HEIGHT - 0.5, class: "axis" }), drawn);
    if (onOpen)
        picture.addEventListener("click", event => {
            const box = picture.getBoundingClientRect();
            onOpen(Math.min(bars.length - 1, Math.floor((event.clientX - box.left) / box.width * bars.length)));
        });
    const filled = bars.filter(({ parts }) => parts.some(({ number }) => number > 0));
    const table = h("table", {},
                    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, _("Time")), columns.map(column => h("th", { scope: "col" }, column)))),
                    h("tbody", {}, filled.map(({ title, time = title, parts }) => h("tr", {}, h("th", { scope: "row" }, time),
                                                                      parts.map(({ number }) => h("td", {}, String(number)))))));
    return h("div", { class: "chart-box" }, picture,
             h("details", { class: "chart-table" }, h("summary", {}, _("The same as a table")), table));
}
