/* SPDX-License-Identifier: MIT */
/* The Dovecot authentication protocol as a script: what goes in, cut into
 * fragments of every size up to the whole, and what comes out. A verifier of the
 * test's own knows one password, "pass"; "down" stands for an outage. */
#include <string.h>

#include "mailauth/base/kinds.h"
#include "mailauth/base/limits.h"
#include "mailauth/protocol/dovecot-auth.h"

#define V "VERSION\t1\t2\nCPID\t1\n"
#define ANN_PASS "AGFubgBwYXNz"         /* \0ann\0pass */
#define ANN_NO "AGFubgBubw=="           /* \0ann\0no */
#define ANN_DOWN "AGFubgBkb3du"         /* \0ann\0down */
#define BOB_ANN_PASS "Ym9iAGFubgBwYXNz" /* bob\0ann\0pass */
#define TAB_PASS "AGEJYgBwYXNz"         /* \0a<tab>b\0pass */
#define ODD_PASS "AGFc/wBwYXNz"         /* \0a\<ff>\0pass */
#define CLOSED "[close]"
/* n,,n=ann,r=abc; a final message; "question" and "proof" */
#define SCRAM_FIRST "biwsbj1hbm4scj1hYmM="
#define SCRAM_FINAL                                                                                \
  "Yz1iaXdzLHI9YWJjZGVmLHA9ZEh6YlphcFdJazRqVWhOK1V0ZTl5dGFnOXpqZk1IZ3NxbW1pejdBbmRWUT0="
#define SCRAM_PROXY "bixhPWJvYixuPWFubixyPWFiYw=="         /* n,a=bob,n=ann,r=abc */
#define SCRAM_BOUND "cD10bHMtZXhwb3J0ZXIsLG49YW5uLHI9YWJj" /* p=tls-exporter,,n=ann,r=abc */
#define QUESTION "cXVlc3Rpb24="
#define PROOF "cHJvb2Y="

static const struct {
  const char *name, *input, *output;
} rows[] = {
    {"version", "VERSION\t1\t2\n", ""},
    {"version/exim", "VERSION\t1\t0\nCPID\t7\nAUTH\t1\tPLAIN\tservice=smtp\tresp=" ANN_PASS "\n",
     "[ann -]OK\t1\tuser=ann\n"},
    {"version/later", "VERSION\t1\t9\textra\nNEWS\t1\n", ""},
    {"version/other", "VERSION\t2\t0\n", CLOSED},
    {"version/none", "VERSION\n", CLOSED},
    {"version/missing", "AUTH\t1\tPLAIN\tresp=" ANN_PASS "\n", CLOSED},
    {"version/http", "GET / HTTP/1.0\r\n\r\n", CLOSED},
    {"plain/postfix",
     V
     "AUTH\t1\tPLAIN\tservice=smtp\tnologin\tlip=192.0.2.1\trip=192.0.2.7\tsecured\tresp=" ANN_PASS
     "\n",
     "[ann 192.0.2.7]OK\t1\tuser=ann\n"},
    {"plain/six", V "AUTH\t1\tPLAIN\trip=2001:db8::7\tresp=" ANN_PASS "\n",
     "[ann 2001:db8::7]OK\t1\tuser=ann\n"},
    {"plain/mapped", V "AUTH\t1\tPLAIN\trip=::ffff:192.0.2.7\tresp=" ANN_PASS "\n",
     "[ann 192.0.2.7]OK\t1\tuser=ann\n"},
    {"plain/spelling", V "AUTH\t1\tPLAIN\trip=2001:DB8:0:0::07\tresp=" ANN_PASS "\n",
     "[ann 2001:db8::7]OK\t1\tuser=ann\n"},
    {"plain/interface", V "AUTH\t1\tPLAIN\trip=fe80::7%eth0\tresp=" ANN_PASS "\n",
     "[ann fe80::7]OK\t1\tuser=ann\n"},
    {"plain/no-address", V "AUTH\t1\tPLAIN\trip=mail.example\tresp=" ANN_PASS "\n",
     "[ann -]OK\t1\tuser=ann\n"},
    {"plain/last-address", V "AUTH\t1\tPLAIN\trip=192.0.2.1\trip=192.0.2.2\tresp=" ANN_PASS "\n",
     "[ann 192.0.2.2]OK\t1\tuser=ann\n"},
    {"plain/response-is-last", V "AUTH\t1\tPLAIN\tresp=" ANN_PASS "\trip=192.0.2.1\n",
     "[ann -]OK\t1\tuser=ann\n"},
    {"plain/wrong", V "AUTH\t1\tPLAIN\tresp=" ANN_NO "\n", "[ann -]FAIL\t1\tuser=ann\n"},
    {"plain/down", V "AUTH\t1\tPLAIN\tresp=" ANN_DOWN "\nAUTH\t2\tPLAIN\tresp=" ANN_PASS "\n",
     "[ann -]" CLOSED},
    {"plain/any-case", V "AUTH\t1\tplain\tresp=" ANN_PASS "\n", "[ann -]OK\t1\tuser=ann\n"},
    {"plain/no-response", V "AUTH\t1\tPLAIN\tservice=smtp\nCONT\t1\t" ANN_PASS "\n",
     "CONT\t1\t\n[ann -]OK\t1\tuser=ann\n"},
    {"plain/empty-response", V "AUTH\t1\tPLAIN\tresp=\nCONT\t1\t\n", "CONT\t1\t\nFAIL\t1\n"},
    {"login/empty-response", V "AUTH\t1\tLOGIN\tresp=\n", "CONT\t1\tVXNlcm5hbWU6\n"},
    {"plain/not-base64", V "AUTH\t1\tPLAIN\tresp=!!!!\n", "FAIL\t1\n"},
    {"plain/other-identity", V "AUTH\t1\tPLAIN\tresp=" BOB_ANN_PASS "\n",
     "[ann -]OK\t1\tuser=ann\n"},
    {"plain/tab-in-name", V "AUTH\t1\tPLAIN\tresp=" TAB_PASS "\n", "FAIL\t1\n"},
    {"plain/not-utf8", V "AUTH\t1\tPLAIN\tresp=" ODD_PASS "\n",
     "[a\\\xef\xbf\xbd -]OK\t1\tuser=a\\\xef\xbf\xbd\n"},
    {"plain/id-0", V "AUTH\t0\tPLAIN\tresp=" ANN_PASS "\n", "[ann -]OK\t0\tuser=ann\n"},
    {"plain/id-largest", V "AUTH\t4294967295\tPLAIN\tresp=" ANN_PASS "\n",
     "[ann -]OK\t4294967295\tuser=ann\n"},
    {"plain/id-used-again",
     V "AUTH\t1\tPLAIN\tresp=" ANN_NO "\nAUTH\t1\tPLAIN\tresp=" ANN_PASS "\n",
     "[ann -]FAIL\t1\tuser=ann\n[ann -]OK\t1\tuser=ann\n"},
    {"login", V "AUTH\t3\tLOGIN\tnologin\trip=192.0.2.7\nCONT\t3\tYW5u\nCONT\t3\tcGFzcw==\n",
     "CONT\t3\tVXNlcm5hbWU6\nCONT\t3\tUGFzc3dvcmQ6\n[ann 192.0.2.7]OK\t3\tuser=ann\n"},
    {"login/initial", V "AUTH\t3\tLOGIN\tresp=YW5u\nCONT\t3\tbm8=\n",
     "CONT\t3\tUGFzc3dvcmQ6\n[ann -]FAIL\t3\tuser=ann\n"},
    {"login/empty-name", V "AUTH\t3\tLOGIN\nCONT\t3\t\n", "CONT\t3\tVXNlcm5hbWU6\nFAIL\t3\n"},
    {"login/no-field", V "AUTH\t3\tLOGIN\nCONT\t3\n", "CONT\t3\tVXNlcm5hbWU6\nFAIL\t3\n"},
    {"login/over", V "AUTH\t3\tLOGIN\nCONT\t3\t!\nCONT\t3\tYW5u\n",
     "CONT\t3\tVXNlcm5hbWU6\nFAIL\t3\nFAIL\t3\n"},
    {"login/two",
     V "AUTH\t1\tLOGIN\nAUTH\t2\tLOGIN\nCONT\t2\tYm9i\nCONT\t1\tYW5u\nCONT\t2\tcGFzcw=="
       "\nCONT\t1\tbm8=\n",
     "CONT\t1\tVXNlcm5hbWU6\nCONT\t2\tVXNlcm5hbWU6\nCONT\t2\tUGFzc3dvcmQ6\n"
     "CONT\t1\tUGFzc3dvcmQ6\n[bob -]OK\t2\tuser=bob\n[ann -]FAIL\t1\tuser=ann\n"},
    {"login/id-twice", V "AUTH\t1\tLOGIN\nAUTH\t1\tLOGIN\n", "CONT\t1\tVXNlcm5hbWU6\n" CLOSED},
    {"scram",
     V "AUTH\t1\tSCRAM-SHA-256\trip=192.0.2.7\tresp=" SCRAM_FIRST "\nCONT\t1\t" SCRAM_FINAL
       "\nCONT\t1\t\n",
     "[ann 192.0.2.7]CONT\t1\t" QUESTION "\n[final]CONT\t1\t" PROOF "\n[end]OK\t1\tuser=ann\n"},
    {"scram/no-response",
     V "AUTH\t1\tscram-sha-256\nCONT\t1\t" SCRAM_FIRST "\nCONT\t1\t" SCRAM_FINAL "\nCONT\t1\t\n",
     "CONT\t1\t\n[ann -]CONT\t1\t" QUESTION "\n[final]CONT\t1\t" PROOF "\n[end]OK\t1\tuser=ann\n"},
    {"scram/two",
     V "AUTH\t1\tSCRAM-SHA-256\tresp=" SCRAM_FIRST "\nAUTH\t2\tPLAIN\tresp=" ANN_NO
       "\nCONT\t1\t" SCRAM_FINAL "\n",
     "[ann -]CONT\t1\t" QUESTION "\n[ann -]FAIL\t2\tuser=ann\n[final]CONT\t1\t" PROOF "\n"},
    {"scram/malformed", V "AUTH\t1\tSCRAM-SHA-256\tresp=" ANN_PASS "\n", "FAIL\t1\n"},
    {"scram/malformed-final",
     V "AUTH\t1\tSCRAM-SHA-256\tresp=" SCRAM_FIRST "\nCONT\t1\t" SCRAM_FIRST
       "\nAUTH\t1\tPLAIN\tresp=" ANN_PASS "\n",
     "[ann -]CONT\t1\t" QUESTION "\nFAIL\t1\n[dropped 1][ann -]OK\t1\tuser=ann\n"},
    {"scram/more-after-the-proof",
     V "AUTH\t1\tSCRAM-SHA-256\tresp=" SCRAM_FIRST "\nCONT\t1\t" SCRAM_FINAL
       "\nCONT\t1\tAA==\nNEWS\n",
     "[ann -]CONT\t1\t" QUESTION "\n[final]CONT\t1\t" PROOF "\nFAIL\t1\n[dropped 1]"},
    {"scram/cancel",
     V "AUTH\t1\tSCRAM-SHA-256\tresp=" SCRAM_FIRST "\nCANCEL\t1\nCONT\t1\t" SCRAM_FINAL "\n",
     "[ann -]CONT\t1\t" QUESTION "\n[cancel 1]FAIL\t1\n"},
    {"scram/other-identity", V "AUTH\t1\tSCRAM-SHA-256\tresp=" SCRAM_PROXY "\n",
     "[ann -]CONT\t1\t" QUESTION "\n"},
    {"scram/plus", V "AUTH\t1\tSCRAM-SHA-256-PLUS\tresp=" SCRAM_BOUND "\n", "FAIL\t1\n"},
    {"scram/bound", V "AUTH\t1\tSCRAM-SHA-256\tresp=" SCRAM_BOUND "\n", "FAIL\t1\n"},
    {"cancel", V "AUTH\t1\tLOGIN\nCANCEL\t1\nCONT\t1\tYW5u\n", "CONT\t1\tVXNlcm5hbWU6\nFAIL\t1\n"},
    {"cancel/unknown", V "CANCEL\t9\n", ""},
    {"cancel/no-id", V "CANCEL\n", CLOSED},
    {"master/user", V "USER\t1\tann\tservice=lmtp\nAUTH\t1\tPLAIN\tresp=" ANN_PASS "\n", CLOSED},
    {"master/list", V "LIST\t1\n", CLOSED},
    {"mechanism/unknown", V "AUTH\t1\tGSSAPI\tresp=AA==\nAUTH\t2\tPLAIN\tresp=" ANN_PASS "\n",
     "FAIL\t1\n[ann -]OK\t2\tuser=ann\n"},
    {"mechanism/none", V "AUTH\t1\n", "FAIL\t1\n"},
    {"bad/no-id", V "AUTH\n", CLOSED},
    {"bad/id", V "AUTH\t-1\tPLAIN\n", CLOSED},
    {"bad/id-too-large", V "AUTH\t4294967296\tPLAIN\n", CLOSED},
    {"bad/cont-id", V "CONT\tx\tAA==\n", CLOSED},
    {"bad/unknown-id", V "CONT\t5\tAA==\n", "FAIL\t5\n"},
    {"bad/empty-line", V "\nAUTH\t1\tPLAIN\tresp=" ANN_PASS "\n", "[ann -]OK\t1\tuser=ann\n"},
    {"bad/unknown-command", V "STATS\t1\n", ""},
    {"bad/half", V "AUTH\t1\tPLAIN\tresp=" ANN_PASS, ""},
};

/* ---- a script ---- */

static AuthVerdict judge(const AuthRequest *request) {
  const char *password = request->credentials.password.size == 0
                             ? ""
                             : (const char *)request->credentials.password.bytes;
  return strcmp(password, "pass") == 0   ? AUTH_RIGHT
         : strcmp(password, "down") == 0 ? AUTH_OUTAGE
                                         : AUTH_WRONG;
}

/* The request by password, or the first of an exchange. */
static DovecotAuthStep answer(DovecotAuth *machine, GString *out) {
  const AuthRequest *request = dovecot_auth_get_request(machine);
  CredentialsKind kind = request->credentials.kind;
  if (kind == CREDENTIALS_SCRAM_FINAL) {
    g_string_append(out, "[final]");
    dovecot_auth_challenge(machine, request->id, (const guint8 *)"proof", 5, out);
    return DOVECOT_AUTH_READ;
  }
  if (kind == CREDENTIALS_SCRAM_END) {
    g_string_append(out, "[end]");
    return dovecot_auth_answer(machine, request->id, AUTH_RIGHT, "ann", out);
  }
  g_autofree char *user = g_strdup(request->credentials.user);
  g_string_append_printf(out, "[%s %s]", user, request->address == NULL ? "-" : request->address);
  if (kind == CREDENTIALS_PASSWORD)
    return dovecot_auth_answer(machine, request->id, judge(request), user, out);
  dovecot_auth_challenge(machine, request->id, (const guint8 *)"question", 8, out);
  return DOVECOT_AUTH_READ;
}

/* FALSE once it has closed. */
static gboolean feed(DovecotAuth *machine, const char *text, gsize size, GString *out) {
  const guint8 *at = (const guint8 *)text;
  while (size > 0) {
    DovecotAuthStep step = dovecot_auth_feed(machine, &at, &size, out);
    guint32 dropped = 0;
    while (dovecot_auth_take_dropped(machine, &dropped))
      g_string_append_printf(out, "[dropped %u]", dropped);
    if (step == DOVECOT_AUTH_CANCEL)
      g_string_append_printf(out, "[cancel %u]", dovecot_auth_get_request(machine)->id);
    if (step == DOVECOT_AUTH_LOGIN)
      step = answer(machine, out);
    if (step == DOVECOT_AUTH_CLOSE) {
      g_string_append(out, CLOSED);
      return FALSE;
    }
  }
  return TRUE;
}

static char *play(const char *input, gsize fragment) {
  g_autoptr(DovecotAuth) machine = dovecot_auth_new(TRUE, 0);
  GString *out = g_string_new(NULL);
  gsize left = strlen(input);
  gboolean open = TRUE;
  while (left > 0 && open) {
    gsize size = MIN(left, fragment);
    open = feed(machine, input, size, out);
    input += size;
    left -= size;
  }
  return g_string_free(out, FALSE);
}

static void test_row(gconstpointer data) {
  gsize row = GPOINTER_TO_SIZE(data);
  for (gsize fragment = 1; fragment <= strlen(rows[row].input); fragment++) {
    g_autofree char *output = play(rows[row].input, fragment);
    g_assert_cmpstr(output, ==, rows[row].output);
  }
}

/* ---- what a script can't say ---- */

static void test_greeting(void) {
  g_autoptr(GString) out = g_string_new(NULL);
  g_autoptr(DovecotAuth) machine = dovecot_auth_new(FALSE, 0);
  dovecot_auth_greet(machine, 25508, 13, "956d56a2f910543e998ceba6446e5198", out);
  g_assert_cmpstr(out->str, ==,
                  "VERSION\t1\t2\nMECH\tPLAIN\tplaintext\nMECH\tLOGIN\tplaintext\nSPID\t25508\n"
                  "CUID\t13\nCOOKIE\t956d56a2f910543e998ceba6446e5198\nDONE\n");
  g_autoptr(DovecotAuth) other = dovecot_auth_new(TRUE, 0);
  g_string_truncate(out, 0);
  dovecot_auth_greet(other, 1, 2, "c", out);
  g_assert_nonnull(strstr(out->str, "LOGIN\tplaintext\nMECH\tSCRAM-SHA-256\tmutual-auth\nSPID"));
  g_autoptr(DovecotAuth) lacking = dovecot_auth_new(TRUE, MECHANISM_BIT(MECHANISM_PLAIN));
  g_string_truncate(out, 0);
  dovecot_auth_greet(lacking, 1, 2, "c", out);
  g_assert_nonnull(
      strstr(out->str, "2\nMECH\tLOGIN\tplaintext\nMECH\tSCRAM-SHA-256\tmutual-auth\n"));
}

static DovecotAuthStep say(DovecotAuth *machine, const char *text, GString *out) {
  const guint8 *at = (const guint8 *)text;
  gsize size = strlen(text);
  DovecotAuthStep step = dovecot_auth_feed(machine, &at, &size, out);
  g_assert_cmpuint(size, ==, 0);
  return step;
}

static void test_parallel(void) {
  g_autoptr(DovecotAuth) machine = dovecot_auth_new(FALSE, 0);
  g_autoptr(GString) out = g_string_new(NULL);
  g_assert_cmpint(say(machine, V, out), ==, DOVECOT_AUTH_READ);
  g_assert_cmpint(say(machine, "AUTH\t1\tPLAIN\tresp=" ANN_PASS "\n", out), ==, DOVECOT_AUTH_LOGIN);
  g_assert_cmpint(say(machine, "AUTH\t2\tPLAIN\tresp=" ANN_PASS "\n", out), ==, DOVECOT_AUTH_LOGIN);
  g_assert_cmpint(say(machine, "AUTH\t3\tPLAIN\tresp=" ANN_PASS "\n", out), ==, DOVECOT_AUTH_LOGIN);
  g_assert_cmpint(dovecot_auth_answer(machine, 3, AUTH_WRONG, "ann", out), ==, DOVECOT_AUTH_READ);
  g_assert_cmpint(say(machine, "CANCEL\t2\n", out), ==, DOVECOT_AUTH_CANCEL);
  g_assert_cmpuint(dovecot_auth_get_request(machine)->id, ==, 2);
  g_assert_cmpint(dovecot_auth_answer(machine, 2, AUTH_OUTAGE, "ann", out), ==, DOVECOT_AUTH_READ);
  g_assert_cmpint(dovecot_auth_answer(machine, 9, AUTH_OUTAGE, "ann", out), ==, DOVECOT_AUTH_READ);
  g_assert_cmpint(dovecot_auth_answer(machine, 1, AUTH_RIGHT, "a\tn\1n\n\r", out), ==,
                  DOVECOT_AUTH_READ);
  g_assert_cmpstr(out->str, ==, "FAIL\t3\tuser=ann\nOK\t1\tuser=a\1tn\0011n\1n\1r\n");
}

/* While a request waits for its verdict there is nothing to say about it. */
static void test_out_of_turn(void) {
  const char *const lines[] = {"CONT\t1\tAA==\n", "AUTH\t1\tPLAIN\tresp=" ANN_PASS "\n"};
  for (gsize i = 0; i < G_N_ELEMENTS(lines); i++) {
    g_autoptr(DovecotAuth) machine = dovecot_auth_new(FALSE, 0);
    g_autoptr(GString) out = g_string_new(NULL);
    g_assert_cmpint(say(machine, V "AUTH\t1\tPLAIN\tresp=" ANN_PASS "\n", out), ==,
                    DOVECOT_AUTH_LOGIN);
    g_assert_cmpint(say(machine, lines[i], out), ==, DOVECOT_AUTH_CLOSE);
  }
}

/* Exchanges that nobody goes on with make room; requests that wait don't. */
static void test_many(void) {
  g_autoptr(DovecotAuth) machine = dovecot_auth_new(FALSE, 0);
  g_autoptr(GString) out = g_string_new(NULL);
  say(machine, V, out);
  for (guint id = 1; id <= MAX_AUTH_REQUESTS + 1; id++) {
    g_autofree char *line = g_strdup_printf("AUTH\t%u\tLOGIN\n", id);
    g_assert_cmpint(say(machine, line, out), ==, DOVECOT_AUTH_READ);
  }
  g_string_truncate(out, 0);
  g_assert_cmpint(say(machine, "CONT\t1\tYW5u\nCONT\t2\tYW5u\n", out), ==, DOVECOT_AUTH_READ);
  g_assert_cmpstr(out->str, ==, "FAIL\t1\nCONT\t2\tUGFzc3dvcmQ6\n");
  for (guint id = 1000; id < 1000 + MAX_AUTH_REQUESTS; id++) {
    g_autofree char *line = g_strdup_printf("AUTH\t%u\tPLAIN\tresp=" ANN_PASS "\n", id);
    g_assert_cmpint(say(machine, line, out), ==, DOVECOT_AUTH_LOGIN);
  }
  g_assert_cmpint(say(machine, "AUTH\t9999\tPLAIN\tresp=" ANN_PASS "\n", out), ==,
                  DOVECOT_AUTH_CLOSE);
}

static void test_long_line(void) {
  const gsize sizes[] = {MAX_AUTH_LINE - 1, MAX_AUTH_LINE};
  const DovecotAuthStep steps[] = {DOVECOT_AUTH_READ, DOVECOT_AUTH_CLOSE};
  for (gsize i = 0; i < G_N_ELEMENTS(sizes); i++) {
    g_autoptr(DovecotAuth) machine = dovecot_auth_new(FALSE, 0);
    g_autoptr(GString) out = g_string_new(NULL);
    g_autofree char *filling = g_strnfill(sizes[i], 'x');
    g_autofree char *line = g_strconcat(filling, "\n", NULL);
    say(machine, V, out);
    g_assert_cmpint(say(machine, line, out), ==, steps[i]);
  }
}

static void test_nul(void) {
  g_autoptr(DovecotAuth) machine = dovecot_auth_new(FALSE, 0);
  g_autoptr(GString) out = g_string_new(NULL);
  const guint8 bytes[] = "VERSION\t1\t2\nCPID\0\n";
  const guint8 *at = bytes;
  gsize size = sizeof bytes - 1;
  g_assert_cmpint(dovecot_auth_feed(machine, &at, &size, out), ==, DOVECOT_AUTH_CLOSE);
}

static void test_verdicts(void) {
  for (guint outcome = 0; outcome < N_OUTCOMES; outcome++) {
    static const char *const blaming[] = {"[AUTHENTICATIONFAILED]", "[AUTHORIZATIONFAILED]", NULL};
    gboolean blames = g_strv_contains(blaming, outcome_get_facts((Outcome)outcome)->imap_code);
    g_assert_cmpint(auth_verdict_from_outcome((Outcome)outcome), ==,
                    outcome == OUTCOME_OK ? AUTH_RIGHT
                    : blames              ? AUTH_WRONG
                                          : AUTH_OUTAGE);
  }
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_autofree char *path = g_strconcat("/dovecot-auth/", rows[i].name, NULL);
    g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_row);
  }
  g_test_add_func("/dovecot-auth/greeting", test_greeting);
  g_test_add_func("/dovecot-auth/parallel", test_parallel);
  g_test_add_func("/dovecot-auth/out-of-turn", test_out_of_turn);
  g_test_add_func("/dovecot-auth/many", test_many);
  g_test_add_func("/dovecot-auth/long-line", test_long_line);
  g_test_add_func("/dovecot-auth/nul", test_nul);
  g_test_add_func("/dovecot-auth/verdicts", test_verdicts);
  return g_test_run();
}
