/* SPDX-License-Identifier: MIT */
/* What POP3 and IMAP clients are told of each refusal. */
#include <string.h>

#include "mailauth/protocol/machines.h"

/* What a refusal for each outcome, and of a server behind, looks like on the wire. */
static void test_outcomes(void) {
  const struct {
    Outcome outcome;
    ServerWord word;
    const char *pop3;
    const char *imap;
  } rows[] = {
      {OUTCOME_NO_SUCH_USER, {0}, "-ERR [AUTH] ", "a NO [AUTHENTICATIONFAILED] "},
      {OUTCOME_HELD_BACK, {0}, "-ERR [AUTH] ", "a NO [AUTHENTICATIONFAILED] "},
      {OUTCOME_MAINTENANCE, {0}, "-ERR [SYS/TEMP] ", "a NO [UNAVAILABLE] "},
      {OUTCOME_ACCOUNTS_MISSING, {0}, "-ERR [SYS/PERM] ", "a NO [CONTACTADMIN] "},
      {OUTCOME_BROKER_UNREACHABLE, {0}, "-ERR [SYS/TEMP] ", "a NO [UNAVAILABLE] "},
      {OUTCOME_MAILBOX_IN_USE, {0}, "-ERR [IN-USE] ", "a NO [UNAVAILABLE] "},
      {OUTCOME_BACKEND_REFUSED, {0}, "-ERR [SYS/TEMP] The ", "a NO [UNAVAILABLE] The "},
      {OUTCOME_BACKEND_REFUSED,
       {SERVER_CODE_LIMIT, ""},
       "-ERR [SYS/TEMP] A limit",
       "a NO [LIMIT] A limit"},
      {OUTCOME_BACKEND_REFUSED,
       {SERVER_CODE_IN_USE, NULL},
       "-ERR [IN-USE] Another",
       "a NO [INUSE] Another"},
      {OUTCOME_BACKEND_REFUSED,
       {SERVER_CODE_LOGIN_DELAY, ""},
       "-ERR [LOGIN-DELAY] ",
       "a NO [LIMIT] "},
      {OUTCOME_BACKEND_REFUSED,
       {SERVER_CODE_ALERT, "Call us."},
       "-ERR [SYS/TEMP] Call us.\r\n",
       "a NO [ALERT] Call us.\r\n"},
      {OUTCOME_BACKEND_REFUSED,
       {SERVER_CODE_EXPIRED, "Call us."},
       "-ERR [AUTH] Call us.\r\n",
       "* NO [ALERT] Call us.\r\na NO [EXPIRED] The account"},
      {OUTCOME_BACKEND_REFUSED,
       {SERVER_CODE_NONE, "Call us."},
       "-ERR [SYS/TEMP] Call us.\r\n",
       "* NO [ALERT] Call us.\r\na NO [UNAVAILABLE] "},
      /* Of another outcome, and of no code that there is. */
      {OUTCOME_BAD_PASSWORD,
       {SERVER_CODE_LIMIT, "Call us."},
       "-ERR [AUTH] Authentication failed.",
       "a NO [AUTHENTICATIONFAILED] "},
      {OUTCOME_BACKEND_REFUSED,
       {N_SERVER_CODES, ""},
       "-ERR [SYS/TEMP] The ",
       "a NO [UNAVAILABLE] "},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
    for (guint protocol = 0; protocol < N_PROTOCOLS; protocol++) {
      const MachineOps *ops = machine_get_ops(protocol);
      Surroundings surroundings = {.takes_passwords = TRUE};
      g_autoptr(GString) out = g_string_new(NULL);
      Machine *machine = ops->create();
      const MachineAnswer answer = {rows[i].outcome, "", rows[i].word};
      const guint8 *input =
          (const guint8 *)(protocol == PROTOCOL_POP3 ? "USER a\nPASS b\n" : "a LOGIN a b\n");
      gsize size = strlen((const char *)input);
      g_assert_cmpint(ops->feed(machine, &surroundings, &input, &size, out), ==, STEP_LOGIN);
      g_string_truncate(out, 0);
      g_assert_cmpint(ops->answer(machine, &answer, out), ==, STEP_READ);
      g_assert_true(
          g_str_has_prefix(out->str, protocol == PROTOCOL_POP3 ? rows[i].pop3 : rows[i].imap));
      g_assert_true(g_str_has_suffix(out->str, "\r\n"));
      ops->free(machine);
    }
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/answers/outcomes", test_outcomes);
  return g_test_run();
}
