/* SPDX-License-Identifier: MIT */
/* The table of message kinds and the checks by it. Pure: it does no I/O, but it
 * owns the descriptors of a message that has been received. */
#include "mailauth/ipc/messages.h"

#include <string.h>
#include <unistd.h>

#include "client/base/error.h"
#include "mailauth/base/secret.h"

/* A list of addresses, or of counts, may be long; everything else is small. */
#define LIST (MAX_MESSAGE - 1)
#define SMALL 16384

#define NO_DESCRIPTOR 0, 0
#define ONE_DESCRIPTOR 1, 1
#define IDENTITY_TO_PARENT ROLE_IDENTITY, ROLE_PARENT
#define VERIFIER_TO_PARENT ROLE_VERIFIER, ROLE_PARENT
#define PARENT_TO_VERIFIER ROLE_PARENT, ROLE_VERIFIER
#define PARENT_TO_FRONT ROLE_PARENT, ROLE_FRONT
#define VERIFIER_TO_FRONT ROLE_VERIFIER, ROLE_FRONT
#define FRONT_TO_VERIFIER ROLE_FRONT, ROLE_VERIFIER
#define VERIFIER_TO_STORE ROLE_VERIFIER, ROLE_STORE
#define STORE_TO_VERIFIER ROLE_STORE, ROLE_VERIFIER
#define VERIFIER_TO_PAM ROLE_VERIFIER, ROLE_PAM
#define PAM_TO_VERIFIER ROLE_PAM, ROLE_VERIFIER
#define VERIFIER_TO_CONNECTOR ROLE_VERIFIER, ROLE_CONNECTOR
#define CONNECTOR_TO_VERIFIER ROLE_CONNECTOR, ROLE_VERIFIER
#define VERIFIER_TO_SQL ROLE_VERIFIER, ROLE_SQL
#define SQL_TO_VERIFIER ROLE_SQL, ROLE_VERIFIER

static const MessageFacts facts[N_MESSAGES] = {
    [MESSAGE_IDENTITY] = {"identity", "(bs)", IDENTITY_TO_PARENT, NO_DESCRIPTOR, SMALL},
    [MESSAGE_LISTEN] = {"listen", "(ba(syb))", VERIFIER_TO_PARENT, NO_DESCRIPTOR, LIST},
    [MESSAGE_CERTIFICATE] = {"certificate", "(tsyss)", VERIFIER_TO_PARENT, NO_DESCRIPTOR, SMALL},
    [MESSAGE_WANT_STORE] = {"want-store", "(tssau)", VERIFIER_TO_PARENT, NO_DESCRIPTOR, SMALL},
    [MESSAGE_LISTENING] = {"listening", "a(syss)", PARENT_TO_VERIFIER, NO_DESCRIPTOR, LIST},
    [MESSAGE_FILE_PROBLEM] = {"file-problem", "(tss)", PARENT_TO_VERIFIER, NO_DESCRIPTOR, SMALL},
    [MESSAGE_STORE] = {"store", "(tu)", PARENT_TO_VERIFIER, 0, 1, SMALL},
    [MESSAGE_STORE_REFUSED] = {"store-refused", "(ts)", PARENT_TO_VERIFIER, NO_DESCRIPTOR, SMALL},
    [MESSAGE_FRONT_STARTED] = {"front-started", "t", PARENT_TO_VERIFIER, ONE_DESCRIPTOR, SMALL},
    [MESSAGE_LISTENER] = {"listener", "(tsyb)", PARENT_TO_FRONT, ONE_DESCRIPTOR, SMALL},
    [MESSAGE_UNLISTEN] = {"unlisten", "t", PARENT_TO_FRONT, NO_DESCRIPTOR, SMALL},
    [MESSAGE_KEYS] = {"keys", "(tsyss)", PARENT_TO_FRONT, 0, 2, SMALL},
    [MESSAGE_VERIFIER_STARTED] = {"verifier-started", "()", PARENT_TO_FRONT, ONE_DESCRIPTOR, SMALL},
    [MESSAGE_SETTINGS] = {"settings", "(bqbymsasasa(yyuuuy))", VERIFIER_TO_FRONT, NO_DESCRIPTOR,
                          LIST},
    [MESSAGE_VERDICT] = {"verdict", "(tusuusayaybus)", VERIFIER_TO_FRONT, 0, 1, LIST},
    [MESSAGE_ASK_COUNTS] = {"ask-counts", "t", VERIFIER_TO_FRONT, NO_DESCRIPTOR, SMALL},
    [MESSAGE_LOGIN] = {"login", "(tysssayssstq)", FRONT_TO_VERIFIER, NO_DESCRIPTOR, SMALL},
    [MESSAGE_SCRAM_FIRST] = {"scram-first", "(tysaybstqa(say))", FRONT_TO_VERIFIER, NO_DESCRIPTOR,
                             SMALL},
    [MESSAGE_SCRAM_FINAL] = {"scram-final", "(tay)", FRONT_TO_VERIFIER, NO_DESCRIPTOR, SMALL},
    [MESSAGE_SCRAM_CHALLENGE] = {"scram-challenge", "(tay)", VERIFIER_TO_FRONT, NO_DESCRIPTOR,
                                 SMALL},
    [MESSAGE_CANCEL] = {"cancel", "t", FRONT_TO_VERIFIER, NO_DESCRIPTOR, SMALL},
    [MESSAGE_ASK_SETTINGS] = {"ask-settings", "t", FRONT_TO_VERIFIER, NO_DESCRIPTOR, SMALL},
    [MESSAGE_INCIDENT] = {"incident", "(tuysssust)", FRONT_TO_VERIFIER, NO_DESCRIPTOR, SMALL},
    [MESSAGE_KEYS_RESULT] = {"keys-result", "(tsysbsssxxb)", FRONT_TO_VERIFIER, NO_DESCRIPTOR,
                             SMALL},
    [MESSAGE_COUNTS] = {"counts", "(tua{su})", FRONT_TO_VERIFIER, NO_DESCRIPTOR, LIST},
    [MESSAGE_TRANSCRIPT] = {"transcript", "(ys)", FRONT_TO_VERIFIER, NO_DESCRIPTOR, SMALL},
    [MESSAGE_OPEN] = {"open", "(tsssu)", VERIFIER_TO_STORE, ONE_DESCRIPTOR, SMALL},
    [MESSAGE_SPLIT] = {"split", "()", VERIFIER_TO_STORE, 1, 2, SMALL},
    [MESSAGE_UNREADABLE] = {"unreadable", "(ts)", STORE_TO_VERIFIER, NO_DESCRIPTOR, SMALL},
    [MESSAGE_SESSION_ENDED] = {"session-ended", "t", FRONT_TO_VERIFIER, NO_DESCRIPTOR, SMALL},
    [MESSAGE_END_SESSION] = {"end-session", "t", VERIFIER_TO_FRONT, NO_DESCRIPTOR, SMALL},
    [MESSAGE_SESSIONS] = {"sessions", "a(tyssssttb)", FRONT_TO_VERIFIER, NO_DESCRIPTOR, LIST},
    [MESSAGE_HEARD] = {"heard", "t", VERIFIER_TO_STORE, NO_DESCRIPTOR, SMALL},
    [MESSAGE_OPENED] = {"opened", "(tus)", STORE_TO_VERIFIER, NO_DESCRIPTOR, SMALL},
    [MESSAGE_CLOSED] = {"closed", "t", STORE_TO_VERIFIER, NO_DESCRIPTOR, SMALL},
    [MESSAGE_SOCKETS] = {"sockets", "(asus)", VERIFIER_TO_PARENT, NO_DESCRIPTOR, SMALL},
    [MESSAGE_SOCKETS_STATE] = {"sockets-state", "as", PARENT_TO_VERIFIER, NO_DESCRIPTOR, SMALL},
    [MESSAGE_SOCKET] = {"socket", "y", PARENT_TO_FRONT, 0, 1, SMALL},
    [MESSAGE_FRONT_LOST] = {"front-lost", "(ts)", VERIFIER_TO_PARENT, NO_DESCRIPTOR, SMALL},
    [MESSAGE_WANT_SERVANT] = {"want-servant", "(ty)", VERIFIER_TO_PARENT, NO_DESCRIPTOR, SMALL},
    [MESSAGE_SERVANT_STARTED] = {"servant-started", "(ty)", PARENT_TO_VERIFIER, ONE_DESCRIPTOR,
                                 SMALL},
    [MESSAGE_SERVANT_REFUSED] = {"servant-refused", "(tys)", PARENT_TO_VERIFIER, NO_DESCRIPTOR,
                                 SMALL},
    [MESSAGE_END_SERVANT] = {"end-servant", "(ty)", VERIFIER_TO_PARENT, NO_DESCRIPTOR, SMALL},
    [MESSAGE_RELOAD] = {"reload", "()", PARENT_TO_VERIFIER, NO_DESCRIPTOR, SMALL},
    [MESSAGE_PING_VERIFIER] = {"ping-verifier", "()", PARENT_TO_VERIFIER, NO_DESCRIPTOR, SMALL},
    [MESSAGE_PONG_VERIFIER] = {"pong-verifier", "s", VERIFIER_TO_PARENT, NO_DESCRIPTOR, SMALL},
    [MESSAGE_PING_FRONT] = {"ping-front", "()", PARENT_TO_FRONT, NO_DESCRIPTOR, SMALL},
    [MESSAGE_PONG_FRONT] = {"pong-front", "()", ROLE_FRONT, ROLE_PARENT, NO_DESCRIPTOR, SMALL},
    [MESSAGE_PAM_QUESTION] = {"pam-question", "(tsbssay)", VERIFIER_TO_PAM, NO_DESCRIPTOR, SMALL},
    [MESSAGE_PAM_ANSWER] = {"pam-answer", "(tus)", PAM_TO_VERIFIER, NO_DESCRIPTOR, SMALL},
    [MESSAGE_CONNECT] = {"connect", "(tssu)", VERIFIER_TO_CONNECTOR, NO_DESCRIPTOR, SMALL},
    [MESSAGE_CONNECTED] = {"connected", "(ts)", CONNECTOR_TO_VERIFIER, 0, 1, SMALL},
    [MESSAGE_SQL_BEGIN] = {"sql-begin", "(ysays)", VERIFIER_TO_SQL, NO_DESCRIPTOR, LIST},
    [MESSAGE_SQL_QUESTION] = {"sql-question", "(tsx)", VERIFIER_TO_SQL, NO_DESCRIPTOR, SMALL},
    [MESSAGE_SQL_ANSWER] = {"sql-answer", "(tysa(ybay))", SQL_TO_VERIFIER, NO_DESCRIPTOR, SMALL},
};

static const char *const role_names[N_ROLES] = {
    [ROLE_PARENT] = "parent",       [ROLE_IDENTITY] = "identity", [ROLE_VERIFIER] = "verifier",
    [ROLE_FRONT] = "front",         [ROLE_STORE] = "store",       [ROLE_PAM] = "pam",
    [ROLE_CONNECTOR] = "connector", [ROLE_SQL] = "sql",
};

const MessageFacts *message_get_facts(guint kind) {
  return kind < N_MESSAGES ? &facts[kind] : NULL;
}

const char *role_get_name(Role role) {
  return role_names[role];
}

void message_clear(Message *message) {
  g_clear_pointer(&message->body, g_variant_unref);
  for (guint i = 0; i < message->n_descriptors; i++)
    if (message->descriptors[i] >= 0)
      close(message->descriptors[i]);
  *message = (Message)MESSAGE_INIT;
}

int message_take_descriptor(Message *message, guint index) {
  if (index >= message->n_descriptors)
    return -1;
  int descriptor = message->descriptors[index];
  message->descriptors[index] = -1;
  return descriptor;
}

typedef struct {
  gsize size;
  guint8 bytes[] __attribute__((aligned(16)));
} WipedBytes;

static void free_wiped(gpointer data) {
  WipedBytes *wiped = data;
  secret_free(wiped, sizeof(WipedBytes) + wiped->size);
}

/* A variant on a copy of its own, aligned as GVariant wants it: it makes no further one. */
static GVariant *new_wiped_variant(const GVariantType *type, const void *bytes, gsize size,
                                   gboolean trusted) {
  WipedBytes *wiped = secret_alloc(sizeof(WipedBytes) + size);
  wiped->size = size;
  if (size > 0)
    memcpy(wiped->bytes, bytes, size);
  return g_variant_new_from_data(type, wiped->bytes, size, trusted, free_wiped, wiped);
}

GVariant *message_secret_new(const void *bytes, gsize size) {
  return new_wiped_variant(G_VARIANT_TYPE_BYTESTRING, bytes, size, TRUE);
}

static const MessageFacts *check_head(Role from, Role to, const guint8 *bytes, gsize size,
                                      guint n_descriptors, GError **error) {
  const MessageFacts *row = size > 0 ? message_get_facts(bytes[0]) : NULL;
  if (row == NULL)
    error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS,
              "A message of no known kind came from the %s", role_get_name(from));
  else if (row->from != from || row->to != to)
    error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS,
              "A message '%s' does not go from the %s to the %s", row->name, role_get_name(from),
              role_get_name(to));
  else if (size - 1 > row->max_bytes)
    error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS,
              "A message '%s' of %" G_GSIZE_FORMAT " bytes is too long", row->name, size - 1);
  else if (n_descriptors < row->min_descriptors || n_descriptors > row->max_descriptors)
    error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS, "A message '%s' came with %u descriptors",
              row->name, n_descriptors);
  else
    return row;
  return NULL;
}

GVariant *message_decode(Role from, Role to, const guint8 *bytes, gsize size, guint n_descriptors,
                         MessageKind *kind, GError **error) {
  const MessageFacts *row = check_head(from, to, bytes, size, n_descriptors, error);
  if (row == NULL)
    return NULL;
  g_autoptr(GVariant) body = g_variant_ref_sink(
      new_wiped_variant(G_VARIANT_TYPE(row->signature), bytes + 1, size - 1, FALSE));
  if (!g_variant_is_normal_form(body)) {
    error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS, "The body of a message '%s' is malformed",
              row->name);
    return NULL;
  }
  *kind = (MessageKind)(row - facts);
  return g_steal_pointer(&body);
}
