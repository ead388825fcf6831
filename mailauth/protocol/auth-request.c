/* SPDX-License-Identifier: MIT */
/* auth-request.h: an address checked, an outcome in three words. */
#include "mailauth/protocol/auth-request.h"

#include <arpa/inet.h>
#include <string.h>

void auth_request_clear(AuthRequest *request) {
  credentials_clear(&request->credentials);
  g_free(request->address);
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

AuthVerdict auth_verdict_from_outcome(Outcome outcome) {
  if (outcome == OUTCOME_OK)
    return AUTH_RIGHT;
  return outcome_is_client_failure(outcome) || outcome == OUTCOME_HELD_BACK ? AUTH_WRONG
                                                                            : AUTH_OUTAGE;
}
