/* SPDX-License-Identifier: MIT */
/* IMAP4rev1's not authenticated state (RFC 3501, sections 6.1 and 6.2; SASL-IR:
 * RFC 4959; LITERAL+: RFC 7888; ID: RFC 2971; response codes: RFC 5530) as a
 * machine of machine.h. What comes after it is a mail server's. */
#ifndef MAILAUTH_PROTOCOL_IMAP_H
#define MAILAUTH_PROTOCOL_IMAP_H

#include "mailauth/protocol/machine.h"

extern const MachineOps imap_ops;

#endif
