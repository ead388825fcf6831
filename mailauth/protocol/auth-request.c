/* SPDX-License-Identifier: MIT */
/* auth-request.h: an address checked, an outcome in three words. */
#include "mailauth/protocol/auth-request.h"

#include <net/if.h>
#include <netinet/in.h>
#include <string.h>

#include "mailauth/base/client-address.h"
#include "mailauth/base/limits.h"

void auth_request_clear(AuthRequest *request) {
  credentials_clear(&request->credentials);
  g_free(request->address);
  g_free(request->service);
  *request = (AuthRequest){0};
}

/* Printed anew, so that a client has one address here and in POP3 and IMAP. A link-local one may
 * come with its interface. */
char *auth_address_new(const char *text, gsize size) {
  ClientAddress address;
  if (size == 0 || size >= INET6_ADDRSTRLEN + IF_NAMESIZE || memchr(text, '\0', size) != NULL)
    return NULL;
  g_autofree char *whole = g_strndup(text, size);
  g_autofree char *number = g_strndup(whole, strcspn(whole, "%"));
  return client_address_parse(number, &address) ? client_address_format(&address) : NULL;
}

char *auth_service_new(const char *text, gsize size) {
  if (size == 0 || size > MAX_AUTH_SERVICE)
    return NULL;
  for (gsize i = 0; i < size; i++)
    if (!g_ascii_isalnum(text[i]) && text[i] != '-' && text[i] != '_')
      return NULL;
  return g_ascii_strdown(text, (gssize)size);
}

AuthVerdict auth_verdict_from_outcome(Outcome outcome) {
  if (outcome == OUTCOME_OK)
    return AUTH_RIGHT;
  return outcome_is_client_failure(outcome) || outcome == OUTCOME_HELD_BACK ? AUTH_WRONG
                                                                            : AUTH_OUTAGE;
}
