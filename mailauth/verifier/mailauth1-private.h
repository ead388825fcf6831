/* SPDX-License-Identifier: MIT */
/* What the face on the bus is made of. */
#ifndef MAILAUTH_VERIFIER_MAILAUTH1_PRIVATE_H
#define MAILAUTH_VERIFIER_MAILAUTH1_PRIVATE_H

#include "client/bus/dispatch.h"
#include "client/bus/loop.h"
#include "client/bus/retry.h"
#include "mailauth/verifier/bus-peers.h"
#include "mailauth/verifier/mailauth1.h"

struct Bus {
  char *address;
  BusSource source;
  DBusConnection *connection; /* NULL while there is none */
  LoopBinding *binding;
  Dispatcher *dispatcher;
  BusPeers *peers;
  gboolean has_policy;
  GPtrArray *signals; /* of DBusMessage: they wait for the others of their time */
  guint gathering;
  gint64 last_sent; /* monotonic, in µs */
  Retry *retry;
  gboolean complained; /* that the name can't be had */
  /* The properties as they were last signalled. */
  gboolean membership, ready;
  char *broker;
};

/* What is served; its methods and properties take the Bus as their data. */
extern const DispatchInterface bus_interfaces[];

/* Appends an a{sv} to an open aa{sv}, or as the only argument. FALSE: out of memory. */
gboolean bus_append_event(DBusMessageIter *array, const Event *event);

#endif
