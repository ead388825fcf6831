/* SPDX-License-Identifier: MIT */
/* A role as a whole, and messages from roles that were taken over: each of a kind that may
 * come, of its types, with anything in it. Whatever they say, the role answers the parent
 * afterwards, or has ended the channel; it ends when the parent does.
 *
 * Byte 0 chooses the role. Then for each message: which channel and kind, which
 * descriptors, and the body's values. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mailauth/connector/connector.h"
#include "mailauth/front/front.h"
#include "mailauth/process/role.h"
#include "mailauth/verifier/verifier.h"
#include "tests/fuzz/bodies.h"
#include "tests/fuzz/fuzz.h"

#define MOST_MESSAGES 40U
#define PATIENCE_MS 30000
/* A bus that is never there: settings stay unknown. */
#define NO_BUS "unix:path=/nonexistent/bus"

typedef struct {
  Role role, other; /* the other peer that it gets a channel to; ROLE_PARENT: none */
  Role boss;        /* at the other end of the channel that it starts with */
  int (*run)(const RoleStart *start);
  MessageKind introduces, pings, pongs; /* N_MESSAGES: none */
} Row;

static const Row rows[] = {
    {ROLE_VERIFIER, ROLE_FRONT, ROLE_PARENT, verifier_run, MESSAGE_FRONT_STARTED,
     MESSAGE_PING_VERIFIER, MESSAGE_PONG_VERIFIER},
    {ROLE_FRONT, ROLE_VERIFIER, ROLE_PARENT, front_run, MESSAGE_VERIFIER_STARTED,
     MESSAGE_PING_FRONT, MESSAGE_PONG_FRONT},
    {ROLE_CONNECTOR, ROLE_PARENT, ROLE_VERIFIER, connector_run, N_MESSAGES, N_MESSAGES, N_MESSAGES},
};

typedef struct {
  const Row *row;
  RoleStart start;
  GThread *thread;
  Channel *boss, *other;
} Stage;

static gpointer run(gpointer data) {
  const Stage *stage = data;
  return GINT_TO_POINTER(stage->row->run(&stage->start));
}

/* ---- what is sent ---- */

static void make_descriptors(FuzzInput *input, int descriptors[2]) {
  static const int kinds[] = {SOCK_STREAM, SOCK_SEQPACKET};
  guint8 kind = fuzz_take_byte(input) % 3;
  if (kind < G_N_ELEMENTS(kinds) &&
      socketpair(AF_UNIX, kinds[kind] | SOCK_CLOEXEC, 0, descriptors) == 0)
    return;
  descriptors[0] = open("/dev/null", O_RDWR | O_CLOEXEC);
  descriptors[1] = open("/dev/zero", O_RDONLY | O_CLOEXEC);
}

static void send_one(Channel *channel, MessageKind kind, FuzzInput *input) {
  const MessageFacts *facts = message_get_facts(kind);
  guint span = facts->max_descriptors - facts->min_descriptors + 1;
  guint n_descriptors = facts->min_descriptors + fuzz_take_byte(input) % span;
  int descriptors[2];
  make_descriptors(input, descriptors);
  GVariant *body = fuzz_make_body(G_VARIANT_TYPE(facts->signature), input);
  (void)channel_send(channel, kind, body, descriptors, n_descriptors, NULL);
  close(descriptors[0]);
  close(descriptors[1]);
}

/* Those that may go from @from to @to. */
static MessageKind choose_kind(Role from, Role to, guint8 choice) {
  MessageKind kinds[N_MESSAGES];
  guint count = 0;
  for (guint i = 0; i < N_MESSAGES; i++)
    if (message_get_facts(i)->from == from && message_get_facts(i)->to == to)
      kinds[count++] = (MessageKind)i;
  return kinds[choice % count];
}

static void send_message(Stage *stage, FuzzInput *input) {
  const Row *row = stage->row;
  guint8 choice = fuzz_take_byte(input);
  gboolean to_other = stage->other != NULL && choice >= 0x80;
  Role from = to_other ? row->other : row->boss;
  send_one(to_other ? stage->other : stage->boss, choose_kind(from, row->role, choice & 0x7f),
           input);
}

/* ---- the role ---- */

static void introduce(Stage *stage) {
  int ends[2];
  if (stage->row->introduces == N_MESSAGES)
    return;
  gboolean numbered = stage->row->introduces == MESSAGE_FRONT_STARTED;
  g_assert_true(channel_pair(ends, NULL));
  (void)channel_send(stage->boss, stage->row->introduces, numbered ? g_variant_new_uint64(1) : NULL,
                     &ends[0], 1, NULL);
  close(ends[0]);
  stage->other = channel_new(ends[1], stage->row->other, stage->row->role);
}

static void begin(Stage *stage, const Row *row) {
  int ends[2];
  g_assert_true(channel_pair(ends, NULL));
  *stage = (Stage){.row = row};
  stage->start = (RoleStart){.role = row->role, .descriptor = ends[0], .bus = NO_BUS};
  stage->boss = channel_new(ends[1], row->boss, row->role);
  stage->thread = g_thread_new("role", run, stage);
  introduce(stage);
}

/* FALSE: the role has ended the channel. */
static gboolean wait_for(Stage *stage, MessageKind kind) {
  for (;;) {
    g_auto(Message) message = MESSAGE_INIT;
    struct pollfd ready = {channel_get_descriptor(stage->boss), POLLIN, 0};
    g_assert_cmpint(poll(&ready, 1, PATIENCE_MS), ==, 1); /* it hangs */
    ChannelResult result = channel_receive(stage->boss, &message, NULL);
    if (result == CHANNEL_CLOSED)
      return FALSE;
    if (result == CHANNEL_MESSAGE && message.kind == kind)
      return TRUE;
  }
}

/* Twice: by then it has turned to the other channel, too. */
static void check_that_it_answers(Stage *stage) {
  for (guint i = 0; i < 2 && stage->row->pings != N_MESSAGES; i++) {
    if (!channel_send(stage->boss, stage->row->pings, NULL, NULL, 0, NULL) ||
        !wait_for(stage, stage->row->pongs))
      return;
  }
}

static void end(Stage *stage) {
  channel_free(stage->boss);
  g_thread_join(stage->thread);
  channel_free(stage->other);
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size) {
  const struct sigaction ignored = {.sa_handler = SIG_IGN};
  FuzzInput input = {data, size};
  Stage stage;
  (void)sigaction(SIGPIPE, &ignored, NULL);
  begin(&stage, &rows[fuzz_take_byte(&input) % G_N_ELEMENTS(rows)]);
  for (guint i = 0; i < MOST_MESSAGES && input.size > 0; i++)
    send_message(&stage, &input);
  check_that_it_answers(&stage);
  end(&stage);
  return 0;
}
