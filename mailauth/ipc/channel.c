/* SPDX-License-Identifier: MIT */
/* See channel.h. A packet is what one send passes: the kind's byte and the body
 * in one piece, wiped when it is freed. */
#include "mailauth/ipc/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "client/base/error.h"
#include "mailauth/base/secret.h"

/* Room for several of the largest messages, whatever the system's default is. */
#define SEND_BUFFER (4 * MAX_MESSAGE)
/* What nearly all messages are smaller than. */
#define SMALL_MESSAGE 2048
/* Messages handled before the loop turns to its other sources. */
#define BATCH 64

typedef struct {
  int descriptors[MAX_MESSAGE_DESCRIPTORS];
  guint n_descriptors;
  guint8 kind;
  gsize size;
  guint8 body[] __attribute__((aligned(16)));
} Packet;

struct Channel {
  int descriptor; /* -1 once freed, while a dispatch still holds it */
  Role self, peer;
  GQueue queue; /* of Packet, with descriptors of their own */
  gsize queued_bytes;
  GMainContext *context;
  GSource *reader; /* NULL while not attached */
  GSource *writer; /* NULL while nothing is queued */
  ChannelCallback callback;
  gpointer data;
};

static void free_packet(Packet *packet) {
  secret_free(packet, sizeof(Packet) + packet->size);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Packet, free_packet)

static void free_queued_packet(gpointer data) {
  Packet *packet = data;
  for (guint i = 0; i < packet->n_descriptors; i++)
    close(packet->descriptors[i]);
  free_packet(packet);
}

gboolean channel_pair(int ends[2], GError **error) {
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
    return error_set(error, REGISTRY_ERROR_FAILED, "There is no pair of sockets to be had: %s",
                     g_strerror(errno));
  return TRUE;
}

Channel *channel_new(int descriptor, Role self, Role peer) {
  const int size = SEND_BUFFER;
  Channel *channel = g_rc_box_new0(Channel);
  channel->descriptor = descriptor;
  channel->self = self;
  channel->peer = peer;
  g_queue_init(&channel->queue);
  g_unix_set_fd_nonblocking(descriptor, TRUE, NULL);
  setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  return channel;
}

static void drop_source(GSource **source) {
  if (*source == NULL)
    return;
  g_source_destroy(*source);
  g_clear_pointer(source, g_source_unref);
}

static void detach(Channel *channel) {
  drop_source(&channel->reader);
  drop_source(&channel->writer);
}

void channel_free(Channel *channel) {
  if (channel == NULL)
    return;
  detach(channel);
  g_queue_clear_full(&channel->queue, free_queued_packet);
  close(channel->descriptor);
  channel->descriptor = -1;
  g_rc_box_release(channel);
}

int channel_get_descriptor(const Channel *channel) {
  return channel->descriptor;
}

gboolean channel_wants_write(const Channel *channel) {
  return channel->queue.length > 0;
}

/* ---- receiving ---- */

static void take_descriptors(struct msghdr *header, Message *message) {
  for (struct cmsghdr *control = CMSG_FIRSTHDR(header); control != NULL;
       control = CMSG_NXTHDR(header, control)) {
    if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS)
      continue;
    gsize bytes = control->cmsg_len - CMSG_LEN(0);
    message->n_descriptors = MIN(bytes / sizeof(int), MAX_MESSAGE_DESCRIPTORS);
    memcpy(message->descriptors, CMSG_DATA(control), message->n_descriptors * sizeof(int));
  }
}

static ChannelResult check_received(Channel *channel, const struct msghdr *header,
                                    const guint8 *bytes, gsize size, Message *message,
                                    GError **error) {
  if ((header->msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0)
    error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS, "A message from the %s is too large",
              role_get_name(channel->peer));
  else
    message->body = message_decode(channel->peer, channel->self, bytes, size,
                                   message->n_descriptors, &message->kind, error);
  if (message->body != NULL)
    return CHANNEL_MESSAGE;
  message_clear(message);
  return CHANNEL_CLOSED;
}

/* @bytes: room for what comes, on the stack, which may be locked. */
static ChannelResult receive_into(Channel *channel, guint8 *bytes, gsize room, Message *message,
                                  GError **error) {
  union {
    char room[CMSG_SPACE(MAX_MESSAGE_DESCRIPTORS * sizeof(int))];
    struct cmsghdr align;
  } control;
  struct iovec part = {bytes, room};
  struct msghdr header = {.msg_iov = &part,
                          .msg_iovlen = 1,
                          .msg_control = control.room,
                          .msg_controllen = sizeof control.room};
  gssize size =
      TEMP_FAILURE_RETRY(recvmsg(channel->descriptor, &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT));
  if (size < 0)
    return errno == EAGAIN ? CHANNEL_EMPTY : CHANNEL_CLOSED;
  take_descriptors(&header, message);
  if (size == 0 && message->n_descriptors == 0)
    return CHANNEL_CLOSED;
  ChannelResult result = check_received(channel, &header, bytes, (gsize)size, message, error);
  explicit_bzero(bytes, (gsize)size);
  return result;
}

static ChannelResult receive_small(Channel *channel, Message *message, GError **error) {
  guint8 bytes[SMALL_MESSAGE];
  return receive_into(channel, bytes, sizeof bytes, message, error);
}

G_NO_INLINE static ChannelResult receive_large(Channel *channel, Message *message, GError **error) {
  guint8 bytes[MAX_MESSAGE];
  return receive_into(channel, bytes, sizeof bytes, message, error);
}

/* Each page of the room is touched when it is made: for a process that has just been
 * split off, and the one that it was split off, each would be a page to copy. */
ChannelResult channel_receive(Channel *channel, Message *message, GError **error) {
  *message = (Message)MESSAGE_INIT;
  gssize size =
      TEMP_FAILURE_RETRY(recv(channel->descriptor, NULL, 0, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT));
  if (size < 0)
    return errno == EAGAIN ? CHANNEL_EMPTY : CHANNEL_CLOSED;
  return size > SMALL_MESSAGE ? receive_large(channel, message, error)
                              : receive_small(channel, message, error);
}

/* ---- sending ---- */

static gboolean pass_packet(int descriptor, Packet *packet) {
  union {
    char room[CMSG_SPACE(MAX_MESSAGE_DESCRIPTORS * sizeof(int))];
    struct cmsghdr head;
  } control = {0};
  struct iovec parts[] = {{&packet->kind, 1}, {packet->body, packet->size}};
  struct msghdr header = {.msg_iov = parts, .msg_iovlen = G_N_ELEMENTS(parts)};
  gsize bytes = packet->n_descriptors * sizeof(int);
  if (bytes > 0) {
    header.msg_control = control.room;
    header.msg_controllen = CMSG_SPACE(bytes);
    control.head.cmsg_level = SOL_SOCKET;
    control.head.cmsg_type = SCM_RIGHTS;
    control.head.cmsg_len = CMSG_LEN(bytes);
    memcpy(CMSG_DATA(&control.head), packet->descriptors, bytes);
  }
  return TEMP_FAILURE_RETRY(sendmsg(descriptor, &header, MSG_NOSIGNAL | MSG_DONTWAIT)) >= 0;
}

/* What clears by itself: the peer has yet to read. */
static gboolean is_passing(int number) {
  return number == EAGAIN || number == ENOBUFS || number == ETOOMANYREFS;
}

static gboolean set_gone(const Channel *channel, int number, GError **error) {
  return error_set(error, REGISTRY_ERROR_UNREACHABLE, "The %s has gone: %s",
                   role_get_name(channel->peer), g_strerror(number));
}

static gboolean on_writable(int descriptor, GIOCondition condition, gpointer data);

/* A callback runs no loop: else GLib would take the descriptor out of its set for
 * its length, and wake itself up twice for that. */
static GSource *add_source(Channel *channel, GIOCondition condition, GUnixFDSourceFunc callback) {
  GSource *source = g_unix_fd_source_new(channel->descriptor, condition);
  g_source_set_can_recurse(source, TRUE);
  g_source_set_callback(source, G_SOURCE_FUNC(callback), channel, NULL);
  g_source_attach(source, channel->context);
  return source;
}

static void watch_for_writing(Channel *channel) {
  if (!channel_wants_write(channel))
    drop_source(&channel->writer);
  else if (channel->reader != NULL && channel->writer == NULL)
    channel->writer = add_source(channel, G_IO_OUT, on_writable);
}

gboolean channel_flush(Channel *channel, GError **error) {
  Packet *packet;
  while ((packet = g_queue_peek_head(&channel->queue)) != NULL) {
    if (!pass_packet(channel->descriptor, packet))
      return is_passing(errno) || set_gone(channel, errno, error);
    channel->queued_bytes -= packet->size;
    free_queued_packet(g_queue_pop_head(&channel->queue));
    watch_for_writing(channel);
  }
  return TRUE;
}

/* The packet outlives the caller's descriptors, so it gets its own. */
static gboolean own_descriptors(Packet *packet, GError **error) {
  for (guint i = 0; i < packet->n_descriptors; i++) {
    int own = fcntl(packet->descriptors[i], F_DUPFD_CLOEXEC, 0);
    if (own < 0) {
      int number = errno;
      while (i > 0)
        close(packet->descriptors[--i]);
      return error_set(error, REGISTRY_ERROR_LIMIT_EXCEEDED,
                       "A descriptor that waits to be sent can't be kept: %s", g_strerror(number));
    }
    packet->descriptors[i] = own;
  }
  return TRUE;
}

/* What is lost would be missed: so both sides learn that it ends here. */
static gboolean enqueue(Channel *channel, Packet *packet, GError **error) {
  g_autoptr(Packet) owned = packet;
  gboolean full = channel->queued_bytes + packet->size > MAX_CHANNEL_QUEUE ||
                  channel->queue.length >= MAX_CHANNEL_QUEUED_MESSAGES;
  if (full)
    error_set(error, REGISTRY_ERROR_LIMIT_EXCEEDED, "The %s does not read its messages",
              role_get_name(channel->peer));
  if (full || !own_descriptors(packet, error)) {
    shutdown(channel->descriptor, SHUT_RDWR);
    return FALSE;
  }
  channel->queued_bytes += packet->size;
  g_queue_push_tail(&channel->queue, g_steal_pointer(&owned));
  watch_for_writing(channel);
  return TRUE;
}

static gboolean check_sendable(const Channel *channel, MessageKind kind, GVariant *body,
                               guint n_descriptors, GError **error) {
  const MessageFacts *row = message_get_facts(kind);
  if (row != NULL && row->from == channel->self && row->to == channel->peer &&
      g_variant_is_of_type(body, G_VARIANT_TYPE(row->signature)) &&
      g_variant_get_size(body) <= row->max_bytes && n_descriptors >= row->min_descriptors &&
      n_descriptors <= row->max_descriptors)
    return TRUE;
  return error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS,
                   "A message '%s' for the %s is malformed", row != NULL ? row->name : "?",
                   role_get_name(channel->peer));
}

static Packet *make_packet(MessageKind kind, GVariant *body, const int *descriptors,
                           guint n_descriptors) {
  gsize size = g_variant_get_size(body);
  Packet *packet = secret_alloc(sizeof(Packet) + size);
  packet->kind = (guint8)kind;
  packet->size = size;
  packet->n_descriptors = n_descriptors;
  for (guint i = 0; i < n_descriptors; i++)
    packet->descriptors[i] = descriptors[i];
  g_variant_store(body, packet->body);
  return packet;
}

gboolean channel_send(Channel *channel, MessageKind kind, GVariant *body, const int *descriptors,
                      guint n_descriptors, GError **error) {
  g_autoptr(GVariant) owned = g_variant_ref_sink(body != NULL ? body : g_variant_new("()"));
  if (!check_sendable(channel, kind, owned, n_descriptors, error) || !channel_flush(channel, error))
    return FALSE;
  g_autoptr(Packet) packet = make_packet(kind, owned, descriptors, n_descriptors);
  if (channel_wants_write(channel))
    return enqueue(channel, g_steal_pointer(&packet), error);
  if (pass_packet(channel->descriptor, packet))
    return TRUE;
  return is_passing(errno) ? enqueue(channel, g_steal_pointer(&packet), error)
                           : set_gone(channel, errno, error);
}

/* ---- on a main context ---- */

static void end(Channel *channel, const GError *error) {
  detach(channel);
  channel->callback(channel, NULL, error, channel->data);
}

/* FALSE once there is no more to be done now, or ever. */
static gboolean deliver_one(Channel *channel) {
  g_auto(Message) message = MESSAGE_INIT;
  g_autoptr(GError) error = NULL;
  ChannelResult result = channel_receive(channel, &message, &error);
  if (result == CHANNEL_MESSAGE)
    channel->callback(channel, &message, NULL, channel->data);
  else if (result == CHANNEL_CLOSED)
    end(channel, error);
  return result == CHANNEL_MESSAGE && channel->reader != NULL;
}

/* A peer that has gone is learnt from reading, after what it still had to say. */
static gboolean on_writable(G_GNUC_UNUSED int descriptor, G_GNUC_UNUSED GIOCondition condition,
                            gpointer data) {
  Channel *channel = data;
  if (!channel_flush(channel, NULL))
    drop_source(&channel->writer);
  return G_SOURCE_CONTINUE;
}

static gboolean on_readable(G_GNUC_UNUSED int descriptor, G_GNUC_UNUSED GIOCondition condition,
                            gpointer data) {
  Channel *channel = g_rc_box_acquire(data);
  for (guint i = 0; i < BATCH && deliver_one(channel); i++)
    continue;
  g_rc_box_release(channel);
  return G_SOURCE_CONTINUE;
}

void channel_attach(Channel *channel, GMainContext *context, ChannelCallback callback,
                    gpointer data) {
  g_return_if_fail(channel->reader == NULL);
  channel->context = context;
  channel->callback = callback;
  channel->data = data;
  channel->reader = add_source(channel, G_IO_IN, on_readable);
  watch_for_writing(channel);
}
