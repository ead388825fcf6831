/* SPDX-License-Identifier: MIT */
/* The interface org.regd.Registry1: its tables, the signal Changed, and how connections that
 * lost signals are told. Each handler decodes, asks the service, and encodes; it decides
 * nothing. */
#ifndef REGD_REGISTRY1_REGISTRY1_H
#define REGD_REGISTRY1_REGISTRY1_H

#include "regd/bus/face.h"

/* For a dispatcher whose data is the BusFace. */
extern const DispatchInterface registry1_interfaces[];

/* Call for every message before it is handled. A client that lost signals is told to read
 * again before any answer, even if it has not read earlier signals: otherwise it would believe
 * itself current after the answer. One that has something to be told still is answered about
 * properties after that. TRUE: the message has been answered, with an error, or is one of the
 * outbox's now. */
gboolean registry1_meet(DBusMessage *message, BusFace *face);
/* ServiceEvents.changed: sends one Changed. */
gboolean registry1_send_changed(const Watch *watch, guint64 revision, const WatchChange *changes,
                                guint n_changes, gpointer data);

#endif
