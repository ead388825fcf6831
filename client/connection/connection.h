/* SPDX-License-Identifier: MIT */
/* The connection as the rest of the library, and the programs of this tree, see it: any
 * call to the daemon, blocking or not, the daemon's presence, and its signals. Not
 * installed.
 */
#ifndef CLIENT_CONNECTION_CONNECTION_H
#define CLIENT_CONNECTION_CONNECTION_H

#include <dbus/dbus.h>

#include "client/base/change.h"
#include "client/bus/wire.h"

/* How long the daemon may take to answer a reading call, in ms. */
#define CALL_TIMEOUT_MS 30000
/* For a write that is waited for without the loop: it may be large, and wait behind others. */
#define CALL_TIMEOUT_WRITE_MS 300000
/* For calls with a callback: no limit while the daemon answers other calls. */
#define CALL_TIMEOUT_NONE DBUS_TIMEOUT_INFINITE

/* ---- any call ---- */

/* A call of the daemon's own interface, without arguments yet. The bus may start
 * the daemon for it, as for any call to a name that can be activated. Never NULL. */
DBusMessage *connection_new_call(const char *member);
/* INVALID_PATH: @key is no UTF-8, and D-Bus can send only that. */
gboolean connection_check_key(const char *key, GError **error);
/* The same, of any interface ("org.freedesktop.DBus.Properties"). */
DBusMessage *connection_new_call_of(const char *interface, const char *member);

/* Sends @call (still the caller's) and waits for its reply, without running the
 * loop. NULL: the error that was answered, or UNREACHABLE. @timeout_ms:
 * CALL_TIMEOUT_MS, CALL_TIMEOUT_WRITE_MS or any number. */
DBusMessage *connection_call(RegistryConnection *connection, DBusMessage *call, int timeout_ms,
                             GError **error);

/* UNREACHABLE: says that the daemon has been silent for connection_set_silence_limit(), and
 * what to do about it. */
void connection_set_no_answer(const RegistryConnection *connection, GError **error);

/* The same as connection_call() for programs that have no callbacks of their own: it runs the loop,
 * and waits as long as the daemon answers anybody, so that a call may take any time. UNREACHABLE,
 * also when it is silent for connection_set_silence_limit(). */
DBusMessage *connection_call_looping(RegistryConnection *connection, DBusMessage *call,
                                     GError **error);

/* @reply and @error are borrowed; one of them is NULL. */
typedef void (*ConnectionReply)(DBusMessage *reply, const GError *error, gpointer data);
typedef struct ConnectionCall ConnectionCall;
/* Sends @message (still the caller's); @replied is called exactly once, from the
 * loop and never from inside this call, unless it is cancelled before. When
 * the bus goes it is answered at once with UNREACHABLE. The call is the
 * connection's: the pointer is good until @replied is called. */
ConnectionCall *connection_call_async(RegistryConnection *connection, DBusMessage *message,
                                      int timeout_ms, ConnectionReply replied, gpointer data);
/* @replied won't be called; the daemon may do what was asked all the same. */
void connection_call_cancel(ConnectionCall *call);
/* Another callback takes the answer. */
void connection_call_replace(ConnectionCall *call, ConnectionReply replied, gpointer data);
/* Sends @call (still the caller's) and asks for no reply. Lost if there is no bus. */
void connection_send(RegistryConnection *connection, DBusMessage *call);

/* What a commit is made of, as one call of Commit (with its comment, dry run and trial).
 * LIMIT_EXCEEDED: more than a message holds. */
DBusMessage *connection_new_commit(const Change *change, GError **error);
/* The same of CommitReport, which answers with a report too. */
DBusMessage *connection_new_commit_report(const Change *change, GError **error);
/* @revision may be NULL. */
gboolean connection_read_commit(DBusMessage *reply, guint64 *revision, GError **error);

/* The a(sssuv) that Commit takes. FALSE: it does not fit. */
gboolean connection_append_operations(DBusMessageIter *iter, const GPtrArray *operations);

/* ---- the daemon's presence ---- */

typedef enum {
  PRESENCE_UNKNOWN, /* the bus is being asked */
  PRESENCE_ABSENT,  /* no bus, or no daemon on it */
  PRESENCE_PRESENT,
} Presence;

/* The daemon's unique name on the bus; NULL unless it is present. Calls sent
 * there are answered by this very daemon, and not by one that replaces it. */
const char *connection_get_owner(const RegistryConnection *connection);
Presence connection_get_presence(const RegistryConnection *connection);
/* A call to this very daemon, which never starts one. NULL unless it is present. */
DBusMessage *connection_new_bound_call(const RegistryConnection *connection, const char *interface,
                                       const char *member);
/* The shortest call there is, of Properties.Get(Revision), and its reply. */
DBusMessage *connection_new_revision_call(const RegistryConnection *connection);
gboolean connection_read_revision(DBusMessage *reply, guint64 *revision);
GMainContext *connection_get_context(const RegistryConnection *connection);
/* How long the daemon may send nothing while calls wait before it counts as silent (10 s). */
void connection_set_silence_limit(RegistryConnection *connection, guint limit_ms);

/* The callbacks of a listener. All are called from the loop. */
typedef struct {
  /* The presence has changed; also when one daemon replaced another. */
  void (*presence_changed)(gpointer data, Presence presence);
  /* A Changed signal of the daemon's. */
  void (*signalled)(gpointer data, DBusMessage *message);
  /* registry_connection_is_answering() has changed while the same daemon is present.
   * May be NULL. */
  void (*answering_changed)(gpointer data, gboolean answering);
} ConnectionListener;

void connection_add_listener(RegistryConnection *connection, const ConnectionListener *listener,
                             gpointer data);
void connection_remove_listener(RegistryConnection *connection, gpointer data);

/* The one thing that a library above keeps with the connection. @listener hears of
 * presence and of answering (both must be there) after all others have, and of no signal;
 * @companion_free is called before the calls that are left are dropped. To be set once. */
void connection_set_companion(RegistryConnection *connection, const ConnectionListener *listener,
                              gpointer companion, GDestroyNotify companion_free);
/* NULL: none was set. */
gpointer connection_get_companion(const RegistryConnection *connection);

#endif
