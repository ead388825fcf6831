/* SPDX-License-Identifier: MIT */
/* A stranger's bytes as the conversation of either protocol: fed whole and byte
 * by byte, it must come out the same, in whole lines, within the limits. */
#ifndef TESTS_FUZZ_CONVERSATION_H
#define TESTS_FUZZ_CONVERSATION_H

#include <string.h>

#include "mailauth/base/limits.h"
#include "mailauth/protocol/machines.h"
#include "tests/fuzz/fuzz.h"

static inline void check_credentials(const Credentials *credentials) {
  gboolean by_password = credentials->kind == CREDENTIALS_PASSWORD;
  g_assert_true(g_utf8_validate(credentials->user, -1, NULL));
  g_assert_cmpuint(strlen(credentials->user), >, 0);
  g_assert_cmpuint(strlen(credentials->user), <=, MAX_USER);
  g_assert_cmpuint(credentials->password.size, <=, by_password ? MAX_PASSWORD : MAX_SCRAM_MESSAGE);
}

/* What a session would do. FALSE: the machine hears no more. */
static inline gboolean take_fuzzed_step(const MachineOps *ops, Machine *machine, Step step,
                                        GString *trace) {
  if (step == STEP_LOGIN) {
    const Credentials *credentials = ops->get_credentials(machine);
    check_credentials(credentials);
    g_string_append_printf(trace, "<%s %s>\r\n", credentials->mechanism, credentials->user);
    if (credentials->kind == CREDENTIALS_SCRAM_FIRST ||
        credentials->kind == CREDENTIALS_SCRAM_FINAL) {
      ops->challenge(machine, (const guint8 *)"what", 4, trace);
      return TRUE;
    }
    gboolean even = credentials->password.size % 2 == 0;
    const MachineAnswer answer = {.outcome = even ? OUTCOME_OK : OUTCOME_BAD_PASSWORD};
    step = ops->answer(machine, &answer, trace);
  } else if (step == STEP_CLEAR_TEXT) {
    step = ops->answer(machine, &(MachineAnswer){.outcome = OUTCOME_CLEAR_TEXT}, trace);
  } else if (step == STEP_NO_CERTIFICATE) {
    step = ops->answer(machine, &(MachineAnswer){.outcome = OUTCOME_NO_CERTIFICATE}, trace);
  } else if (step == STEP_TOLD) {
    g_autofree char *address = client_address_format(&ops->get_told(machine)->address);
    g_string_append_printf(trace, "<told %s %u>\r\n", address, ops->get_told(machine)->port);
    ops->take_told(machine, ops->get_told(machine)->port % 2 == 0, trace);
    step = STEP_READ;
  }
  return step == STEP_READ;
}

static inline GString *converse(Protocol protocol, guint8 around, const guint8 *data, gsize size,
                                gsize fragment) {
  const MachineOps *ops = machine_get_ops(protocol);
  const Surroundings surroundings = {.in_tls = around & 1,
                                     .offers_tls = !(around & 1) && (around & 2),
                                     .takes_passwords = around & 4,
                                     .takes_proofs = around & 8,
                                     .has_scram = around & 16,
                                     .may_tell = around & 32};
  GString *trace = g_string_new(NULL);
  Machine *machine = ops->create();
  gboolean open = TRUE;
  ops->greet(&surroundings, trace);
  while (size > 0 && open) {
    gsize left = MIN(fragment, size);
    size -= left;
    while (left > 0 && open)
      open = take_fuzzed_step(ops, machine, ops->feed(machine, &surroundings, &data, &left, trace),
                              trace);
  }
  ops->free(machine);
  return trace;
}

static inline void fuzz_conversation(Protocol protocol, const guint8 *data, gsize size) {
  if (size == 0)
    return;
  g_autoptr(GString) whole = converse(protocol, data[0], data + 1, size - 1, G_MAXSIZE);
  g_autoptr(GString) bytes = converse(protocol, data[0], data + 1, size - 1, 1);
  g_assert_cmpstr(whole->str, ==, bytes->str);
  g_assert_cmpuint(strlen(whole->str), ==, whole->len);
  g_assert_true(g_str_has_suffix(whole->str, "\r\n"));
}

#endif
