/* SPDX-License-Identifier: MIT */
/* The verifier's end of the channel to a front: its logins in, verdicts out. */
#ifndef MAILAUTH_VERIFIER_FRONT_LINK_H
#define MAILAUTH_VERIFIER_FRONT_LINK_H

#include "mailauth/base/kinds.h"
#include "mailauth/events/incidents.h"
#include "mailauth/ipc/channel.h"
#include "mailauth/logins/login.h"
#include "mailauth/logins/scram-exchange.h"

typedef struct FrontLink FrontLink;

typedef struct {
  /* From the loop; the callee frees the link. @why: "" if the front ended it. */
  void (*ended)(const char *why, gpointer data);
  /* @connections: a{su}, borrowed; @lacks: SandboxLacks. */
  void (*counts)(GVariant *connections, guint lacks, gpointer data);
  /* FALSE: no front would say so. */
  gboolean (*keys_result)(const Message *message, gpointer data);
} FrontLinkEvents;

/* What a link works with; all borrowed. */
typedef struct {
  Logins *logins;
  Exchanges *exchanges;
  Incidents *incidents;
  Reporter *reporter;
  Sessions *sessions; /* what comes of the logins; may be NULL */
  Views *views;
} FrontLinkTools;

/* Takes @descriptor. @tools and @events are copied. */
FrontLink *front_link_new(int descriptor, const FrontLinkTools *tools,
                          const FrontLinkEvents *events, gpointer data);
/* Its logins are cancelled. */
void front_link_free(FrontLink *link);

Channel *front_link_get_channel(FrontLink *link);
/* FALSE if it can't be asked. */
gboolean front_link_ask_counts(FrontLink *link);

#endif
