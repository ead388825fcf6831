/* SPDX-License-Identifier: MIT */
/* See survey.h. A write is signalled before it can be read: what was touched is read anew
 * until the view has moved on. */
#include "mailauth/package/survey.h"

#include <string.h>

#include "mailauth/base/stand-in.h"
#include "mailauth/protocol/scram-keys.h"

G_STATIC_ASSERT(SURVEY_KEY_BYTES == SCRAM_DECOY_BYTES);

struct Survey {
  const RegistryView *accounts;
  SurveyRead read;
  StandIns *stand_ins;
  GHashTable *touched; /* a set of accounts */
  guint64 touched_at;  /* the view's revision when the last one was */
  gboolean all_touched;
  gboolean is_read; /* all accounts have been looked at */
  guint64 read_at;  /* the view's revision when they were */
  guint8 spare[SURVEY_KEY_BYTES];
};

Survey *survey_new(const RegistryView *accounts, SurveyRead read) {
  Survey *survey = g_new0(Survey, 1);
  survey->accounts = accounts;
  survey->read = read;
  survey->stand_ins = stand_ins_new();
  survey->touched = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  scram_keys_make_decoy(survey->spare);
  return survey;
}

void survey_free(Survey *survey) {
  if (survey == NULL)
    return;
  explicit_bzero(survey->spare, sizeof survey->spare);
  stand_ins_free(survey->stand_ins);
  g_hash_table_unref(survey->touched);
  g_free(survey);
}

/* Accounts are found in any case. */
static char *fold(const char *account) {
  return g_utf8_strdown(account, -1);
}

void survey_touch(Survey *survey, const char *account) {
  survey->touched_at = registry_view_get_revision(survey->accounts);
  if (account != NULL)
    g_hash_table_add(survey->touched, fold(account));
  else
    survey->all_touched = TRUE;
}

static void look_at(Survey *survey, const char *account) {
  g_autofree char *folded = fold(account);
  g_autofree char *sample = NULL;
  g_autofree char *kind = survey->read(survey->accounts, account, &sample);
  stand_ins_set(survey->stand_ins, folded, kind, sample);
}

static void look_at_all(Survey *survey) {
  g_auto(GStrv) names = registry_view_list_keys(survey->accounts, "");
  stand_ins_clear(survey->stand_ins);
  for (char **name = names; name != NULL && *name != NULL; name++)
    look_at(survey, *name);
  survey->is_read = registry_view_get_state(survey->accounts) == REGISTRY_VIEW_READY;
  survey->read_at = registry_view_get_revision(survey->accounts);
}

static void look_at_touched(Survey *survey) {
  GHashTableIter each;
  gpointer account = NULL;
  g_hash_table_iter_init(&each, survey->touched);
  while (g_hash_table_iter_next(&each, &account, NULL))
    look_at(survey, account);
}

static void refresh(Survey *survey) {
  guint64 now = registry_view_get_revision(survey->accounts);
  if (!survey->is_read || (survey->all_touched && survey->read_at != now))
    look_at_all(survey);
  else
    look_at_touched(survey);
  if (now <= survey->touched_at)
    return;
  survey->all_touched = FALSE;
  g_hash_table_remove_all(survey->touched);
}

const char *survey_choose(Survey *survey, const char *name) {
  refresh(survey);
  return stand_ins_choose(survey->stand_ins, survey_get_key(survey), SURVEY_KEY_BYTES, name);
}

const guint8 *survey_get_kept_key(const RegistryView *accounts) {
  gsize size = 0;
  const RegistryValue *value = registry_view_get(accounts, "", DECOY_KEY_VALUE);
  const guint8 *bytes = value == NULL ? NULL : registry_value_get_bytes(value, &size);
  return bytes != NULL && size == SURVEY_KEY_BYTES ? bytes : NULL;
}

const guint8 *survey_get_key(const Survey *survey) {
  const guint8 *kept = survey_get_kept_key(survey->accounts);
  return kept != NULL ? kept : survey->spare;
}
