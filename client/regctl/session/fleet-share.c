/* SPDX-License-Identifier: MIT */
/* See fleet-share.h. */
#include "client/regctl/session/fleet-share.h"

#include <string.h>

#include "client/base/error.h"
#include "client/base/number.h"

gboolean fleet_share_parse(const char *option, const char *text, FleetShare *share,
                           GError **error) {
  *share = (FleetShare){.percent = 100};
  if (text == NULL)
    return TRUE;
  gboolean is_percent = g_str_has_suffix(text, "%");
  g_autofree char *digits = g_strndup(text, strlen(text) - (is_percent ? 1 : 0));
  guint64 number = 0;
  if (!number_parse(digits, is_percent ? 100 : G_MAXUINT32, &number) || number == 0)
    return error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS,
                     "%s: %s is neither a number of hosts, like 12, nor a share of them, like 90%%",
                     option, text);
  *(is_percent ? &share->percent : &share->hosts) = (guint32)number;
  return TRUE;
}
