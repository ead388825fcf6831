/* SPDX-License-Identifier: MIT */
/* outcome.c: the table against the contract's rows, for both protocols. */
#include "mailauth/base/outcome.h"

typedef struct {
  Outcome outcome;
  const char *reason;
  guint32 id;
  const char *type, *pop3, *imap;
} Row;

static const Row rows[] = {
    {OUTCOME_OK, "ok", 11202, "Success Audit", "", ""},
    {OUTCOME_BAD_PASSWORD, "bad-password", 11202, "Failure Audit", "[AUTH]",
     "[AUTHENTICATIONFAILED]"},
    {OUTCOME_NO_SUCH_USER, "no-such-user", 11202, "Failure Audit", "[AUTH]",
     "[AUTHENTICATIONFAILED]"},
    {OUTCOME_DISABLED, "disabled", 11202, "Failure Audit", "[AUTH]", "[AUTHENTICATIONFAILED]"},
    {OUTCOME_LOCKED, "disabled", 11202, "Failure Audit", "[AUTH]", "[AUTHENTICATIONFAILED]"},
    {OUTCOME_NO_MEMORY, "no-memory", 14015, "Error", "[SYS/TEMP]", "[UNAVAILABLE]"},
    {OUTCOME_OTHER_MAILBOX, "other-mailbox", 11202, "Failure Audit", "[AUTH]",
     "[AUTHORIZATIONFAILED]"},
    {OUTCOME_HELD_BACK, "held-back", 14002, "Warning", "[AUTH]", "[AUTHENTICATIONFAILED]"},
    {OUTCOME_CROWDED, "held-back", 14002, "Warning", "[SYS/TEMP]", "[UNAVAILABLE]"},
    {OUTCOME_MAINTENANCE, "maintenance", 14006, "Warning", "[SYS/TEMP]", "[UNAVAILABLE]"},
    {OUTCOME_ACCOUNTS_MISSING, "accounts-missing", 13003, "Error", "[SYS/PERM]", "[CONTACTADMIN]"},
    {OUTCOME_ACCOUNTS_DENIED, "accounts-denied", 13003, "Error", "[SYS/PERM]", "[CONTACTADMIN]"},
    {OUTCOME_NO_BROKER, "no-broker", 13005, "Error", "[SYS/TEMP]", "[UNAVAILABLE]"},
    {OUTCOME_UNKNOWN_BROKER, "unknown-broker", 13005, "Error", "[SYS/TEMP]", "[UNAVAILABLE]"},
    {OUTCOME_BROKER_UNREACHABLE, "broker-unreachable", 13005, "Error", "[SYS/TEMP]",
     "[UNAVAILABLE]"},
    {OUTCOME_BROKER_FAILED, "broker-failed", 13005, "Error", "[SYS/TEMP]", "[UNAVAILABLE]"},
    {OUTCOME_BAD_SETTING, "bad-setting", 14004, "Error", "[SYS/TEMP]", "[UNAVAILABLE]"},
    {OUTCOME_NO_MAILBOX, "no-mailbox", 14005, "Error", "[SYS/TEMP]", "[UNAVAILABLE]"},
    {OUTCOME_MAILBOX_IN_USE, "no-mailbox", 14005, "Error", "[IN-USE]", "[UNAVAILABLE]"},
    {OUTCOME_UNREADABLE_MAIL, "unreadable-message", 14005, "Error", "[SYS/PERM]", ""},
    {OUTCOME_BACKEND_UNREACHABLE, "backend-unreachable", 14005, "Error", "[SYS/TEMP]",
     "[UNAVAILABLE]"},
    {OUTCOME_BACKEND_REFUSED, "backend-refused", 14005, "Error", "[SYS/TEMP]", "[UNAVAILABLE]"},
    {OUTCOME_CHANNEL_BINDING, "channel-binding", 11202, "Failure Audit", "[AUTH]",
     "[AUTHENTICATIONFAILED]"},
    {OUTCOME_OVERTAKEN, "overtaken", 14009, "Warning", "[SYS/TEMP]", "[UNAVAILABLE]"},
    {OUTCOME_CLEAR_TEXT, "clear-text", 14003, "Warning", "", "[PRIVACYREQUIRED]"},
    {OUTCOME_NO_CERTIFICATE, "no-certificate", 13002, "Error", "", ""},
    {OUTCOME_CHANGED, "changed", 14001, "Information", "", ""},
    {OUTCOME_RELEASED, "released", 14007, "Information", "", ""},
    {OUTCOME_UNUSABLE_HASH, "unusable-hash", 11202, "Failure Audit", "[SYS/PERM]",
     "[CONTACTADMIN]"},
    {OUTCOME_PAM_DENIED, "accounts-denied", 13003, "Error", "[SYS/TEMP]", "[UNAVAILABLE]"},
    {OUTCOME_REGISTRY_SILENT, "registry-silent", 14012, "Warning", "", ""},
    {OUTCOME_REGISTRY_BACK, "registry-back", 14012, "Information", "", ""},
    {OUTCOME_TLS_FAILED, "tls-failed", 14010, "Warning", "", ""},
    {OUTCOME_TOO_MANY_CONNECTIONS, "too-many-connections", 14011, "Warning", "", ""},
    {OUTCOME_PROXY_HEADER, "proxy-header", 14016, "Warning", "", ""},
    {OUTCOME_GUESSES, "guesses", 14013, "Warning", "", ""},
    {OUTCOME_CERTIFICATE_DOUBTFUL, "certificate-doubtful", 14008, "Warning", "", ""},
};

static void test_table(void) {
  g_assert_cmpuint(G_N_ELEMENTS(rows), ==, N_OUTCOMES);
  for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
    const OutcomeFacts *facts = outcome_get_facts(rows[i].outcome);
    g_assert_cmpstr(facts->reason, ==, rows[i].reason);
    g_assert_cmpuint(facts->event_id, ==, rows[i].id);
    g_assert_cmpstr(facts->event_type, ==, rows[i].type);
    g_assert_cmpstr(facts->pop3_code, ==, rows[i].pop3);
    g_assert_cmpstr(facts->imap_code, ==, rows[i].imap);
    g_assert_nonnull(facts->text);
    g_assert_nonnull(facts->description);
  }
}

/* Nobody must learn from the answer which names exist. */
static void test_alike_for_the_client(void) {
  const OutcomeFacts *first = outcome_get_facts(OUTCOME_BAD_PASSWORD);
  const Outcome alike[] = {OUTCOME_NO_SUCH_USER, OUTCOME_DISABLED, OUTCOME_LOCKED,
                           OUTCOME_HELD_BACK};
  for (guint i = 0; i < G_N_ELEMENTS(alike); i++)
    g_assert_cmpstr(outcome_get_facts(alike[i])->text, ==, first->text);
}

/* A hash that can't be used is a refused login, and no fault of the client's. */
static void test_client_failures(void) {
  g_assert_false(outcome_is_client_failure(OUTCOME_UNUSABLE_HASH));
  for (guint i = 0; i < N_OUTCOMES; i++)
    if (i != OUTCOME_UNUSABLE_HASH)
      g_assert_cmpint(outcome_is_client_failure((Outcome)i), ==,
                      g_str_equal(outcome_get_facts((Outcome)i)->event_type, "Failure Audit"));
}

static void test_q255269_text(void) {
  const char *text = "A required privilege is not held by the client";
  g_assert_cmpstr(outcome_get_facts(OUTCOME_ACCOUNTS_MISSING)->description, ==, text);
  g_assert_cmpstr(outcome_get_facts(OUTCOME_ACCOUNTS_DENIED)->description, ==, text);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/outcome/table", test_table);
  g_test_add_func("/outcome/alike-for-the-client", test_alike_for_the_client);
  g_test_add_func("/outcome/client-failures", test_client_failures);
  g_test_add_func("/outcome/q255269-text", test_q255269_text);
  return g_test_run();
}
