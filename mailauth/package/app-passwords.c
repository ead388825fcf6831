/* SPDX-License-Identifier: MIT */
/* See app-passwords.h. A limit that can't be read must not let anybody in. */
#include "mailauth/package/app-passwords.h"

#include "mailauth/base/limits.h"
#include "mailauth/base/secret.h"
#include "mailauth/hashes/hash.h"

static void app_password_free(gpointer data) {
  AppPassword *app = data;
  g_free(app->label);
  secret_free_text(app->hash);
  g_free(app->kind);
  g_strfreev(app->protocols);
  g_free(app);
}

static char *read_hash(const RegistryView *accounts, const char *key) {
  static const char *const names[] = {"Password", NULL};
  return registry_view_get_string(accounts, key, names, NULL);
}

static void read_protocols(const RegistryView *accounts, const char *key, AppPassword *app) {
  static const char *const names[] = {"Protocols", NULL};
  g_autoptr(GError) error = NULL;
  app->protocols = registry_view_get_strings(accounts, key, names, &error);
  if (error != NULL && !g_error_matches(error, REGISTRY_ERROR, REGISTRY_ERROR_VALUE_NOT_FOUND))
    app->fault = "can't be used: its Protocols are no REG_MULTI_SZ";
}

static void read_expires(const RegistryView *accounts, const char *key, AppPassword *app) {
  const RegistryValue *value = registry_view_get(accounts, key, "Expires");
  app->expires = G_MAXUINT64;
  if (value != NULL && !registry_value_get_uint64(value, &app->expires))
    app->fault = "can't be used: its Expires is no REG_QWORD";
}

/* NULL: its hash can't be proved. */
static AppPassword *read_one(const RegistryView *accounts, const char *key, const char *label) {
  g_autoptr(SecretText) hash = read_hash(accounts, key);
  char *kind = hash != NULL ? hash_dup_kind(hash) : NULL;
  if (kind == NULL)
    return NULL;
  AppPassword *app = g_new0(AppPassword, 1);
  app->label = g_strdup(label);
  app->hash = g_steal_pointer(&hash);
  app->kind = kind;
  read_protocols(accounts, key, app);
  read_expires(accounts, key, app);
  return app;
}

GPtrArray *app_passwords_read(const RegistryView *accounts, const char *account) {
  GPtrArray *apps = g_ptr_array_new_with_free_func(app_password_free);
  g_autofree char *parent = g_strconcat(account, "\\" APP_PASSWORDS_KEY, NULL);
  g_auto(GStrv) labels = registry_view_list_keys(accounts, parent);
  for (guint i = 0; labels != NULL && labels[i] != NULL && apps->len < MAX_APP_PASSWORDS; i++) {
    g_autofree char *key = g_strconcat(parent, "\\", labels[i], NULL);
    AppPassword *app = read_one(accounts, key, labels[i]);
    if (app != NULL)
      g_ptr_array_add(apps, app);
  }
  return apps;
}

static gboolean is_for(const AppPassword *app, const char *service) {
  if (app->protocols == NULL || *app->protocols == NULL)
    return TRUE;
  for (char **each = app->protocols; service != NULL && *each != NULL; each++)
    if (g_ascii_strcasecmp(*each, service) == 0)
      return TRUE;
  return FALSE;
}

const char *app_password_find_refusal(const AppPassword *app, const char *service, gint64 now) {
  if (app->fault != NULL)
    return app->fault;
  if (now < 0 || app->expires <= (guint64)now)
    return "has expired";
  return is_for(app, service) ? NULL : "is for other protocols";
}

void app_passwords_note_unusable(const RegistryView *accounts, const char *account,
                                 Unusable *unusable) {
  g_autofree char *parent = g_strconcat(account, "\\" APP_PASSWORDS_KEY, NULL);
  g_auto(GStrv) labels = registry_view_list_keys(accounts, parent);
  for (guint i = 0; labels != NULL && labels[i] != NULL; i++) {
    g_autofree char *key = g_strconcat(parent, "\\", labels[i], NULL);
    g_autoptr(SecretText) hash = read_hash(accounts, key);
    unusable_note(unusable, key, hash);
  }
}
