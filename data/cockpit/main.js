// SPDX-License-Identifier: MIT
// The page: its rows at the top, its sections, and the routes that lead to them.
import { Clock } from "./base/clock.js";
import { button, h, newId } from "./base/dom.js";
import { fromRoute, shorten, toRoute } from "./base/path.js";
import { _ } from "./base/text.js";
import { Users } from "./base/users.js";
import { Commands } from "./bus/commands.js";
import { Fleet } from "./bus/fleet.js";
import { GONE, Live } from "./bus/live.js";
import { Mail } from "./bus/mail.js";
import { Registry } from "./bus/registry.js";
import { RightsOfReader } from "./bus/rights.js";
import { closeDialogs } from "./parts/dialog.js";
import { keepFocus } from "./parts/focus.js";
import { LimitedAccess } from "./parts/limited.js";
import { PathField } from "./parts/path-field.js";
import { TrialBar } from "./parts/trial-bar.js";
import { AccessSection } from "./sections/access.js";
import { FleetSection } from "./sections/fleet.js";
import { HistorySection } from "./sections/history.js";
import { MailSection } from "./sections/mail/mail.js";
import { RegistrySection } from "./sections/registry.js";
import { TransferSection } from "./sections/transfer.js";

const { cockpit } = window;
const START = "HKEY_LOCAL_MACHINE";

const SECTIONS = [
    { id: "registry", title: _("Registry"), Section: RegistrySection },
    { id: "history", title: _("History"), Section: HistorySection },
    { id: "access", title: _("Access"), Section: AccessSection },
    { id: "import", title: _("Import and export"), Section: TransferSection },
    // Only where the service is there.
    { id: "mail", title: _("Mail"), Section: MailSection, service: "mail" },
    { id: "fleet", title: _("Fleet"), Section: FleetSection, service: "fleet" },
];

class Page {
    constructor() {
        const registry = new Registry(cockpit);
        const live = new Live(registry);
        const clock = new Clock(cockpit);
        const mail = new Mail(cockpit, registry.queue);
        const fleet = new Fleet(registry);
        const complain = text => this.complain(text);
        this.context = { registry, live, clock, mail, fleet, complain, users: new Users(cockpit), commands: new Commands(cockpit),
                         rights: new RightsOfReader(cockpit, registry), go: (route, isStep) => this.#go(route, isStep) };
        this.alert = h("div", { role: "alert", class: "refusal", hidden: true });
        this.lost = h("div", { role: "alert", class: "refusal", hidden: true }, _("The registry is not served at the moment. What is shown may be old."));
        this.path = new PathField(registry, path => this.context.go(toRoute(this.section.id, path)));
        this.trials = new TrialBar(this.context);
        this.panel = h("div", { role: "tabpanel", id: newId("panel") });
        [this.section] = SECTIONS;
        this.drawn = new Map(); // a section's id -> the section
    }

    complain(text) {
        this.alert.replaceChildren(h("span", {}, text), button(_("Close"), () => { this.alert.hidden = true; }));
        this.alert.hidden = text === "";
        this.alert.scrollIntoView({ block: "nearest" });
    }

    // A step of the keyboard in the tree is no place to come back to.
    #go(route, isStep = false) {
        if (isStep) {
            history.replaceState(null, "", route);
            this.#follow();
        } else if (location.hash !== route) {
            location.hash = route;
        }
    }

    #drawTop() {
        this.find = h("input", { type: "search", oninput: () => this.#shown?.find?.(this.find.value),
                                onkeydown: event => event.key === "Enter" && this.#shown?.search?.(this.find.value) });
        this.tabs = SECTIONS.map(({ id, title }) => h("button", { type: "button", role: "tab", id: newId("tab"), "aria-controls": this.panel.id,
                                                                  onclick: () => this.context.go(toRoute(id, this.current)) }, title));
        const list = h("div", { role: "tablist", "aria-label": _("Sections"), onkeydown: event => this.#pressTab(event) }, this.tabs);
        return h("header", {}, h("h1", { class: "heard" }, _("Registry")), h("div", { class: "top" }, this.path.element, h("label", { class: "find" }, _("Find"), this.find), new LimitedAccess(this.context).element),
                 this.trials.element, list, this.path.crumbs);
    }

    get #shown() {
        return this.drawn.get(this.section.id);
    }

    #pressTab(event) {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (step === undefined)
            return;
        const tabs = this.tabs.filter(tab => !tab.hidden);
        const next = tabs[(tabs.indexOf(document.activeElement) + step + tabs.length) % tabs.length];
        next.focus();
        next.click();
    }

    async #follow() {
        closeDialogs();
        const { section, path } = fromRoute(location.hash);
        this.section = SECTIONS.find(({ id }) => id === section) ?? SECTIONS[0];
        this.current = path || this.current || START;
        this.path.show(this.section.id, this.current);
        document.title = `${this.section.title}: ${shorten(this.current)}`;
        this.tabs.forEach((tab, index) => {
            const isShown = SECTIONS[index] === this.section;
            tab.setAttribute("aria-selected", String(isShown));
            tab.tabIndex = isShown ? 0 : -1;
            if (isShown)
                this.panel.setAttribute("aria-labelledby", tab.id);
        });
        this.#offerServices();
        if (!this.drawn.has(this.section.id))
            this.drawn.set(this.section.id, new this.section.Section(this.context));
        if (this.panel.firstChild !== this.#shown.element)
            this.panel.replaceChildren(this.#shown.element);
        this.find.value = "";
        this.find.parentElement.hidden = this.#shown.find === undefined;
        this.path.crumbs.hidden = this.section.service !== undefined;
        this.#shown.find?.("");
        await this.#shown.show(this.current);
    }

    // A section of a service that has been there stays while it is open.
    #offerServices() {
        this.tabs.forEach((tab, index) => {
            const { service } = SECTIONS[index];
            tab.hidden = service !== undefined && !this.context[service].isServed && SECTIONS[index] !== this.section;
        });
    }

    start() {
        document.documentElement.lang = cockpit.language || "en";
        const top = this.#drawTop();
        this.#offerServices(); // none yet
        document.getElementById("page").append(top, this.lost, this.alert, h("main", {}, this.panel));
        keepFocus();
        const { fleet, live, mail, rights } = this.context;
        // What is read once the watches are there misses nothing, and is read once.
        const isReady = new Promise(resolve => { live.listen(resolve); });
        live.listen(news => { this.lost.hidden = news !== GONE && live.isServed !== false; });
        mail.listen(() => this.#offerServices());
        fleet.listen(() => this.#offerServices());
        window.addEventListener("pagehide", () => live.stop());
        fleet.start(live);
        live.start();
        mail.start();
        Promise.all([isReady, rights.ready]).then(() => {
            this.#follow();
            let { isLimited } = rights;
            rights.listen(() => {
                if (isLimited !== rights.isLimited)
                    this.#follow();
                ({ isLimited } = rights);
            });
            window.addEventListener("hashchange", () => this.#follow());
        });
    }
}

new Page().start();
