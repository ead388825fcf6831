/* SPDX-License-Identifier: MIT */
/* machines.h: the table. */
#include "mailauth/protocol/machines.h"

#include "mailauth/protocol/imap.h"
#include "mailauth/protocol/pop3.h"

const MachineOps *machine_get_ops(Protocol protocol) {
  static const MachineOps *const ops[N_PROTOCOLS] = {
      [PROTOCOL_POP3] = &pop3_ops,
      [PROTOCOL_IMAP] = &imap_ops,
  };
  return ops[protocol];
}
