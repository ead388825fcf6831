/* SPDX-License-Identifier: MIT */
/* See account.h. */
#include "regd/fleet/etcd/account.h"

#include <string.h>

#include "client/base/error.h"
#include "regd/fleet/base/grpc.h"
#include "regd/fleet/base/pack.h"
#include "regd/fleet/etcd/etcd.pb-c.h"

/* What an answer may take once it is read. */
#define LIMIT_MEMORY_BYTES (256U * 1024U)

GBytes *etcd_login_encode(const char *user, const char *password) {
  Etcdserverpb__AuthenticateRequest message = ETCDSERVERPB__AUTHENTICATE_REQUEST__INIT;
  message.name = (char *)(guintptr)user;
  message.password = (char *)(guintptr)password;
  return fleet_pack(&message.base);
}

/* It becomes a line of a request. */
static gboolean is_token(const char *text) {
  gsize size = text != NULL ? strlen(text) : 0;
  for (gsize i = 0; i < size; i++)
    if (!g_ascii_isgraph(text[i]))
      return FALSE;
  return size > 0 && size <= ETCD_LIMIT_TOKEN_BYTES;
}

char *etcd_login_decode(GBytes *answer, GError **error) {
  ProtobufCMessage *message =
      fleet_unpack(&etcdserverpb__authenticate_response__descriptor, answer, LIMIT_MEMORY_BYTES);
  const Etcdserverpb__AuthenticateResponse *response =
      (const Etcdserverpb__AuthenticateResponse *)message;
  char *token = response != NULL && is_token(response->token) ? g_strdup(response->token) : NULL;
  if (token == NULL)
    error_set(error, REGISTRY_ERROR_INVALID_VALUE, "what etcd answers to a login is no token");
  if (message != NULL)
    protobuf_c_message_free_unpacked(message, NULL);
  return token;
}

GBytes *etcd_user_encode(const char *user) {
  Etcdserverpb__AuthUserGetRequest message = ETCDSERVERPB__AUTH_USER_GET_REQUEST__INIT;
  message.name = (char *)(guintptr)user;
  return fleet_pack(&message.base);
}

static char *join_roles(const Etcdserverpb__AuthUserGetResponse *response) {
  g_autoptr(GString) text = g_string_new(NULL);
  for (gsize i = 0; i < MIN(response->n_roles, ETCD_LIMIT_ROLES); i++) {
    g_autofree char *part = g_strndup(response->roles[i], ETCD_LIMIT_ROLE_BYTES);
    g_autofree char *role = grpc_make_printable(part);
    g_string_append_printf(text, "%s%s", i > 0 ? ", " : "", role);
  }
  return g_string_free(g_steal_pointer(&text), FALSE);
}

char *etcd_user_decode(GBytes *answer) {
  ProtobufCMessage *message =
      fleet_unpack(&etcdserverpb__auth_user_get_response__descriptor, answer, LIMIT_MEMORY_BYTES);
  if (message == NULL)
    return NULL;
  char *roles = join_roles((const Etcdserverpb__AuthUserGetResponse *)message);
  protobuf_c_message_free_unpacked(message, NULL);
  return roles;
}
