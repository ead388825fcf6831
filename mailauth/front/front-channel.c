/* SPDX-License-Identifier: MIT */
/* See front-channel.h. */
#include "mailauth/front/front-channel.h"

#include <sys/epoll.h>

#include "client/registry.h"
#include "mailauth/base/container-of.h"
#include "mailauth/base/limits.h"

static void update_watch(FrontChannel *channel) {
  guint32 events = channel->channel == NULL                ? 0
                   : channel_wants_write(channel->channel) ? (guint32)(EPOLLIN | EPOLLOUT)
                                                           : (guint32)EPOLLIN;
  if (!poller_watch(channel->poller, &channel->watch, events))
    channel->events->unwatched(channel->data);
}

/* Until it is CHANNEL_EMPTY or CHANNEL_CLOSED, or clients are to have their turn. */
static ChannelResult receive_some(FrontChannel *channel, GError **error) {
  ChannelResult result = CHANNEL_EMPTY;
  Channel *current = channel->channel;
  guint left = MAX_MESSAGES_AT_ONCE;
  gboolean more = TRUE;
  do {
    g_auto(Message) message = MESSAGE_INIT;
    result = channel_receive(current, &message, error);
    if (result == CHANNEL_MESSAGE)
      more = channel->events->take(&message, channel->data);
  } while (result == CHANNEL_MESSAGE && --left > 0 && channel->channel == current && more);
  return result;
}

static ChannelResult serve(FrontChannel *channel, guint32 events, GError **error) {
  if ((events & EPOLLOUT) != 0 && !channel_flush(channel->channel, NULL))
    return CHANNEL_CLOSED;
  return receive_some(channel, error);
}

static void on_ready(Watch *watch, guint32 events) {
  FrontChannel *channel = container_of(watch, FrontChannel, watch);
  g_autoptr(GError) error = NULL;
  if (serve(channel, events, &error) == CHANNEL_CLOSED)
    channel->events->ended(error != NULL ? error->message : NULL, channel->data);
  else
    update_watch(channel);
}

void front_channel_init(FrontChannel *channel, Role peer, Poller *poller,
                        const FrontChannelEvents *events, gpointer data) {
  *channel = (FrontChannel){
      .watch.ready = on_ready, .peer = peer, .poller = poller, .events = events, .data = data};
}

void front_channel_open(FrontChannel *channel, int descriptor) {
  channel->channel = channel_new(descriptor, ROLE_FRONT, channel->peer);
  channel->watch.descriptor = channel_get_descriptor(channel->channel);
  update_watch(channel);
}

void front_channel_close(FrontChannel *channel) {
  if (channel->channel == NULL)
    return;
  poller_watch(channel->poller, &channel->watch, 0);
  g_clear_pointer(&channel->channel, channel_free);
}

void front_channel_send(FrontChannel *channel, MessageKind kind, GVariant *body) {
  g_autoptr(GVariant) owned = g_variant_ref_sink(body);
  g_autoptr(GError) error = NULL;
  if (channel->channel == NULL)
    return;
  if (!channel_send(channel->channel, kind, owned, NULL, 0, &error)) {
    /* Reading says why it has ended. */
    if (!g_error_matches(error, REGISTRY_ERROR, REGISTRY_ERROR_UNREACHABLE))
      g_printerr("mailauthd: front: %s\n", error->message);
    if (channel->events->unsent != NULL)
      channel->events->unsent(channel->data);
  }
  update_watch(channel);
}

gboolean front_channel_is_free(const FrontChannel *channel) {
  return channel->channel != NULL && !channel_wants_write(channel->channel);
}
