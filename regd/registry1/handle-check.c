/* SPDX-License-Identifier: MIT */
/* The handler of CheckAccess. Names of users and groups are looked up on a reader's thread. */
#include <unistd.h>

#include "client/base/error.h"
#include "regd/bus/read-call.h"
#include "regd/registry1/handlers.h"

typedef struct {
  Identity *who;
  const char *key;
  const char *principal;
  AccessLevel level;
} CheckCall;

static void clear_check_call(G_GNUC_UNUSED gpointer data) {
}

/* Others are refused before a name is looked up for them: whether there is such a user is told
 * only to administrators. */
static gboolean find_caller(const CheckCall *asked, PrincipalKind kind, const char *name,
                            GError **error) {
  guint32 uid = 0;
  return (kind == PRINCIPAL_USER && access_find_id(kind, name, access_resolve_with_nss, &uid) &&
          uid == asked->who->uid) ||
         error_set(error, REGISTRY_ERROR_ACCESS_DENIED,
                   "%s: only an administrator may ask what %s may do there; ask for user:%u, "
                   "yourself",
                   asked->key, asked->principal, asked->who->uid);
}

static Identity *find_identity(const CheckCall *asked, GError **error) {
  PrincipalKind kind = PRINCIPAL_EVERYONE;
  const char *name = NULL;
  guint32 id = 0;
  if (!access_split_principal(asked->principal, &kind, &name, error))
    return NULL;
  if (!asked->who->administrator)
    return find_caller(asked, kind, name, error) ? identity_ref(asked->who) : NULL;
  if (kind != PRINCIPAL_EVERYONE && !access_find_id(kind, name, access_resolve_with_nss, &id)) {
    error_set(error, REGISTRY_ERROR_INVALID_VALUE, "there is no %s '%s' (principal '%s')",
              kind == PRINCIPAL_USER ? "user" : "group", name, asked->principal);
    return NULL;
  }
  return access_new_stand_in(
      kind, id, kind == PRINCIPAL_USER && identity_is_administrator(id, (guint32)getuid()));
}

static gboolean check(Reader *reader, gpointer data, GError **error) {
  CheckCall *asked = data;
  g_autoptr(Identity) identity = find_identity(asked, error);
  return identity != NULL &&
         reader_check_access(reader, asked->who, asked->key, identity, &asked->level, error);
}

static gboolean append_level(DBusMessageIter *out, gpointer data) {
  const CheckCall *asked = data;
  return wire_append_string(out, access_level_get_name(asked->level));
}

static const ReadCallKind check_access = {check, append_level, clear_check_call, sizeof(CheckCall),
                                          TRUE};

void handle_check_access(DispatchCall *call, gpointer data) {
  DBusMessageIter in;
  g_autoptr(GError) error = NULL;
  dispatch_call_get_arguments(call, &in);
  CheckCall asked = {.who = face_caller(call), .key = face_take_string(&in)};
  asked.principal = face_take_string(&in);
  g_autoptr(WireOptions) options = face_take_options(&in, &error);
  if (options == NULL)
    dispatch_call_fail(call, error);
  else
    read_call_run(call, data, &check_access, &asked);
}
