/* SPDX-License-Identifier: MIT */
/* See servants.h. */
#include "mailauth/parent/servants.h"

#include <signal.h>
#include <unistd.h>

#include "client/base/error.h"
#include "mailauth/base/limits.h"
#include "mailauth/process/account.h"

typedef struct {
  Role role;
  guint64 request; /* of the verifier's, that it was started for */
  gint64 verifier; /* when that verifier was started: each counts its own requests */
} Servant;

struct Servants {
  const Launcher *launcher;
  Child *verifier;
  ServantsHooks hooks;
  GHashTable *processes; /* GPid -> Servant */
};

Servants *servants_new(const Launcher *launcher, Child *verifier, const ServantsHooks *hooks) {
  Servants *servants = g_new0(Servants, 1);
  servants->launcher = launcher;
  servants->verifier = verifier;
  servants->hooks = *hooks;
  servants->processes = g_hash_table_new_full(NULL, NULL, NULL, g_free);
  return servants;
}

void servants_free(Servants *servants) {
  g_hash_table_unref(servants->processes);
  g_free(servants);
}

guint servants_count(const Servants *servants) {
  return g_hash_table_size(servants->processes);
}

void servants_signal(const Servants *servants, int number) {
  GHashTableIter iterator;
  gpointer process;
  g_hash_table_iter_init(&iterator, servants->processes);
  while (g_hash_table_iter_next(&iterator, &process, NULL))
    kill(GPOINTER_TO_INT(process), number);
}

/* ---- starting ---- */

static void on_exit_seen(GPid pid, G_GNUC_UNUSED int status, gpointer data) {
  Servants *servants = data;
  g_spawn_close_pid(pid);
  g_hash_table_remove(servants->processes, GINT_TO_POINTER(pid));
  servants->hooks.ended(servants->hooks.data);
}

static void remember(Servants *servants, GPid pid, Role role, guint64 request) {
  Servant *servant = g_new0(Servant, 1);
  *servant = (Servant){role, request, servants->verifier->started};
  g_hash_table_insert(servants->processes, GINT_TO_POINTER(pid), servant);
  g_child_watch_add(pid, on_exit_seen, servants);
}

/* The verifier's end of the channel to a new process that serves it; -1 and an error. */
static int start(Servants *servants, Role role, guint64 request, const RoleUser *user,
                 GError **error) {
  int ends[2];
  if (servants_count(servants) >= MAX_STORES) {
    error_set(error, REGISTRY_ERROR_LIMIT_EXCEEDED, "There are %d processes already", MAX_STORES);
    return -1;
  }
  if (!channel_pair(ends, error))
    return -1;
  GPid pid = launcher_start(servants->launcher, role, user, ends[1], error);
  close(ends[1]);
  if (pid < 0) {
    close(ends[0]);
    return -1;
  }
  remember(servants, pid, role, request);
  return ends[0];
}

/* ---- stores ---- */

/* The user who touches the mail: @name, or the folder's owner if that is "". */
static gboolean find_mail_user(const Servants *servants, const char *folder, const char *name,
                               RoleUser *user, GError **error) {
  if (name[0] != '\0' ? !account_find(name, FALSE, user, error)
                      : !account_find_owner(folder, user, error))
    return FALSE;
  if (servants->launcher->is_root || user->uid == geteuid())
    return TRUE;
  return error_set(error, REGISTRY_ERROR_ACCESS_DENIED,
                   "%s belongs to user %u, and mailauthd was not started by root", folder,
                   user->uid);
}

/* @numbers: au. */
static gboolean has_number(GVariant *numbers, guint32 number) {
  gsize count = 0;
  const guint32 *all = g_variant_get_fixed_array(numbers, &count, sizeof *all);
  for (gsize i = 0; i < count; i++)
    if (all[i] == number)
      return TRUE;
  return FALSE;
}

void servants_take_want_store(Servants *servants, const Message *message) {
  guint64 request;
  const char *folder, *name;
  RoleUser user;
  g_autoptr(GError) error = NULL;
  g_autoptr(GVariant) there = NULL;
  g_variant_get(message->body, "(t&s&s@au)", &request, &folder, &name, &there);
  gboolean found = find_mail_user(servants, folder, name, &user, &error);
  if (found && has_number(there, user.uid)) {
    child_tell(servants->verifier, MESSAGE_STORE, g_variant_new("(tu)", request, user.uid), NULL,
               0);
    return;
  }
  int store = found ? start(servants, ROLE_STORE, request, &user, &error) : -1;
  if (store < 0) {
    child_tell(servants->verifier, MESSAGE_STORE_REFUSED,
               g_variant_new("(ts)", request, error->message), NULL, 0);
    return;
  }
  child_tell_with(servants->verifier, MESSAGE_STORE, g_variant_new("(tu)", request, user.uid),
                  store);
  close(store);
}

/* ---- PAM's processes, connectors, and those for SQL ---- */

/* Each with the role as whose user it runs, and whether the verifier may end it: a verifier that
 * was taken over ends no mail session. */
static const struct {
  Role role;
  Role user;
  gboolean is_ended;
} kinds[] = {
    {ROLE_PAM, ROLE_VERIFIER, FALSE},
    {ROLE_CONNECTOR, ROLE_VERIFIER, TRUE},
    {ROLE_SQL, ROLE_SQL, TRUE},
};

static int start_kind(Servants *servants, Role role, guint64 request, GError **error) {
  RoleUser user = {0};
  for (guint i = 0; i < G_N_ELEMENTS(kinds); i++)
    if (kinds[i].role == role)
      return servants->hooks.find_user(kinds[i].user, &user, error, servants->hooks.data)
                 ? start(servants, role, request, &user, error)
                 : -1;
  error_set(error, REGISTRY_ERROR_ACCESS_DENIED, "The verifier is served by no such role");
  return -1;
}

void servants_take_want(Servants *servants, const Message *message) {
  guint64 request = 0;
  guint8 role = 0;
  g_autoptr(GError) error = NULL;
  g_variant_get(message->body, "(ty)", &request, &role);
  int servant = start_kind(servants, (Role)role, request, &error);
  if (servant < 0) {
    child_tell(servants->verifier, MESSAGE_SERVANT_REFUSED,
               g_variant_new("(tys)", request, role, error->message), NULL, 0);
    return;
  }
  child_tell_with(servants->verifier, MESSAGE_SERVANT_STARTED, g_variant_new("(ty)", request, role),
                  servant);
  close(servant);
}

static gboolean may_be_ended(guint8 role) {
  for (guint i = 0; i < G_N_ELEMENTS(kinds); i++)
    if (kinds[i].role == (Role)role)
      return kinds[i].is_ended;
  return FALSE;
}

void servants_take_end(const Servants *servants, const Message *message) {
  guint64 request = 0;
  guint8 role = 0;
  GHashTableIter iterator;
  gpointer pid, value;
  g_variant_get(message->body, "(ty)", &request, &role);
  if (!may_be_ended(role))
    return;
  g_hash_table_iter_init(&iterator, servants->processes);
  while (g_hash_table_iter_next(&iterator, &pid, &value)) {
    const Servant *servant = value;
    if (servant->role == (Role)role && servant->request == request &&
        servant->verifier == servants->verifier->started)
      kill(GPOINTER_TO_INT(pid), SIGKILL);
  }
}
