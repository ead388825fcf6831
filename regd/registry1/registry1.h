/* SPDX-License-Identifier: MIT */
/* The interface org.regd.Registry1: its tables, the signal Changed, and what is owed
 * to those who lost some. Each handler decodes, asks the service, and encodes; it
 * decides nothing. */
#ifndef REGD_REGISTRY1_REGISTRY1_H
#define REGD_REGISTRY1_REGISTRY1_H

#include "regd/bus/face.h"

/* For a dispatcher whose data is the BusFace. */
extern const DispatchInterface registry1_interfaces[];

/* To be called with each message before it is handled. Whoever has lost signals is
 * told to read again before he is answered, though he may not have read what went
 * before: else his call, which brings in all that was signalled, would seem to
 * have brought in what was not. TRUE: it is answered, with an error. */
gboolean registry1_meet(DBusMessage *message, BusFace *face);
/* ServiceEvents.changed: sends one Changed. */
gboolean registry1_send_changed(const Watch *watch, guint64 revision, const WatchChange *changes,
                                guint n_changes, gpointer data);

#endif
