/* SPDX-License-Identifier: MIT */
/* How settings are read: from whatever serves the keys. Pure. */
#ifndef MAILAUTH_SETTINGS_SETTINGS_READ_H
#define MAILAUTH_SETTINGS_SETTINGS_READ_H

#include "mailauth/settings/settings-source.h"

/* Never fails: what can't be used is among the problems. A key that was never
 * read yet (WAITING) is a problem for all logins. */
Settings *settings_new(const SettingsSource *source);

#endif
