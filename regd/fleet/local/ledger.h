/* SPDX-License-Identifier: MIT */
/* Which records of the fleet this host holds, as a digest: the sum modulo 2^128 of the first 16
 * bytes of SHA-256 of each record's key, a zero byte and the record. Hosts with the same digest
 * hold the same, whatever way they came there. What each record adds is stored, so that it can be
 * taken off again: a record can't be made again from what is stored. Each function needs a
 * transaction. */
#ifndef REGD_FLEET_LOCAL_LEDGER_H
#define REGD_FLEET_LOCAL_LEDGER_H

#include "regd/fleet/local/order.h"

/* *@holds: @record is held just as it is, or is deleted and not held. */
gboolean ledger_holds(Store *store, const FleetRecord *record, gboolean *holds, GError **error);
/* The record was taken, or deleted; @digest is kept up to date. */
gboolean ledger_note(Store *store, guint8 *digest, const FleetRecord *record, GError **error);
/* The same of one that is surely not held, for many of them. */
gboolean ledger_add(Store *store, guint8 *digest, const FleetRecord *record, GError **error);
/* No record is held any more; @digest becomes zero. */
gboolean ledger_clear(Store *store, guint8 *digest, GError **error);

#endif
