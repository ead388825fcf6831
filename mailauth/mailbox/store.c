/* SPDX-License-Identifier: MIT */
/* See store.h. The process does one thing at a time. It may wait for the client to speak
 * or to read, but never longer than the idle timeout. Its watchdog ends it if it hangs: no
 * other process knows its pid but the one that it was split off, which may hang as well,
 * and nobody could open the mailbox as long as it is locked. */
#include "mailauth/mailbox/store.h"

#include <errno.h>
#include <glib-unix.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/base/error.h"
#include "mailauth/base/limits.h"
#include "mailauth/base/outcome.h"
#include "mailauth/mailbox/maildir.h"
#include "mailauth/mailbox/pop3-body.h"
#include "mailauth/mailbox/pop3-maildrop.h"
#include "mailauth/packed/packed.h"
#include "mailauth/process/sandbox.h"
#include "mailauth/process/watchdog.h"

#define INPUT_SIZE 4096
/* What is waited for at most, in s, whatever the setting says. */
#define LONGEST_WAIT 86400
/* It waits in slices of SLICE_MS, and is killed when it is late for the next by
 * GRACE_SECONDS; and when one step on the disk takes MAILDIR_STEP_SECONDS. */
#define SLICE_MS 10000
#define GRACE_SECONDS 20

typedef struct {
  Watchdog *watchdog; /* borrowed; NULL: none */
  int socket;
  int timeout; /* ms */
  Maildir *maildir;
  Pop3Maildrop *maildrop;
  GString *out;
  const StoreHooks *hooks;
} StoreSession;

/* ---- waiting for the client ---- */

/* @timeout in ms; G_MAXINT: however long it takes. */
static gboolean wait_for_descriptor(Watchdog *watchdog, int descriptor, short events, int timeout) {
  struct pollfd waiting = {.fd = descriptor, .events = events};
  int ready = 0;
  for (int left = timeout; left > 0 && ready == 0; left -= timeout == G_MAXINT ? 0 : SLICE_MS) {
    int slice = MIN(left, SLICE_MS);
    watchdog_extend(watchdog, (guint)slice / 1000 + GRACE_SECONDS);
    ready = TEMP_FAILURE_RETRY(poll(&waiting, 1, slice));
  }
  watchdog_extend(watchdog, MAILDIR_STEP_SECONDS);
  return ready > 0;
}

static gboolean wait_for(const StoreSession *session, short events) {
  return wait_for_descriptor(session->watchdog, session->socket, events, session->timeout);
}

/* FALSE: the client has gone, or does not read. */
static gboolean write_out(StoreSession *session) {
  const char *bytes = session->out->str;
  gsize left = session->out->len;
  while (left > 0) {
    gssize sent =
        TEMP_FAILURE_RETRY(send(session->socket, bytes, left, MSG_NOSIGNAL | MSG_DONTWAIT));
    if (sent < 0 && (errno != EAGAIN || !wait_for(session, POLLOUT)))
      return FALSE;
    bytes += MAX(sent, 0);
    left -= (gsize)MAX(sent, 0);
  }
  g_string_truncate(session->out, 0);
  return TRUE;
}

/* FALSE: the client has gone, or says nothing. */
static gboolean read_input(StoreSession *session) {
  char bytes[INPUT_SIZE];
  if (!wait_for(session, POLLIN))
    return FALSE;
  gssize size = TEMP_FAILURE_RETRY(recv(session->socket, bytes, sizeof bytes, MSG_DONTWAIT));
  if (size <= 0)
    return size < 0 && errno == EAGAIN;
  pop3_maildrop_feed(session->maildrop, bytes, (gsize)size);
  return TRUE;
}

/* ---- what the maildrop asks for ---- */

/* FALSE if the message could not be read to its end, which the client must not take for
 * its end, or if the client has gone. */
static gboolean send_body(StoreSession *session, PackedReader *reader, guint lines) {
  Pop3Body body;
  gboolean wanted = TRUE;
  const char *bytes = NULL;
  gssize size = 0;
  pop3_body_init(&body, lines);
  while (wanted && (size = packed_reader_read(reader, &bytes, NULL)) > 0) {
    watchdog_extend(session->watchdog, MAILDIR_STEP_SECONDS);
    wanted = pop3_body_add(&body, bytes, (gsize)size, session->out);
    if (!write_out(session))
      return FALSE;
  }
  pop3_body_finish(&body, session->out);
  return size >= 0;
}

/* What is packed is read to its end first: a client that has been told +OK may delete the
 * message, whatever comes after. */
static gboolean check_message(StoreSession *session, guint index, PackedReader *reader,
                              GError **error) {
  Pop3Measure measure = POP3_MEASURE_INIT;
  const char *bytes = NULL;
  gssize size;
  if (!packed_reader_begin(reader, error))
    return FALSE;
  if (!packed_reader_is_packed(reader))
    return TRUE;
  while ((size = packed_reader_read(reader, &bytes, error)) > 0) {
    pop3_measure_add(&measure, bytes, (gsize)size);
    watchdog_extend(session->watchdog, MAILDIR_STEP_SECONDS);
  }
  if (size < 0)
    return FALSE;
  pop3_maildrop_set_size(session->maildrop, index, pop3_measure_finish(&measure));
  return packed_reader_rewind(reader, error);
}

/* The event is recorded before the client is answered. */
static void refuse_message(StoreSession *session, guint index, const GError *error) {
  g_autofree char *problem =
      g_strdup_printf("message %u, file %s: %s", index + 1,
                      maildir_get_file_name(session->maildir, index), error->message);
  if (session->hooks->unreadable != NULL)
    session->hooks->unreadable(problem, session->hooks->data);
  pop3_maildrop_refuse_message(session->maildrop, index, session->out);
}

static gboolean send_open_message(StoreSession *session, const Pop3Request *request, int file) {
  g_autoptr(PackedReader) reader = packed_reader_new(file);
  g_autoptr(GError) error = NULL;
  gboolean readable = check_message(session, request->index, reader, &error);
  if (!readable && packed_reader_is_packed(reader)) {
    refuse_message(session, request->index, error);
    return TRUE;
  }
  pop3_maildrop_begin_message(session->maildrop, request->index, readable, session->out);
  return !readable || send_body(session, reader, request->lines);
}

static gboolean send_message(StoreSession *session, const Pop3Request *request) {
  int file = maildir_open_message(session->maildir, request->index, NULL);
  if (file < 0) {
    pop3_maildrop_begin_message(session->maildrop, request->index, FALSE, session->out);
    return TRUE;
  }
  gboolean sent = send_open_message(session, request, file);
  close(file);
  return sent;
}

static void release(StoreSession *session) {
  maildir_save_sizes(session->maildir);
  g_clear_pointer(&session->maildir, maildir_close);
}

static void update(StoreSession *session) {
  guint n = maildir_get_count(session->maildir);
  guint n_failed = 0;
  for (guint i = 0; i < n; i++) {
    watchdog_extend(session->watchdog, MAILDIR_STEP_SECONDS);
    if (pop3_maildrop_is_deleted(session->maildrop, i))
      n_failed += !maildir_remove(session->maildir, i, NULL);
  }
  release(session);
  pop3_maildrop_finish(session->maildrop, n_failed, session->out);
  write_out(session);
}

/* TRUE while the session goes on. */
static gboolean serve_step(StoreSession *session) {
  Pop3Request request = {0};
  watchdog_extend(session->watchdog, MAILDIR_STEP_SECONDS);
  switch (pop3_maildrop_step(session->maildrop, session->out, &request)) {
  case POP3_MAILDROP_INPUT:
    return write_out(session) && read_input(session);
  case POP3_MAILDROP_OUTPUT:
    return write_out(session);
  case POP3_MAILDROP_MEASURE:
    pop3_maildrop_set_size(session->maildrop, request.index,
                           maildir_measure(session->maildir, request.index));
    return TRUE;
  case POP3_MAILDROP_SEND:
    return send_message(session, &request);
  case POP3_MAILDROP_UPDATE:
    update(session);
    return FALSE;
  }
  return FALSE;
}

static Pop3Maildrop *make_maildrop(const Maildir *maildir) {
  guint n = maildir_get_count(maildir);
  g_autofree Pop3Message *messages = g_new(Pop3Message, n);
  for (guint i = 0; i < n; i++)
    messages[i] = (Pop3Message){maildir_get_uid(maildir, i), maildir_get_size(maildir, i)};
  return pop3_maildrop_new(messages, n);
}

void store_serve(int socket, Maildir *maildir, guint idle_timeout, const StoreHooks *hooks) {
  StoreSession session = {
      .watchdog = hooks->watchdog,
      .socket = socket,
      .timeout = (int)CLAMP(idle_timeout, 1, LONGEST_WAIT) * 1000,
      .maildir = maildir,
      .maildrop = make_maildrop(maildir),
      .out = g_string_sized_new(POP3_MAILDROP_OUTPUT_SIZE),
      .hooks = hooks,
  };
  while (serve_step(&session))
    continue;
  if (session.maildir != NULL)
    release(&session);
  pop3_maildrop_free(session.maildrop);
  g_string_free(session.out, TRUE);
  close(socket);
}

/* ---- the role ---- */

static gboolean report_opened(Channel *channel, guint64 session, const GError *problem) {
  Outcome outcome = problem == NULL                            ? OUTCOME_OK
                    : problem->code == REGISTRY_ERROR_CONFLICT ? OUTCOME_MAILBOX_IN_USE
                                                               : OUTCOME_NO_MAILBOX;
  return channel_send(
      channel, MESSAGE_OPENED,
      g_variant_new("(tus)", session, outcome, problem != NULL ? problem->message : ""), NULL, 0,
      NULL);
}

/* The process of one Maildir. */
typedef struct {
  Channel *channel;
  StoreHooks hooks;
  int bell; /* has the verifier look at the channel; -1: there is none */
  gboolean confined;
  char *path; /* NULL before the first */
  guint64 session;
} Mailbox;

/* The verifier need not look at the channel of a process that serves before it wants to
 * know whether it still does: it is woken, and says that the event is recorded. */
static void report_unreadable(const char *problem, gpointer data) {
  const Mailbox *mailbox = data;
  const guint64 ring = 1;
  g_auto(Message) heard = MESSAGE_INIT;
  struct pollfd waiting = {.fd = channel_get_descriptor(mailbox->channel), .events = POLLIN};
  if (!channel_send(mailbox->channel, MESSAGE_UNREADABLE,
                    g_variant_new("(ts)", mailbox->session, problem), NULL, 0, NULL) ||
      mailbox->bell < 0 || write(mailbox->bell, &ring, sizeof ring) < 0)
    return;
  if (TEMP_FAILURE_RETRY(poll(&waiting, 1, MAX_RECORD_MS)) > 0)
    (void)channel_receive(mailbox->channel, &heard, NULL);
}

/* FALSE: the process is of no use. */
static gboolean take_path(Mailbox *mailbox, const char *path, GError **error) {
  if (mailbox->path != NULL)
    return !mailbox->confined || g_str_equal(mailbox->path, path) ||
           error_set(error, REGISTRY_ERROR_ACCESS_DENIED, "This process serves another mailbox");
  mailbox->path = g_strdup(path);
  return maildir_make(path, error) && (!mailbox->confined || sandbox_enter_folder(path, error));
}

/* A verifier that has gone meanwhile is noticed at the next message. */
static gboolean handle_open(Mailbox *mailbox, Message *message) {
  guint64 session;
  const char *user, *path, *unique_ids;
  guint32 idle_timeout;
  g_autoptr(GError) error = NULL;
  g_variant_get(message->body, "(t&s&s&su)", &session, &user, &path, &unique_ids, &idle_timeout);
  watchdog_extend(mailbox->hooks.watchdog, MAILDIR_STEP_SECONDS);
  gboolean taken = take_path(mailbox, path, &error);
  Maildir *maildir = taken ? maildir_open(path, unique_ids, mailbox->hooks.watchdog, &error) : NULL;
  report_opened(mailbox->channel, session, error);
  if (maildir == NULL)
    return taken;
  mailbox->session = session;
  store_serve(message_take_descriptor(message, 0), maildir, idle_timeout, &mailbox->hooks);
  channel_send(mailbox->channel, MESSAGE_CLOSED, g_variant_new_uint64(session), NULL, 0, NULL);
  return TRUE;
}

/* The next message; FALSE and the exit code if there will be none. */
static gboolean receive(Channel *channel, Watchdog *watchdog, Message *message, int *code) {
  g_autoptr(GError) error = NULL;
  *code = 0;
  while (wait_for_descriptor(watchdog, channel_get_descriptor(channel), POLLIN, G_MAXINT)) {
    ChannelResult result = channel_receive(channel, message, &error);
    if (result == CHANNEL_MESSAGE)
      return TRUE;
    if (result == CHANNEL_CLOSED)
      break;
  }
  *code = error == NULL ? 0 : 1;
  return FALSE;
}

int store_serve_maildir(int descriptor, int bell, gboolean confined) {
  int code = 0;
  gboolean serving = TRUE;
  g_autoptr(Channel) channel = channel_new(descriptor, ROLE_STORE, ROLE_VERIFIER);
  g_autoptr(Watchdog) watchdog = confined ? watchdog_new() : NULL;
  Mailbox mailbox = {.channel = channel, .bell = bell, .confined = confined};
  mailbox.hooks = (StoreHooks){watchdog, report_unreadable, &mailbox};
  while (serving) {
    g_auto(Message) message = MESSAGE_INIT;
    serving = receive(channel, watchdog, &message, &code) &&
              (message.kind != MESSAGE_OPEN || handle_open(&mailbox, &message));
  }
  g_free(mailbox.path);
  if (bell >= 0)
    close(bell);
  return code;
}

/* TRUE in the process that was split off. If there is none the verifier learns it from
 * the channel's end. It is the verifier's from then on: this one may end, and takes no
 * session along. */
static gboolean split(void) {
  return fork() == 0;
}

/* TRUE: in the process for a Maildir, whose channel @descriptor is then, with its @bell. */
static gboolean split_until_closed(Channel *channel, int *descriptor, int *bell, int *code) {
  g_autoptr(Watchdog) watchdog = watchdog_new();
  for (;;) {
    g_auto(Message) message = MESSAGE_INIT;
    if (!receive(channel, watchdog, &message, code))
      return FALSE;
    if (message.kind != MESSAGE_SPLIT || !split())
      continue;
    *descriptor = message_take_descriptor(&message, 0);
    *bell = message_take_descriptor(&message, 1);
    return TRUE;
  }
}

int store_run(const RoleStart *start) {
  const struct sigaction ignore = {.sa_handler = SIG_IGN};
  int descriptor = -1;
  int bell = -1;
  int code = 0;
  Channel *channel = channel_new(start->descriptor, ROLE_STORE, ROLE_VERIFIER);
  /* Their exit codes are not needed. */
  sigaction(SIGCHLD, &ignore, NULL);
  gboolean is_split = split_until_closed(channel, &descriptor, &bell, &code);
  channel_free(channel);
  if (is_split)
    /* Libraries that put their memory in order would copy all of the maker's first;
     * and a check for leaks has no files here to read. */
    _exit(store_serve_maildir(descriptor, bell, TRUE));
  while (TEMP_FAILURE_RETRY(wait(NULL)) > 0)
    continue;
  return code;
}
