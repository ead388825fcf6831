/* SPDX-License-Identifier: MIT */
/* server-code.c: what is read of a mail server's refusal, and what a client is told. */
#include "mailauth/base/server-code.h"

#include <string.h>

#include "mailauth/base/limits.h"

static const struct {
  const char *text;
  const char *imap, *pop3;
} rows[] = {
    {"[UNAVAILABLE] x", "[UNAVAILABLE]", "[SYS/TEMP]"},
    {"[AUTHENTICATIONFAILED] x", "[UNAVAILABLE]", "[SYS/TEMP]"},
    {"[AUTHORIZATIONFAILED] x", "[AUTHORIZATIONFAILED]", "[AUTH]"},
    {"[EXPIRED] x", "[EXPIRED]", "[AUTH]"},
    {"[PRIVACYREQUIRED] x", "[PRIVACYREQUIRED]", "[SYS/PERM]"},
    {"[CONTACTADMIN] x", "[CONTACTADMIN]", "[SYS/PERM]"},
    {"[NOPERM] x", "[NOPERM]", "[SYS/PERM]"},
    {"[INUSE] x", "[INUSE]", "[IN-USE]"},
    {"[EXPUNGEISSUED] x", "[EXPUNGEISSUED]", "[SYS/TEMP]"},
    {"[CORRUPTION] x", "[CORRUPTION]", "[SYS/PERM]"},
    {"[SERVERBUG] x", "[SERVERBUG]", "[SYS/TEMP]"},
    {"[CLIENTBUG] x", "[CLIENTBUG]", "[SYS/PERM]"},
    {"[CANNOT] x", "[CANNOT]", "[SYS/PERM]"},
    {"[LIMIT] x", "[LIMIT]", "[SYS/TEMP]"},
    {"[OVERQUOTA] x", "[OVERQUOTA]", "[SYS/PERM]"},
    {"[ALREADYEXISTS] x", "[ALREADYEXISTS]", "[SYS/PERM]"},
    {"[NONEXISTENT] x", "[NONEXISTENT]", "[SYS/PERM]"},
    {"[ALERT] x", "[ALERT]", "[SYS/TEMP]"},
    {"[IN-USE] x", "[INUSE]", "[IN-USE]"},
    {"[LOGIN-DELAY] x", "[LIMIT]", "[LOGIN-DELAY]"},
    {"[SYS/TEMP] x", "[UNAVAILABLE]", "[SYS/TEMP]"},
    {"[SYS/TEMP/DISK] x", "[UNAVAILABLE]", "[SYS/TEMP]"},
    {"[SYS/PERM] x", "[CONTACTADMIN]", "[SYS/PERM]"},
    {"[AUTH] x", "[UNAVAILABLE]", "[SYS/TEMP]"},
    {"[limit]", "[LIMIT]", "[SYS/TEMP]"},
    {"[LIMIT 10 of 10] x", "[LIMIT]", "[SYS/TEMP]"},
    {"[LIMITS] x", "", ""},
    {"[LIMIT x", "", ""},
    {"[]", "", ""},
    {"[", "", ""},
    {"x [LIMIT]", "", ""},
    {" [LIMIT]", "", ""},
    {"", "", ""},
};

static void test_codes(void) {
  for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
    const ServerCodeFacts *facts = server_code_get_facts(server_code_find(rows[i].text, NULL));
    g_test_message("%s", rows[i].text);
    g_assert_cmpstr(facts->imap, ==, rows[i].imap);
    g_assert_cmpstr(facts->pop3, ==, rows[i].pop3);
  }
  g_assert_true(server_code_get_facts((ServerCode)77) == server_code_get_facts(SERVER_CODE_NONE));
  /* A wrong password is the master user's. */
  for (guint code = 0; code < N_SERVER_CODES; code++) {
    const ServerCodeFacts *facts = server_code_get_facts((ServerCode)code);
    g_assert_cmpstr(facts->imap, !=, "[AUTHENTICATIONFAILED]");
    g_assert_true((*facts->text == '\0') == (code == SERVER_CODE_NONE));
  }
}

static void test_alerts(void) {
  const struct {
    const char *text, *alert;
  } alerts[] = {
      {"[ALERT] Closed today.", "Closed today."},
      {"[alert]", ""},
      {"[ALERT]   a\tb\r\x7f\xff  ", "a?b???"},
  };
  for (guint i = 0; i < G_N_ELEMENTS(alerts); i++) {
    const char *rest = NULL;
    g_assert_cmpint(server_code_find(alerts[i].text, &rest), ==, SERVER_CODE_ALERT);
    g_autofree char *alert = server_alert_dup(rest);
    g_assert_cmpstr(alert, ==, alerts[i].alert);
    g_assert_true(server_alert_is_clean(alert));
  }
  g_autofree char *endless = g_strnfill(100000, 'x');
  g_autofree char *alert = server_alert_dup(endless);
  g_assert_cmpuint(strlen(alert), ==, MAX_ALERT);
  g_assert_true(server_alert_is_clean(alert));
  g_assert_false(server_alert_is_clean(endless));
  g_assert_false(server_alert_is_clean("a\r\nb"));
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/server-code/codes", test_codes);
  g_test_add_func("/server-code/alerts", test_alerts);
  return g_test_run();
}
