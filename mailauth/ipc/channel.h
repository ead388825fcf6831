/* SPDX-License-Identifier: MIT */
/* The channel between two roles: messages of messages.h over a SOCK_SEQPACKET pair. It
 * does the I/O, never blocks, and queues what the peer does not read yet. It does not
 * know what messages mean. */
#ifndef MAILAUTH_IPC_CHANNEL_H
#define MAILAUTH_IPC_CHANNEL_H

#include "mailauth/ipc/messages.h"

/* One end of a pair. Not for more than one thread at a time. */
typedef struct Channel Channel;

/* A connected pair of sockets, close-on-exec. FALSE and FAILED if the system has none. */
gboolean channel_pair(int ends[2], GError **error);

/* Takes @descriptor (made non-blocking); @self and @peer say which kinds may pass. */
Channel *channel_new(int descriptor, Role self, Role peer);
/* Closes it; what is queued is wiped and lost. NULL is fine. */
void channel_free(Channel *channel);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Channel, channel_free)

/* For poll or epoll: wait for reading always, for writing while channel_wants_write(). */
int channel_get_descriptor(const Channel *channel);
gboolean channel_wants_write(const Channel *channel);

typedef enum {
  CHANNEL_MESSAGE, /* *message is filled in: message_clear() it */
  CHANNEL_EMPTY,   /* nothing there now */
  CHANNEL_CLOSED,  /* the peer has gone (no error), or has sent what it may not (error): free it */
} ChannelResult;

/* @message: cleared before (MESSAGE_INIT). Call until it is CHANNEL_EMPTY. */
ChannelResult channel_receive(Channel *channel, Message *message, GError **error);

/* Sends or queues. @body may be floating and is consumed, also on failure;
 * NULL stands for (). @descriptors are borrowed: close them afterwards.
 * INVALID_ARGUMENTS: not what the kind's row says (a fault of the caller).
 * LIMIT_EXCEEDED: the peer does not read. UNREACHABLE: the peer has gone. In the
 * last two cases the channel is of no more use, and receiving from it ends, for
 * both sides: who waits for messages hears of it, and frees it. */
gboolean channel_send(Channel *channel, MessageKind kind, GVariant *body, const int *descriptors,
                      guint n_descriptors, GError **error);
/* Sends what is queued, as far as it goes. UNREACHABLE: the peer has gone. */
gboolean channel_flush(Channel *channel, GError **error);

/* For roles on a GMainContext. @message is NULL when the channel has ended
 * (@error then says why, or is NULL for a plain end): free it, or detach. The
 * callback may free the channel. */
typedef void (*ChannelCallback)(Channel *channel, Message *message, const GError *error,
                                gpointer data);
/* Receives and flushes on @context (NULL: the default one) until the channel is
 * freed or ended. Once a channel. */
void channel_attach(Channel *channel, GMainContext *context, ChannelCallback callback,
                    gpointer data);

#endif
