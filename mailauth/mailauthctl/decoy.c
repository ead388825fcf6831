/* SPDX-License-Identifier: MIT */
/* See decoy.h. The key is made once: false salts must stay as they are from then on. */
#include "mailauth/mailauthctl/decoy.h"

#include <string.h>

#include "client/base/error.h"
#include "mailauth/package/sam.h"
#include "mailauth/package/survey.h"
#include "mailauth/protocol/scram-keys.h"

/* FALSE also if that can't be told. */
static gboolean is_missing(RegistryConnection *connection) {
  g_autoptr(GError) problem = NULL;
  g_autoptr(RegistryValue) there =
      registry_get_value(connection, ACCOUNTS_PATH, DECOY_KEY_VALUE, &problem);
  return there == NULL &&
         (g_error_matches(problem, REGISTRY_ERROR, REGISTRY_ERROR_VALUE_NOT_FOUND) ||
          g_error_matches(problem, REGISTRY_ERROR, REGISTRY_ERROR_KEY_NOT_FOUND));
}

gboolean decoy_add(Ctl *ctl, RegistryTransaction *transaction, gboolean *made, GError **error) {
  guint8 bytes[SCRAM_DECOY_BYTES];
  RegistryConnection *connection = ctl_connect(ctl, error);
  *made = FALSE;
  if (connection == NULL)
    return FALSE;
  if (!is_missing(connection))
    return TRUE;
  if (!scram_keys_make_decoy(bytes))
    return error_set(error, REGISTRY_ERROR_FAILED, "no random bytes can be had from the system");
  g_autoptr(RegistryValue) value = registry_value_new_bytes(REGISTRY_BINARY, bytes, sizeof bytes);
  registry_transaction_set_value(transaction, ACCOUNTS_PATH, DECOY_KEY_VALUE, value);
  explicit_bzero(bytes, sizeof bytes);
  *made = TRUE;
  return TRUE;
}
