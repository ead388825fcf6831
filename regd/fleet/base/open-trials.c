/* SPDX-License-Identifier: MIT */
/* See open-trials.h. */
#include "regd/fleet/base/open-trials.h"

#include <string.h>

static void remove_at(OpenTrials *trials, guint place) {
  trials->count--;
  memmove(&trials->numbers[place], &trials->numbers[place + 1],
          (trials->count - place) * sizeof *trials->numbers);
}

void open_trials_add(OpenTrials *trials, guint64 number) {
  if (trials->count == FLEET_LIMIT_TRIALS)
    remove_at(trials, 0);
  trials->numbers[trials->count++] = number;
}

void open_trials_remove(OpenTrials *trials, guint64 number) {
  for (guint i = trials->count; i > 0; i--)
    if (trials->numbers[i - 1] == number)
      remove_at(trials, i - 1);
}

char *open_trials_write(const OpenTrials *trials) {
  GString *text = g_string_new(NULL);
  for (guint i = 0; i < trials->count; i++)
    g_string_append_printf(text, "%s%" G_GUINT64_FORMAT, i > 0 ? " " : "", trials->numbers[i]);
  return g_string_free(text, FALSE);
}

void open_trials_read(OpenTrials *trials, const char *text) {
  g_auto(GStrv) words = g_strsplit(text, " ", -1);
  *trials = (OpenTrials){0};
  for (guint i = 0; words[i] != NULL; i++) {
    guint64 number = 0;
    if (g_ascii_string_to_unsigned(words[i], 10, 1, G_MAXINT64, &number, NULL))
      open_trials_add(trials, number);
  }
}
