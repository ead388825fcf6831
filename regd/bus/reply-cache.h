/* SPDX-License-Identifier: MIT */
/* A cache of replies to GetValue: to build a reply costs libdbus more than the read, and
 * to copy one a quarter of that. */
#ifndef REGD_BUS_REPLY_CACHE_H
#define REGD_BUS_REPLY_CACHE_H

#include "client/bus/dispatch.h"
#include "client/registry.h"

typedef struct ReplyCache ReplyCache;
ReplyCache *reply_cache_new(void);
void reply_cache_free(ReplyCache *replies);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ReplyCache, reply_cache_free)

/* A reply to @call with the type and data of @value, for dispatch_call_reply(). NULL if they
 * could not be appended. */
DBusMessage *reply_cache_make(ReplyCache *replies, DispatchCall *call, RegistryValue *value);

#endif
