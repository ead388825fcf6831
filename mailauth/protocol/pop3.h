/* SPDX-License-Identifier: MIT */
/* POP3's AUTHORIZATION state (RFC 1939, section 4; CAPA: RFC 2449; STLS: RFC
 * 2595; AUTH: RFC 5034; response codes: RFC 2449 and 3206) as a machine of
 * machine.h. The TRANSACTION state is the store's or a mail server's. */
#ifndef MAILAUTH_PROTOCOL_POP3_H
#define MAILAUTH_PROTOCOL_POP3_H

#include "mailauth/protocol/machine.h"

extern const MachineOps pop3_ops;

#endif
