/* SPDX-License-Identifier: MIT */
/* One run of regctl: the command line, the connection, what is printed. The
 * verbs are written with these. */
#ifndef CLIENT_REGCTL_SESSION_SESSION_H
#define CLIENT_REGCTL_SESSION_SESSION_H

#include "client/base/error.h"
#include "client/base/json.h"
#include "client/connection/connection.h"
#include "client/regctl/session/fleet-call.h"
#include "client/regctl/session/fleet-share.h"
#include "client/regctl/session/offline.h"
#include "client/regctl/session/options.h"
#include "client/terminal/pager.h"
#include "client/terminal/screen.h"

/* How long `fleet wait` and --wait-fleet wait unless --timeout says otherwise. */
#define FLEET_WAIT_SECONDS 60U

typedef struct {
  const CommandLine *line;
  RegistryConnection *connection; /* NULL until it is needed */
  Json json;                      /* its text is what goes to standard output, JSON or not */
  Offline offline;                /* the regd that was started for --database */
  FleetPatience patience;         /* see --wait-fleet */
  FleetShare share;               /* the same */
  guint64 revision_before;        /* of a change on trial: the newest one before it */
  Screen screen;                  /* standard output, as it was before a pager */
  Pager pager;
  GHashTable *secrets; /* see secrets.h: the names of those of `secrets_key`; NULL: not asked */
  char *secrets_key;
  ExitCode exit_code; /* of a verb that did what it was asked */
} Session;

void session_init(Session *session, const CommandLine *line);
void session_clear(Session *session);

gboolean session_has(const Session *session, OptionName option);
/* Operand @index behind the verb; NULL past the last. */
char *session_get_operand(const Session *session, guint index);
/* UNREACHABLE: there is no such bus. Borrowed. */
RegistryConnection *session_connect(Session *session, GError **error);

/* What is printed. Text is appended to it, JSON through session->json. */
GString *session_out(Session *session);
/* Hands what is printed so far to standard output: for long listings, and for output that
 * is followed as it comes. FAILED: it can't be written. */
gboolean session_flush(Session *session, GError **error);
/* The same, but only if much has gathered. */
gboolean session_flush_much(Session *session, GError **error);
/* A line on standard error that is no error; not with --quiet. */
void session_note(const Session *session, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* ---- calls ---- */

/* A call under construction. */
typedef struct {
  DBusMessage *message;
  DBusMessageIter arguments;
  DBusMessageIter options; /* while they are open */
  gboolean complete;       /* FALSE: an argument did not fit */
} Request;

void request_begin(Request *request, const char *member);
/* Of an interface that is not the registry's. */
void request_begin_of(Request *request, const char *interface, const char *member);
void request_add_string(Request *request, const char *text);
/* Type and data, as SetValue takes them. */
void request_add_value(Request *request, const RegistryValue *value);
/* Between these the wire_append_entry_ functions fill request->options. */
void request_open_options(Request *request);
void request_close_options(Request *request);
/* Marks the request as incomplete if @appended is FALSE. */
void request_check(Request *request, gboolean appended);

/* Sends the request, which it ends in any case, and waits as long as it takes while regd
 * answers anybody: UNREACHABLE when it gives no sign of life for 30 s. *@reply (may be NULL)
 * stands at the first argument of the answer. Without @error, which is for what the user has not
 * asked for, polkit asks nobody. */
DBusMessage *session_call(Session *session, Request *request, DBusMessageIter *reply,
                          GError **error);
/* FALSE with @error set if @reply does not have @signature: the daemon is of another
 * version. */
gboolean session_check_reply(DBusMessage *reply, const char *signature, GError **error);

/* The newest revision. */
gboolean session_read_revision(Session *session, guint64 *revision, GError **error);

/* An a{sv}: one JSON object with --json, else lines `name: text`. */
void session_print_dictionary(Session *session, DBusMessageIter *dictionary);

/* ---- writes ---- */

/* Whether the write has a comment, is on trial, or is to be reported; it must be a commit
 * then. */
gboolean session_is_annotated(const Session *session);
/* What became of a write. */
typedef struct {
  guint64 revision;
  gboolean changed; /* something differs from what was there, or would */
} Written;
/* Sends @change as a commit with the comment and the trial that were asked for. If it is
 * on trial, the user is told. */
gboolean session_send_commit(Session *session, Change *change, Written *written, GError **error);
/* The same, and reports its revision. */
gboolean session_commit(Session *session, Change *change, GError **error);
/* The options comment, dry-run and confirm-within, as far as they were given. */
void session_add_write_options(Session *session, Request *request);
/* Call it after a write that made @revision: if it is on trial and standard error is a
 * terminal, a line there tells how to keep it. */
void session_note_trial(const Session *session, guint64 revision);
/* session_call() of a call that answers with a revision; @revision may be NULL. */
gboolean session_write(Session *session, Request *request, guint64 *revision, GError **error);
/* {"revision": ..., "changed": ...} with --json, nothing without. */
void session_report(Session *session, const Written *written);

#endif
