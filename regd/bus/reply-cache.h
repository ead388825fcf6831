/* SPDX-License-Identifier: MIT */
/* Answers that were given, kept to be given again: to build the answer to a read
 * costs libdbus more than the read, and to copy it a quarter of that. */
#ifndef REGD_BUS_REPLY_CACHE_H
#define REGD_BUS_REPLY_CACHE_H

#include "client/bus/dispatch.h"
#include "client/registry.h"

typedef struct Answers Answers;
Answers *answers_new(void);
void answers_free(Answers *answers);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Answers, answers_free)

/* A reply to @call with the type and data of @value, to be handed to
 * dispatch_call_reply(): NULL where they could not be appended. */
DBusMessage *answers_make(Answers *answers, DispatchCall *call, RegistryValue *value);

#endif
