/* SPDX-License-Identifier: MIT */
/* The table of machines, by protocol. */
#ifndef MAILAUTH_PROTOCOL_MACHINES_H
#define MAILAUTH_PROTOCOL_MACHINES_H

#include "mailauth/base/kinds.h"
#include "mailauth/protocol/machine.h"

/* Static. @protocol: below N_PROTOCOLS. */
const MachineOps *machine_get_ops(Protocol protocol);

#endif
