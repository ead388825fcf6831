/* SPDX-License-Identifier: MIT */
/* Messages and channels between the roles: every kind goes round, every
 * malformation is refused, and a peer that does not read blocks nobody. */
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client/registry.h"
#include "mailauth/ipc/channel.h"
#include "tests/unit/support/emulator.h"

/* A body for each signature of the table, in GVariant's text form. */
static const char *const bodies[N_MESSAGES] = {
    [MESSAGE_IDENTITY] = "(true, 'mailauth')",
    [MESSAGE_LISTEN] = "(true, [('127.0.0.1:110', 0x00, false), ('[::1]:993', 0x01, true)])",
    [MESSAGE_CERTIFICATE] = "(3, 'mail.example.org', 0x01, '/etc/a.pem', '')",
    [MESSAGE_WANT_STORE] = "(7, '/var/mail/a', '', [uint32 1000])",
    [MESSAGE_SOCKETS] = "(['/run/auth', ''], 384, 'mail')",
    [MESSAGE_SOCKETS_STATE] = "['', 'in use']",
    [MESSAGE_LISTENING] = "@a(syss) []",
    [MESSAGE_FILE_PROBLEM] = "(3, '/etc/a.pem', 'gone')",
    [MESSAGE_STORE] = "(7, 1000)",
    [MESSAGE_STORE_REFUSED] = "(7, 'no')",
    [MESSAGE_FRONT_STARTED] = "2",
    [MESSAGE_LISTENER] = "(1, '127.0.0.1:110', 0x00, false)",
    [MESSAGE_UNLISTEN] = "1",
    [MESSAGE_SOCKET] = "byte 0x01",
    [MESSAGE_KEYS] = "(3, '', 0x00, 'a.pem', 'a.key')",
    [MESSAGE_VERIFIER_STARTED] = "()",
    [MESSAGE_SETTINGS] = ("(true, 771, true, 0x08, just 'ECDHE', ['::1'], ['10.0.0.0/8'], "
                          "[(0x00, 0x01, 60, 10000, 100, 0x00)])"),
    [MESSAGE_VERDICT] = "(9, 0, 'anna', 0, 600, '', b'* OK\\r\\n', b'v=x', true, 13, 'Call us.')",
    [MESSAGE_SCRAM_FIRST] =
        "(9, 0x00, '127.0.0.1', b'n,,n=anna,r=x', true, 'TLSv1.3', 7, 4711, [('x', b'y')])",
    [MESSAGE_SCRAM_FINAL] = "(9, b'c=biws,r=x')",
    [MESSAGE_SCRAM_CHALLENGE] = "(9, b'r=x,s=y,i=4096')",
    [MESSAGE_ASK_COUNTS] = "3",
    [MESSAGE_LOGIN] =
        "(9, 0x00, 'PASS', 'anna', 'anna', b'sesame', '127.0.0.1', 'smtp', '', 7, 4711)",
    [MESSAGE_CANCEL] = "9",
    [MESSAGE_ASK_SETTINGS] = "9",
    [MESSAGE_INCIDENT] = "(9, 17, 0x01, 'anna', '::1', '', 1, 'x', 7)",
    [MESSAGE_KEYS_RESULT] =
        "(3, '', 0x00, '', true, 'CN=localhost', 'EC P-256', 'AB:CD', 1, 2, true)",
    [MESSAGE_COUNTS] = "(3, 1, {'pop3': 4})",
    [MESSAGE_TRANSCRIPT] = "(0, '#1 192.0.2.7 < QUIT')",
    [MESSAGE_OPEN] = "(5, 'anna', '/var/mail/anna', 'name', 600)",
    [MESSAGE_OPENED] = "(5, 0, '')",
    [MESSAGE_CLOSED] = "5",
    [MESSAGE_WANT_SERVANT] = "(4, 0x05)",
    [MESSAGE_END_SERVANT] = "(4, 0x06)",
    [MESSAGE_SERVANT_STARTED] = "(4, 0x05)",
    [MESSAGE_SERVANT_REFUSED] = "(4, 0x05, 'no')",
    [MESSAGE_PAM_QUESTION] = "(6, 'mailauth', true, 'anna', '::1', b'sesame')",
    [MESSAGE_PAM_ANSWER] = "(6, 0, 'fine')",
    [MESSAGE_CONNECT] = "(6, 'anna', 'ldap://[::1]:389', 5000)",
    [MESSAGE_CONNECTED] = "(6, '')",
    [MESSAGE_SQL_BEGIN] = "(0x01, 'host=db', [0x78], 'SELECT password FROM users WHERE name = %u')",
    [MESSAGE_SQL_QUESTION] = "(7, 'anna', 1000000)",
    [MESSAGE_SQL_ANSWER] = "(7, 0x00, '', [(0x00, false, [0x24])])",
    [MESSAGE_RELOAD] = "()",
    [MESSAGE_PING_VERIFIER] = "()",
    [MESSAGE_PONG_VERIFIER] = "'native SAM, 3 sessions'",
    [MESSAGE_PING_FRONT] = "()",
    [MESSAGE_PONG_FRONT] = "()",
    [MESSAGE_SPLIT] = "()",
    [MESSAGE_UNREADABLE] = "(5, 'packed')",
    [MESSAGE_HEARD] = "5",
    [MESSAGE_SESSION_ENDED] = "9",
    [MESSAGE_END_SESSION] = "9",
    [MESSAGE_SESSIONS] = "[(9, 0x00, 'anna', 'PASS', '::1', 'TLSv1.3', 7, 1700000000000000, true)]",
    [MESSAGE_FRONT_LOST] = "(2, 'it was not understood')",
};

static GVariant *new_body(MessageKind kind) {
  g_autoptr(GError) error = NULL;
  GVariant *body = g_variant_parse(G_VARIANT_TYPE(message_get_facts(kind)->signature), bodies[kind],
                                   NULL, NULL, &error);
  g_assert_no_error(error);
  return body;
}

static void make_channels(const MessageFacts *row, Channel **sender, Channel **receiver) {
  int ends[2];
  g_assert_true(channel_pair(ends, NULL));
  *sender = channel_new(ends[0], row->from, row->to);
  *receiver = channel_new(ends[1], row->to, row->from);
}

static void test_round_trip(void) {
  const int descriptors[] = {STDIN_FILENO, STDOUT_FILENO};
  for (guint kind = 0; kind < N_MESSAGES; kind++) {
    const MessageFacts *row = message_get_facts(kind);
    g_autoptr(Channel) sender = NULL;
    g_autoptr(Channel) receiver = NULL;
    g_autoptr(GVariant) body = new_body(kind);
    g_autoptr(GError) error = NULL;
    g_auto(Message) message = MESSAGE_INIT;
    make_channels(row, &sender, &receiver);
    g_assert_cmpint(channel_receive(receiver, &message, &error), ==, CHANNEL_EMPTY);
    channel_send(sender, kind, body, descriptors, row->max_descriptors, &error);
    g_assert_no_error(error);
    g_assert_cmpint(channel_receive(receiver, &message, &error), ==, CHANNEL_MESSAGE);
    g_assert_no_error(error);
    g_assert_cmpint(message.kind, ==, kind);
    g_assert_true(g_variant_equal(message.body, body));
    g_assert_cmpuint(message.n_descriptors, ==, row->max_descriptors);
    for (guint i = 0; i < message.n_descriptors; i++)
      g_assert_cmpint(fcntl(message.descriptors[i], F_GETFD) & FD_CLOEXEC, ==, FD_CLOEXEC);
  }
}

typedef struct {
  const char *what;
  Role from, to;
  const char *bytes;
  gsize size;
  guint n_descriptors;
} Malformation;

#define BYTES(text) text, sizeof(text) - 1
static const Malformation malformations[] = {
    {"nothing", ROLE_STORE, ROLE_VERIFIER, BYTES(""), 0},
    {"unknown kind", ROLE_STORE, ROLE_VERIFIER, BYTES("\377\0\0\0\0\0\0\0\0"), 0},
    {"wrong direction", ROLE_VERIFIER, ROLE_STORE, BYTES("\x17\5\0\0\0\0\0\0\0"), 0},
    {"wrong sender", ROLE_FRONT, ROLE_VERIFIER, BYTES("\x17\5\0\0\0\0\0\0\0"), 0},
    {"short body", ROLE_STORE, ROLE_VERIFIER, BYTES("\x17\5\0\0\0\0\0\0"), 0},
    {"long body", ROLE_STORE, ROLE_VERIFIER, BYTES("\x17\5\0\0\0\0\0\0\0\0"), 0},
    {"no body", ROLE_STORE, ROLE_VERIFIER, BYTES("\x17"), 0},
    {"a descriptor too many", ROLE_STORE, ROLE_VERIFIER, BYTES("\x17\5\0\0\0\0\0\0\0"), 1},
    {"a descriptor missing", ROLE_PARENT, ROLE_VERIFIER, BYTES("\x08\1\0\0\0\0\0\0\0"), 0},
    {"a byte for () that is not 0", ROLE_PARENT, ROLE_FRONT, BYTES("\x0c\1"), 1},
    {"a string without its end", ROLE_IDENTITY, ROLE_PARENT, BYTES("\0\1abc"), 0},
    {"a string that is not UTF-8", ROLE_IDENTITY, ROLE_PARENT, BYTES("\0\1\377\0"), 0},
    {"a boolean that is neither", ROLE_IDENTITY, ROLE_PARENT, BYTES("\0\2a\0"), 0},
};

static void test_malformed(void) {
  g_assert_cmpint(MESSAGE_CLOSED, ==, 0x17);
  g_assert_cmpint(MESSAGE_FRONT_STARTED, ==, 0x08);
  g_assert_cmpint(MESSAGE_VERIFIER_STARTED, ==, 0x0c);
  for (guint i = 0; i < G_N_ELEMENTS(malformations); i++) {
    const Malformation *row = &malformations[i];
    g_autoptr(GError) error = NULL;
    MessageKind kind;
    g_test_message("%s", row->what);
    g_autoptr(GVariant) body = message_decode(row->from, row->to, (const guint8 *)row->bytes,
                                              row->size, row->n_descriptors, &kind, &error);
    g_assert_null(body);
    g_assert_error(error, REGISTRY_ERROR, REGISTRY_ERROR_INVALID_ARGUMENTS);
  }
}

/* Every kind, cut at each length, and with each byte turned: refused, or a body that differs. */
static void test_every_damage(void) {
  for (guint kind = 0; kind < N_MESSAGES; kind++) {
    const MessageFacts *row = message_get_facts(kind);
    g_autoptr(GVariant) body = new_body(kind);
    gsize size = g_variant_get_size(body) + 1;
    g_autofree guint8 *bytes = g_malloc0(size + 15);
    gconstpointer raw = g_variant_get_data(body);
    bytes[0] = (guint8)kind;
    memcpy(bytes + 1, raw != NULL ? raw : "", size - 1);
    for (gsize i = 0; i < size; i++) {
      MessageKind got;
      g_autoptr(GVariant) cut =
          message_decode(row->from, row->to, bytes, i, row->min_descriptors, &got, NULL);
      g_assert_true(cut == NULL || !g_variant_equal(cut, body));
      bytes[i] ^= 0xff;
      g_autoptr(GVariant) turned =
          message_decode(row->from, row->to, bytes, size, row->min_descriptors, &got, NULL);
      g_assert_true(turned == NULL || got != kind || !g_variant_equal(turned, body));
      bytes[i] ^= 0xff;
    }
  }
}

static void send_raw(int descriptor, gconstpointer bytes, gsize size, guint n_descriptors) {
  union {
    char room[CMSG_SPACE(8 * sizeof(int))];
    struct cmsghdr head;
  } control = {0};
  struct iovec part = {(gpointer)(gsize)bytes, size};
  struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
  if (n_descriptors > 0) {
    header.msg_control = control.room;
    header.msg_controllen = CMSG_SPACE(n_descriptors * sizeof(int));
    control.head.cmsg_level = SOL_SOCKET;
    control.head.cmsg_type = SCM_RIGHTS;
    control.head.cmsg_len = CMSG_LEN(n_descriptors * sizeof(int));
    memset(CMSG_DATA(&control.head), 0, n_descriptors * sizeof(int));
  }
  g_assert_cmpint(sendmsg(descriptor, &header, 0), ==, (gssize)size);
}

static guint count_descriptors(void) {
  guint n = 0;
  for (int i = 0; i < 256; i++)
    n += fcntl(i, F_GETFD) >= 0;
  return n;
}

typedef struct {
  gconstpointer bytes;
  gsize size;
  guint n_descriptors;
} Hostile;

static void try_hostile(const Hostile *hostile) {
  int ends[2];
  g_autoptr(GError) error = NULL;
  g_auto(Message) message = MESSAGE_INIT;
  g_assert_true(channel_pair(ends, NULL));
  g_autoptr(Channel) receiver = channel_new(ends[1], ROLE_VERIFIER, ROLE_FRONT);
  guint before = count_descriptors();
  send_raw(ends[0], hostile->bytes, hostile->size, hostile->n_descriptors);
  g_assert_cmpint(channel_receive(receiver, &message, &error), ==, CHANNEL_CLOSED);
  g_assert_error(error, REGISTRY_ERROR, REGISTRY_ERROR_INVALID_ARGUMENTS);
  g_assert_cmpuint(count_descriptors(), ==, before);
  close(ends[0]);
}

static void test_hostile_peer(void) {
  static guint8 large[MAX_MESSAGE + 1] = {MESSAGE_COUNTS};
  const Hostile rows[] = {{"x", 1, 0}, {"\5", 1, 2}, {large, sizeof large, 0}, {"", 0, 1}};
  for (guint i = 0; i < G_N_ELEMENTS(rows); i++)
    try_hostile(&rows[i]);
}

/* More than there is room for: the kernel passes on as many as fit. */
static void test_too_many_descriptors(void) {
  const Hostile hostile = {"\5", 1, 6};
  if (!emulator_skips("TAKES MORE DESCRIPTORS THAN IT PASSES ON, AND LEAVES THEM OPEN"))
    try_hostile(&hostile);
}

static void test_misuse(void) {
  g_autoptr(Channel) front = NULL;
  g_autoptr(Channel) verifier = NULL;
  const int descriptors[] = {0, 1};
  make_channels(message_get_facts(MESSAGE_LOGIN), &front, &verifier);
  const struct {
    MessageKind kind;
    GVariant *body;
    guint n_descriptors;
  } rows[] = {
      {MESSAGE_CLOSED, g_variant_new_uint64(1), 0},
      {MESSAGE_CANCEL, g_variant_new_uint32(1), 0},
      {MESSAGE_CANCEL, NULL, 0},
      {MESSAGE_CANCEL, g_variant_new_uint64(1), 1},
      {N_MESSAGES, g_variant_new_uint64(1), 0},
  };
  for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_autoptr(GError) error = NULL;
    g_assert_false(channel_send(front, rows[i].kind, rows[i].body, descriptors,
                                rows[i].n_descriptors, &error));
    g_assert_error(error, REGISTRY_ERROR, REGISTRY_ERROR_INVALID_ARGUMENTS);
  }
}

/* More than the socket holds waits in order, with its descriptors; then a limit. */
static void test_slow_peer(void) {
  g_autoptr(Channel) sender = NULL;
  g_autoptr(Channel) receiver = NULL;
  g_autoptr(GError) error = NULL;
  make_channels(message_get_facts(MESSAGE_UNLISTEN), &sender, &receiver);
  for (guint64 i = 0; i < 5000; i++) {
    int passing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    channel_send(sender, MESSAGE_UNLISTEN, g_variant_new_uint64(i), NULL, 0, &error);
    g_assert_no_error(error);
    if (i == 4999)
      channel_send(sender, MESSAGE_LISTENER, g_variant_new("(tsyb)", i, "x", 0, FALSE), &passing, 1,
                   &error);
    close(passing);
  }
  g_assert_no_error(error);
  g_assert_true(channel_wants_write(sender));
  for (guint64 i = 0; i < 5001; i++) {
    g_auto(Message) message = MESSAGE_INIT;
    g_assert_true(channel_flush(sender, NULL));
    g_assert_cmpint(channel_receive(receiver, &message, &error), ==, CHANNEL_MESSAGE);
    if (i < 5000)
      g_assert_cmpuint(g_variant_get_uint64(message.body), ==, i);
    else
      g_assert_cmpint(fcntl(message.descriptors[0], F_GETFD), ==, FD_CLOEXEC);
  }
  g_assert_false(channel_wants_write(sender));
}

static ChannelResult receive_one(Channel *channel) {
  g_auto(Message) message = MESSAGE_INIT;
  return channel_receive(channel, &message, NULL);
}

/* Both sides learn that it has ended, after what had been sent. */
static void test_peer_that_never_reads(void) {
  g_autoptr(Channel) sender = NULL;
  g_autoptr(Channel) receiver = NULL;
  g_autoptr(GError) error = NULL;
  make_channels(message_get_facts(MESSAGE_UNLISTEN), &sender, &receiver);
  guint n = 0;
  while (channel_send(sender, MESSAGE_UNLISTEN, g_variant_new_uint64(1), NULL, 0, &error))
    g_assert_cmpuint(++n, <, 10 * MAX_CHANNEL_QUEUED_MESSAGES);
  g_assert_error(error, REGISTRY_ERROR, REGISTRY_ERROR_LIMIT_EXCEEDED);
  g_clear_error(&error);
  g_assert_cmpint(receive_one(sender), ==, CHANNEL_CLOSED);
  guint received = 0;
  while (receive_one(receiver) == CHANNEL_MESSAGE)
    received++;
  g_assert_cmpuint(received, >, 0);
  g_assert_cmpint(receive_one(receiver), ==, CHANNEL_CLOSED);
}

static void test_gone(void) {
  g_autoptr(Channel) sender = NULL;
  Channel *receiver = NULL;
  g_autoptr(GError) error = NULL;
  g_auto(Message) message = MESSAGE_INIT;
  make_channels(message_get_facts(MESSAGE_UNLISTEN), &sender, &receiver);
  channel_free(receiver);
  g_assert_false(channel_send(sender, MESSAGE_UNLISTEN, g_variant_new_uint64(1), NULL, 0, &error));
  g_assert_error(error, REGISTRY_ERROR, REGISTRY_ERROR_UNREACHABLE);
  g_clear_error(&error);
  g_assert_cmpint(channel_receive(sender, &message, &error), ==, CHANNEL_CLOSED);
  g_assert_no_error(error);
}

/* What was secret is nowhere in the buffer after the last reference has gone. */
static void test_wiped(void) {
  GVariant *secret = g_variant_ref_sink(message_secret_new("sesame", 6));
  const char *bytes = g_variant_get_data(secret);
  g_assert_cmpmem(bytes, g_variant_get_size(secret), "sesame", 6);
  g_autoptr(GVariant) keeper = g_variant_ref_sink(g_variant_new("(@ay)", secret));
  g_variant_unref(secret);
  g_autoptr(GVariant) child = g_variant_get_child_value(keeper, 0);
  g_assert_true(g_variant_get_data(child) == bytes); /* shared, not copied */
  g_autoptr(GVariant) empty = g_variant_ref_sink(message_secret_new(NULL, 0));
  g_assert_cmpuint(g_variant_get_size(empty), ==, 0);
}

typedef struct {
  Channel *channel;
  guint n;
  gboolean ended;
} Seen;

static void on_message(Channel *channel, Message *message, const GError *error, gpointer data) {
  Seen *seen = data;
  g_assert_no_error(error);
  if (message == NULL)
    seen->ended = TRUE;
  else
    g_assert_cmpuint(g_variant_get_uint64(message->body), ==, seen->n++);
  if (message == NULL)
    channel_free(channel);
}

static void test_attached(void) {
  g_autoptr(GMainContext) context = g_main_context_new();
  Channel *sender = NULL;
  Seen seen = {0};
  make_channels(message_get_facts(MESSAGE_UNLISTEN), &sender, &seen.channel);
  channel_attach(seen.channel, context, on_message, &seen);
  for (guint64 i = 0; i < 5000; i++)
    g_assert_true(channel_send(sender, MESSAGE_UNLISTEN, g_variant_new_uint64(i), NULL, 0, NULL));
  while (seen.n < 5000) {
    g_assert_true(channel_flush(sender, NULL));
    g_main_context_iteration(context, TRUE);
  }
  channel_free(sender);
  while (!seen.ended)
    g_main_context_iteration(context, TRUE);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/ipc/round-trip", test_round_trip);
  g_test_add_func("/ipc/malformed", test_malformed);
  g_test_add_func("/ipc/every-damage", test_every_damage);
  g_test_add_func("/ipc/hostile-peer", test_hostile_peer);
  g_test_add_func("/ipc/too-many-descriptors", test_too_many_descriptors);
  g_test_add_func("/ipc/misuse", test_misuse);
  g_test_add_func("/ipc/slow-peer", test_slow_peer);
  g_test_add_func("/ipc/peer-that-never-reads", test_peer_that_never_reads);
  g_test_add_func("/ipc/gone", test_gone);
  g_test_add_func("/ipc/wiped", test_wiped);
  g_test_add_func("/ipc/attached", test_attached);
  return g_test_run();
}
