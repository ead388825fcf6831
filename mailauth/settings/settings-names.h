/* SPDX-License-Identifier: MIT */
/* Values below the keys of this server whose names are no setting's: probably mistyped. Pure. */
#ifndef MAILAUTH_SETTINGS_SETTINGS_NAMES_H
#define MAILAUTH_SETTINGS_SETTINGS_NAMES_H

#include "mailauth/settings/settings-source.h"

/* @nearest: the setting that was probably meant, or NULL. */
typedef void (*UnknownName)(SettingsKey key, const char *subkey, const char *name,
                            const char *nearest, gpointer data);

/* Calls @unknown for each, MAX_UNKNOWN_NAMES at most. */
void settings_names_check(const SettingsSource *source, UnknownName unknown, gpointer data);

/* The names that are known at @subkey of @key, in an array to free, NULL-terminated;
 * without any if no setting is there. Its strings are static. */
GPtrArray *settings_names_list(SettingsKey key, const char *subkey);

#endif
