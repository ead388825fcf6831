/* SPDX-License-Identifier: MIT */
/* See refusals.h. */
#include "mailauth/front/refusals.h"

#include "mailauth/base/limits.h"

#define SECOND 1000000

struct Refusals {
  FrontChannel *verifier;
  gint64 second; /* monotonic, of those below */
  guint told;
  guint counted[N_LOGIN_PROTOCOLS][N_OUTCOMES]; /* and not told */
};

Refusals *refusals_new(FrontChannel *verifier) {
  Refusals *refusals = g_new0(Refusals, 1);
  refusals->verifier = verifier;
  return refusals;
}

void refusals_free(Refusals *refusals) {
  g_free(refusals);
}

static gboolean may_tell(Refusals *refusals) {
  gint64 second = g_get_monotonic_time() / SECOND;
  if (second != refusals->second)
    refusals->told = 0;
  refusals->second = second;
  return front_channel_is_free(refusals->verifier) && refusals->told++ < MAX_REFUSALS_TOLD;
}

static void send_refusal(Refusals *refusals, const Refusal *refusal, guint count) {
  g_autofree char *address =
      refusal->address == NULL ? g_strdup("") : client_address_format(refusal->address);
  front_channel_send(refusals->verifier, MESSAGE_INCIDENT,
                     g_variant_new("(tuysssust)", (guint64)0, (guint32)refusal->outcome,
                                   (guchar)refusal->protocol, "", address, "", (guint32)count,
                                   refusal->detail, refusal->session));
}

void refusals_tell(Refusals *refusals, const Refusal *refusal) {
  guint *counted = &refusals->counted[refusal->protocol][refusal->outcome];
  guint count = *counted + 1;
  *counted = may_tell(refusals) ? 0 : count;
  if (*counted == 0)
    send_refusal(refusals, refusal, count);
}

void refusals_flush(Refusals *refusals) {
  for (guint protocol = 0; protocol < N_LOGIN_PROTOCOLS; protocol++)
    for (guint outcome = 0; outcome < N_OUTCOMES; outcome++) {
      guint count = refusals->counted[protocol][outcome];
      const Refusal refusal = {(Outcome)outcome, (Protocol)protocol, NULL, 0,
                               "more than could be told one by one"};
      refusals->counted[protocol][outcome] = 0;
      if (count > 0)
        send_refusal(refusals, &refusal, count);
    }
}
