/* SPDX-License-Identifier: MIT */
/* What the two halves of the link share: its life and signals (link.c), its calls
 * (link-calls.c). */
#ifndef REGD_FLEET_AGENT_LINK_PRIVATE_H
#define REGD_FLEET_AGENT_LINK_PRIVATE_H

#include "client/bus/loop.h"
#include "client/bus/retry.h"
#include "client/bus/wire.h"
#include "regd/fleet/agent/link.h"

#define ENGINE_PATH "/org/regd/FleetEngine1"
#define ENGINE_INTERFACE "org.regd.FleetEngine1"
#define LAYER_NAME "all"

struct Link {
  char *bus;
  LinkEvents events;
  Retry *retry;
  DBusConnection *connection; /* NULL while there is no bus */
  LoopBinding *binding;
  char *engine;     /* unique name of the regd that is attached to, or NULL */
  char *complaint;  /* printed last, or NULL */
  char *told_state; /* the state that was told last, or NULL */
  guint64 session;  /* counts them: answers of an earlier one are dropped */
};

/* Sends @call, which it frees. @notify is called with the reply and @data unless the session has
 * ended meanwhile; @free_data (or NULL) frees @data then, in any case. */
typedef void (*LinkReply)(DBusMessage *reply, gpointer data);
void link_call(Link *link, DBusMessage *call, LinkReply notify, gpointer data,
               GDestroyNotify free_data);
DBusMessage *link_new_call(const char *member);

#endif
