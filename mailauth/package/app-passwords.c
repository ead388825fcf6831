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

void app_password_take_limits(AppPassword *app, const RegistryValue *protocols,
                              const RegistryValue *expires) {
  app->expires = G_MAXUINT64;
  app->protocols = protocols != NULL ? registry_value_dup_strings(protocols) : NULL;
  if (protocols != NULL && app->protocols == NULL)
    app->fault = "can't be used: its Protocols are no REG_MULTI_SZ";
  if (expires != NULL && !registry_value_get_uint64(expires, &app->expires))
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
  app_password_take_limits(app, registry_view_get(accounts, key, "Protocols"),
                           registry_view_get(accounts, key, "Expires"));
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
