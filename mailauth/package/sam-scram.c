/* SPDX-License-Identifier: MIT */
/* See sam-scram.h. A client that only asks must not learn which accounts exist: names
 * without keys are answered by false ones, made from the name and a key that the
 * registry keeps, so that they stay the same over restarts, with an iteration
 * count that accounts have, chosen by the name. */
#include "mailauth/package/sam-scram.h"

#include <string.h>

#include "mailauth/package/proof.h"
#include "mailauth/package/sam.h"
#include "mailauth/package/survey.h"

struct SamScram {
  const RegistryView *accounts;
  Survey *survey;    /* of their iteration counts */
  char *example;     /* an account that had keys when it was looked for; NULL: none has */
  guint64 looked_at; /* the revision at which there was none */
};

static gboolean read_keys(const RegistryView *accounts, const char *account, ScramKeys *keys) {
  static const char *const names[] = {SCRAM_KEYS_VALUE, NULL};
  g_autoptr(SecretText) text = registry_view_get_string(accounts, account, names, NULL);
  return text != NULL && scram_keys_parse(text, keys);
}

/* Salts are all of one size: the count is what differs. */
static char *read_kind(const RegistryView *accounts, const char *account, char **sample) {
  g_auto(ScramKeys) keys = {0};
  if (!read_keys(accounts, account, &keys))
    return NULL;
  *sample = g_strdup_printf("%u", keys.iterations);
  return g_strdup(*sample);
}

SamScram *sam_scram_new(const RegistryView *accounts) {
  SamScram *scram = g_new0(SamScram, 1);
  scram->accounts = accounts;
  scram->survey = survey_new(accounts, read_kind);
  return scram;
}

void sam_scram_free(SamScram *scram) {
  if (scram == NULL)
    return;
  survey_free(scram->survey);
  g_free(scram->example);
  g_free(scram);
}

void sam_scram_touch(SamScram *scram, const char *account) {
  survey_touch(scram->survey, account);
}

static guint32 choose_iterations(SamScram *scram, const char *name) {
  const char *chosen = survey_choose(scram->survey, name);
  guint64 iterations = SCRAM_ITERATIONS;
  if (chosen != NULL)
    (void)g_ascii_string_to_unsigned(chosen, 10, SCRAM_MIN_ITERATIONS, SCRAM_MAX_ITERATIONS,
                                     &iterations, NULL);
  return (guint32)iterations;
}

/* ---- whether there are any ---- */

static gboolean try_example(const SamScram *scram, const char *account) {
  g_auto(ScramKeys) keys = {0};
  return read_keys(scram->accounts, account, &keys);
}

/* The example is looked for when it has gone, and then once a revision: as a
 * rule the first account has keys, or there is no decoy key and none has. */
static gboolean find_example(SamScram *scram) {
  guint64 revision = registry_view_get_revision(scram->accounts);
  if (scram->example != NULL && try_example(scram, scram->example))
    return TRUE;
  g_clear_pointer(&scram->example, g_free);
  if (scram->looked_at == revision)
    return FALSE;
  scram->looked_at = revision;
  g_auto(GStrv) names = registry_view_list_keys(scram->accounts, "");
  for (guint i = 0; names != NULL && names[i] != NULL && scram->example == NULL; i++)
    if (try_example(scram, names[i]))
      scram->example = g_strdup(names[i]);
  return scram->example != NULL;
}

gboolean sam_scram_is_there(SamScram *scram) {
  return registry_view_get_state(scram->accounts) == REGISTRY_VIEW_READY &&
         survey_get_kept_key(scram->accounts) != NULL && find_example(scram);
}

/* ---- one account ---- */

/* A `Disabled` that can't be read must not let anybody in. */
static gboolean is_disabled(const SamScram *scram, const char *account) {
  static const char *const names[] = {"Disabled", NULL};
  guint32 disabled = 0;
  g_autoptr(GError) error = NULL;
  if (!registry_view_get_uint32(scram->accounts, account, names, &disabled, &error))
    return !g_error_matches(error, REGISTRY_ERROR, REGISTRY_ERROR_VALUE_NOT_FOUND);
  return disabled != 0;
}

/* FALSE: the account has none that go for its password; *@detail says why. */
static gboolean find_keys(const SamScram *scram, const char *account, ScramKeys *keys,
                          char **detail) {
  static const char *const names[] = {"Password", NULL};
  g_autoptr(SecretText) hash = registry_view_get_string(scram->accounts, account, names, NULL);
  gboolean kept = registry_view_get(scram->accounts, account, SCRAM_KEYS_VALUE) != NULL;
  gboolean valid = kept && read_keys(scram->accounts, account, keys);
  gboolean found = valid && hash != NULL && scram_keys_belong(keys, hash);
  if (!found)
    *detail = g_strdup(!kept    ? "the account has no keys for SCRAM-SHA-256"
                       : !valid ? "the account's value " SCRAM_KEYS_VALUE " can't be used"
                                : "the account's keys for SCRAM-SHA-256 are those of another "
                                  "password; 'mailauthctl user passwd' makes them anew");
  return found;
}

/* No password can open some hashes, by whatever mechanism it is proved. */
static Outcome judge_without_keys(const SamScram *scram, const char *account, char **detail) {
  static const char *const names[] = {"Password", NULL};
  g_autofree char *why = NULL;
  g_autoptr(SecretText) hash = registry_view_get_string(scram->accounts, account, names, NULL);
  Outcome outcome = proof_judge_hash(hash, &why);
  if (outcome != OUTCOME_LOCKED && outcome != OUTCOME_UNUSABLE_HASH)
    return OUTCOME_BAD_PASSWORD;
  g_free(*detail);
  *detail = g_steal_pointer(&why);
  return outcome;
}

static Outcome judge(SamScram *scram, const char *account, ScramKeys *keys, gboolean *found,
                     char **detail) {
  Outcome state = sam_get_state(scram->accounts, detail);
  if (state != OUTCOME_OK)
    return state;
  if (account == NULL || !registry_view_has_key(scram->accounts, account))
    return OUTCOME_NO_SUCH_USER;
  *found = find_keys(scram, account, keys, detail);
  if (is_disabled(scram, account))
    return OUTCOME_DISABLED;
  return *found ? OUTCOME_OK : judge_without_keys(scram, account, detail);
}

/* An account without keys takes as long as the example, which has them. */
static void spend_as_much(const SamScram *scram) {
  g_auto(ScramKeys) keys = {0};
  g_autofree char *detail = NULL;
  if (scram->example != NULL)
    (void)find_keys(scram, scram->example, &keys, &detail);
}

Outcome sam_scram_find(SamScram *scram, const char *account, const char *name, ScramKeys *keys,
                       char **detail) {
  g_auto(ScramKeys) false_keys = {0};
  gboolean found = FALSE;
  const char *decoy_name = account != NULL ? account : name;
  *detail = NULL;
  find_example(scram);
  /* Made for everybody, needed or not. */
  scram_keys_invent(&false_keys, survey_get_key(scram->survey), decoy_name,
                    choose_iterations(scram, decoy_name));
  Outcome outcome = judge(scram, account, keys, &found, detail);
  if (found)
    return outcome;
  spend_as_much(scram);
  *keys = false_keys;
  return outcome;
}
