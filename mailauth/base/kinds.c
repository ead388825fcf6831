/* SPDX-License-Identifier: MIT */
/* The names of mechanisms, as clients and settings write them. */
#include "mailauth/base/kinds.h"

#include <glib.h>

static const char *const mechanism_names[N_MECHANISMS] = {
    [MECHANISM_PLAIN] = "PLAIN",
    [MECHANISM_LOGIN] = "LOGIN",
    [MECHANISM_SCRAM] = "SCRAM-SHA-256",
    [MECHANISM_SCRAM_PLUS] = "SCRAM-SHA-256-PLUS",
};

const char *mechanism_get_name(Mechanism mechanism) {
  return mechanism_names[mechanism];
}

Mechanism mechanism_find(const char *name) {
  guint i = 0;
  while (i < N_MECHANISMS && g_ascii_strcasecmp(mechanism_names[i], name) != 0)
    i++;
  return (Mechanism)i;
}
