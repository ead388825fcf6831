/* SPDX-License-Identifier: MIT */
/* What settings are read from: the live views, or rows of a test. */
#ifndef MAILAUTH_SETTINGS_SETTINGS_SOURCE_H
#define MAILAUTH_SETTINGS_SETTINGS_SOURCE_H

#include "mailauth/settings/settings.h"

/* Where the settings come from. Borrowed values, as registry_view_get(). */
typedef struct {
  RegistryViewState (*get_state)(SettingsKey key, gpointer data);
  const RegistryValue *(*get)(SettingsKey key, const char *subkey, const char *name, gpointer data);
  gboolean (*has_key)(SettingsKey key, const char *subkey, gpointer data);
  /* The names of direct sub-keys; owned by the caller. */
  char **(*list_keys)(SettingsKey key, const char *subkey, gpointer data);
  /* The names of values, likewise; NULL: there is no such key. */
  char **(*list_values)(SettingsKey key, const char *subkey, gpointer data);
  gpointer data;
} SettingsSource;

#endif
