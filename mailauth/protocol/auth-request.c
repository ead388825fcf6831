/* SPDX-License-Identifier: MIT */
/* auth-request.h: an address checked, an outcome in three words. */
#include "mailauth/protocol/auth-request.h"

#include <arpa/inet.h>
#include <string.h>

#include "mailauth/base/limits.h"

void auth_request_clear(AuthRequest *request) {
  credentials_clear(&request->credentials);
  g_free(request->address);
  g_free(request->service);
  *request = (AuthRequest){0};
}

char *auth_address_new(const char *text, gsize size) {
  struct in6_addr bytes;
  if (size == 0 || size >= INET6_ADDRSTRLEN || memchr(text, '\0', size) != NULL)
    return NULL;
  g_autofree char *address = g_strndup(text, size);
  if (inet_pton(AF_INET, address, &bytes) != 1 && inet_pton(AF_INET6, address, &bytes) != 1)
    return NULL;
  return g_steal_pointer(&address);
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
