// SPDX-License-Identifier: MIT
// One login at an IMAP server on localhost by a library that Node's programs use, and a look into the INBOX:
//   node node-clients.js imapflow|node-imap PORT none|starttls|tls PASSWORD AUTHORITY
// prints "let in, N messages", or "refused: " with the server's text.
"use strict";

const { readFileSync } = require("node:fs");

const [library, port, security, password, authority] = process.argv.slice(2);
const where = { host: "localhost", port: Number(port) };
const trusted = { ca: readFileSync(authority) };

function say(text) {
    console.log(text);
}

async function tryImapFlow() {
    const { ImapFlow } = require("imapflow");
    const client = new ImapFlow({
        ...where, auth: { user: "ann", pass: password }, secure: security === "tls", doSTARTTLS: security === "starttls",
        tls: trusted, logger: false, clientInfo: { name: "imapflow" },
    });
    try {
        await client.connect();
    } catch (problem) {
        say(`refused: ${problem.serverResponseCode} ${problem.responseText}`);
        return;
    }
    const lock = await client.getMailboxLock("INBOX");
    say(`let in, ${client.mailbox.exists} messages`);
    lock.release();
    await client.logout();
}

function tryNodeImap() {
    const Imap = require("node-imap");
    const client = new Imap({
        ...where, user: "ann", password, tls: security === "tls", autotls: security === "starttls" ? "required" : "never",
        tlsOptions: trusted,
    });
    client.once("error", problem => say(`refused: ${problem.textCode} ${problem.message}`));
    client.once("ready", () => client.openBox("INBOX", (problem, box) => {
        say(problem ? `error: ${problem}` : `let in, ${box.messages.total} messages`);
        client.end();
    }));
    client.connect();
}

({ imapflow: tryImapFlow, "node-imap": tryNodeImap })[library]();
