/* SPDX-License-Identifier: MIT */
/* What connection.c and call.c share. */
#ifndef CLIENT_CONNECTION_CONNECTION_PRIVATE_H
#define CLIENT_CONNECTION_CONNECTION_PRIVATE_H

#include "client/bus/loop.h"
#include "client/bus/retry.h"
#include "client/connection/connection.h"
#include "client/connection/silence.h"

struct RegistryConnection {
  guint references;
  char *bus; /* as it was asked for */
  GMainContext *context;
  DBusConnection *bus_connection; /* NULL while there is none */
  LoopBinding *binding;
  Retry *retry;        /* to have a bus again */
  gint64 connected_at; /* monotonic µs of the last Hello's answer; 0: none yet */
  Presence presence;
  char *owner;          /* the daemon's unique name while it is present */
  GPtrArray *calls;     /* of ConnectionCall, not answered yet */
  GPtrArray *listeners; /* of Listener */
  Silence *silence;
  gboolean interactive;                          /* blocking calls let regd ask polkit */
  ConnectionCall *ping;                          /* under way, or NULL */
  RegistryConnectionAnswering answering_changed; /* may be NULL */
  gpointer answering_data;
  gpointer companion; /* NULL: none */
  const ConnectionListener *companion_functions;
  GDestroyNotify companion_free;
};

/* A message has come, which libdbus takes past the filters when it is an answer that is
 * waited for. TRUE: it ends a silence, and connection_tell_answering() is to follow. */
gboolean connection_note_message(RegistryConnection *connection, DBusMessage *message);
/* Tells everybody that registry_connection_is_answering() has changed. */
void connection_tell_answering(RegistryConnection *connection);
/* Answers every call with UNREACHABLE. */
void call_fail_all(RegistryConnection *connection);
/* Forgets every call without answering it. */
void call_drop_all(RegistryConnection *connection);

#endif
