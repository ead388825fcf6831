/* SPDX-License-Identifier: MIT */
/* Whether a thread is alive, by what is seen of it from time to time. */
#include "regd/base/pulse.h"

/* Each letter is a look: m it has moved, s it stands still, d it waits for the disk and
 * stands still, w it works on one large step. Each answer: B beats, W waits, - stopped. */
static const struct {
  const char *name, *looks, *answers;
} rows[] = {
    {"first-look", "s", "B"},
    {"idle-answers", "mmmm", "BBBB"},
    {"hangs", "mmss", "BB--"},
    {"goes-on", "msm", "B-B"},
    {"disk", "mddm", "BWWB"},
    {"disk-for-long", "mdddddddddddddddddddddm", "BWWWWWWWWWWWWWWWWWWWW-B"},
    {"disk-then-hangs", "mds", "BW-"},
    {"large-step", "mwwm", "BWWB"},
    {"endless-step", "mwwwwwwwwwwwwwwwwwwwwww", "BWWWWWWWWWWWWWWWWWWWW--"},
    {"step-then-hangs", "mwds", "BWW-"},
    {"disk-again", "mdddddddddddmddddddddddd", "BWWWWWWWWWWWBWWWWWWWWWWW"},
};

static void test_row(gconstpointer data) {
  gsize row = GPOINTER_TO_SIZE(data);
  Pulse pulse = {0};
  PulseSample sample = {.moved = G_MAXUINT};
  g_autoptr(GString) answers = g_string_new(NULL);
  for (const char *look = rows[row].looks; *look != '\0'; look++) {
    sample.moved += *look == 'm' ? 1 : 0;
    sample.waits_for_disk = *look == 'd';
    sample.used_us += *look == 'w' ? PULSE_LEAST_WORK_US : PULSE_LEAST_WORK_US / 10;
    g_string_append_c(answers, "BW-"[pulse_look(&pulse, &sample)]);
  }
  g_assert_cmpstr(answers->str, ==, rows[row].answers);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_autofree char *path = g_strconcat("/pulse/", rows[i].name, NULL);
    g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_row);
  }
  return g_test_run();
}
