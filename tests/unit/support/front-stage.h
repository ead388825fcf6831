/* SPDX-License-Identifier: MIT */
/* A stage for the front: the real role on a thread, with the test as parent,
 * verifier, clients and servers around it. Whatever does not come within ten
 * seconds fails the test. */
#ifndef TESTS_UNIT_SUPPORT_FRONT_STAGE_H
#define TESTS_UNIT_SUPPORT_FRONT_STAGE_H

#include <openssl/ssl.h>

#include "mailauth/base/kinds.h"
#include "mailauth/base/outcome.h"
#include "mailauth/base/server-code.h"
#include "mailauth/ipc/channel.h"

/* The listeners. */
enum { POP3, IMAP, POP3_TLS, IMAP_TLS };
#define POP3_GREETING "+OK POP3 server ready.\r\n"
#define FAILED "-ERR [AUTH] Authentication failed.\r\n"
#define TEMPORARY "-ERR [SYS/TEMP] Temporary authentication failure.\r\n"

typedef struct {
  GThread *thread;
  int front_end;
  Channel *parent;
  Channel *verifier;
  guint16 ports[4]; /* of the listeners, by their ids: 0 POP3, 1 IMAP, 2 and 3 with TLS */
  int exit_code;
  gboolean has_scram; /* in the settings that are sent */
  const char *proof;  /* what a verdict brings for a SCRAM client; NULL: nothing */
  ServerWord word;    /* what a verdict brings of a mail server behind */
} Stage;

/* What the front is set to unless a test says otherwise. */
typedef struct {
  ClearText clear_text;
  guint login_timeout;
  guint max_connections;
  guint max_per_address;
  const char *proxies, *trusted; /* one network; NULL: none */
} StageSettings;
#define STAGE_SETTINGS                                                                             \
  { CLEAR_TEXT_LOOPBACK, 60, 1000, 1000, NULL, NULL }

/* With listeners, settings and a verifier; without keys. */
void stage_set_up(Stage *stage);
/* Ends the front, which must leave with 0. */
void stage_tear_down(Stage *stage);
void stage_send_settings(Stage *stage, const StageSettings *settings);
/* A new verifier's channel to the front; the old one is left to the test. */
Channel *stage_start_verifier(Stage *stage);
/* A new certificate and key for each call; the front must take them. */
void stage_send_keys(Stage *stage);
/* There must be others in use, which stay. */
void stage_send_bad_keys(Stage *stage);
/* What MESSAGE_KEYS_RESULT says: @problem is how it begins, "" for none. */
void expect_result(const Message *message, const char *problem, gboolean in_use);
/* A message that has been handled when this returns. */
void stage_synchronise(Stage *stage);

void expect_message(Channel *channel, MessageKind kind, Message *message);
/* The body's text form, as g_variant_print() has it, but for the login's number, which is returned.
 */
guint64 expect_question(Stage *stage, MessageKind kind, const char *body_after_number);
/* @server: the other end of what the client is relayed to, for OK; else NULL. */
void send_verdict(Stage *stage, guint64 login, Outcome outcome, guint delay_ms,
                  const char *capabilities, const char *had, int *server);

typedef struct {
  int descriptor;
  SSL *tls;
} Client;

Client client_connect(const Stage *stage, guint listener);
/* Nobody listens there. */
gboolean client_is_refused(const Stage *stage, guint listener);
void client_begin_tls(Client *client);
void client_say(const Client *client, const char *text);
/* Exactly @text comes next. */
void client_expect(const Client *client, const char *text);
/* Nothing comes any more. */
void client_expect_end(const Client *client);
void client_close(Client *client);

/* Connected to the listener of POP3 in the clear, and greeted. */
Client client_greet_pop3(Stage *stage);

void server_say(int server, const char *text);
void server_expect(int server, const char *text);
void server_expect_end(int server);

/* A test on a stage of its own. */
typedef void (*StageTest)(Stage *stage);
typedef struct {
  const char *name;
  StageTest run;
} StageRow;
/* main() of such tests. */
int stage_run_tests(int argc, char **argv, const StageRow *rows, gsize n_rows);

#endif
