/* SPDX-License-Identifier: MIT */
/* Who made a revision, when and with what, as GetHistory and ReadValues tell it. */
#ifndef REGD_REGISTRY1_REVISION_HEAD_H
#define REGD_REGISTRY1_REVISION_HEAD_H

#include "client/bus/wire.h"
#include "regd/read/reader.h"

/* Appends its entries to an open a{sv}. FALSE: out of memory. */
gboolean append_revision_head(DBusMessageIter *dict, const HistoryEntry *entry);

#endif
