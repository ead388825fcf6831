// SPDX-License-Identifier: MIT
// The section Fleet: how this host stands, which hosts there are and who is behind, and what can't be used.
import { button, h } from "../base/dom.js";
import { once } from "../base/once.js";
import { _, format } from "../base/text.js";
import { show as showMoment } from "../base/when.js";
import { shorten } from "../base/path.js";
import { Card } from "../parts/card.js";
import { Grid } from "../parts/grid.js";

const badge = (isGood, text) => h("span", { class: `badge ${isGood ? "good" : "bad"}` }, text);

export class FleetSection {
    #read = once(() => Promise.all([this.#readState(), this.#readHosts(), this.#readProblems()]));

    constructor(context) {
        this.fleet = context.fleet;
        this.state = new Card(_("State"));
        this.grid = new Grid({
            name: _("Hosts"),
            nameOf: ({ host }) => host,
            columns: [
                { kind: "name", title: _("Host"), draw: ({ host }) => h("bdi", {}, host) },
                { kind: "state", title: _("State"), draw: ({ alive, state }) => badge(alive && state === "live", alive ? state : _("gone")) },
                { kind: "behind", title: _("Behind"), draw: ({ behind }) => (behind > 0 ? badge(false, format("$0 behind", behind)) : _("up to date")) },
                { kind: "failures", title: _("Problems"), draw: ({ problems }) => String(problems ?? 0) },
                { kind: "when", title: _("Since"), draw: ({ since }) => (since ? showMoment(since) : "") },
            ],
        });
        // Hosts come, go and follow without a signal.
        this.hosts = new Card(_("Hosts"), h("div", { class: "toolbar" }, button(_("Read again"), () => this.#read())), this.grid.element);
        this.problems = new Card(_("Problems of the fleet"));
        this.element = h("div", { class: "cards" }, this.state.element, this.hosts.element, this.problems.element);
        context.fleet.listen(() => this.element.isConnected && this.#read());
        context.live.listen(news => Array.isArray(news) && this.element.isConnected && this.#read());
    }

    show() {
        this.#read();
    }

    #readState() {
        return this.state.try(async () => {
            const status = await this.fleet.getStatus();
            const facts = [
                [_("State"), [badge(status.state === "live", status.state), status.reason]],
                [_("Fleet"), status.fleet],
                [_("This host"), status.host],
                [_("Shared keys"), status.mounts && h("ul", { class: "plain" }, status.mounts.map(key => h("li", {}, h("bdi", {}, shorten(key)))))],
                [_("Commits applied"), status.commit === undefined ? undefined : format("$0 of the $1 in the cluster", status.commit, Math.max(status.commit, status["cluster-commit"]))],
                [_("Last contact"), status["last-contact"] > 0 ? showMoment(status["last-contact"]) : _("never")],
                [_("Problem"), status.warning],
            ];
            this.state.body.replaceChildren(h("dl", {}, facts.filter(([, told]) => told !== undefined && told !== "").flatMap(
                ([name, told]) => [h("dt", {}, name), h("dd", {}, told)])));
        });
    }

    #readHosts() {
        return this.hosts.try(async () => this.grid.set(await this.fleet.listHosts()));
    }

    #readProblems() {
        return this.problems.try(async () => {
            const problems = await this.fleet.listProblems();
            this.problems.body.replaceChildren(problems.length === 0 ? h("p", {}, _("No problem is known."))
                : h("ul", { class: "problems" }, problems.map(({ record, problem }) => h("li", {}, h("bdi", {}, record), ": ", problem))));
        });
    }
}
