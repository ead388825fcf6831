/* SPDX-License-Identifier: MIT */
/* The front's end of a channel to another role, on the front's poller. It sends, hands
 * on what comes, and tells when the channel has ended; its owner knows what messages
 * mean. */
#ifndef MAILAUTH_FRONT_FRONT_CHANNEL_H
#define MAILAUTH_FRONT_FRONT_CHANNEL_H

#include "mailauth/ipc/channel.h"
#include "mailauth/poll/poller.h"

typedef struct {
  /* Takes a message. FALSE: no more of them now. */
  gboolean (*take)(Message *message, gpointer data);
  /* @why: NULL if the other role has closed it. */
  void (*ended)(const char *why, gpointer data);
  /* A message could not be sent. If the channel has ended, ended() follows. May be NULL. */
  void (*unsent)(gpointer data);
  /* The poller can't watch it. */
  void (*unwatched)(gpointer data);
} FrontChannelEvents;

/* Part of its owner; all zero before front_channel_init(). */
typedef struct {
  Watch watch;
  Channel *channel; /* NULL: there is none at present */
  Role peer;
  Poller *poller;
  const FrontChannelEvents *events;
  gpointer data;
} FrontChannel;

/* Borrows @poller and @events. */
void front_channel_init(FrontChannel *channel, Role peer, Poller *poller,
                        const FrontChannelEvents *events, gpointer data);
/* Takes @descriptor. There must be no channel at present. */
void front_channel_open(FrontChannel *channel, int descriptor);
/* Closes it; it may be opened again. */
void front_channel_close(FrontChannel *channel);
/* Sends @body, or drops it if there is no channel at present. */
void front_channel_send(FrontChannel *channel, MessageKind kind, GVariant *body);
/* Whether there is a channel, and nothing waits to be sent by it. */
gboolean front_channel_is_free(const FrontChannel *channel);

#endif
