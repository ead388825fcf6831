/* SPDX-License-Identifier: MIT */
/* See process.h. */
#include "regd/files/process.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Of the flags in proc_pid_stat(5): PF_EXITING, set before the first file is closed. */
#define FLAG_EXITING 0x4U
/* The numbers up to the flags, with a name of 64 bytes at most. */
#define STAT_BYTES 512U
/* Counted from the name's closing parenthesis. */
enum { FIELD_STATE = 1, FIELD_FLAGS = 7 };

typedef enum { TASK_RUNS, TASK_LEAVES, TASK_HAS_LEFT } TaskStage;

static TaskStage parse_stage(const char *text) {
  guint64 flags = 0;
  /* The name may have parentheses of its own. */
  const char *rest = strrchr(text, ')');
  g_auto(GStrv) fields = g_strsplit(rest != NULL ? rest : "", " ", FIELD_FLAGS + 2);
  if (g_strv_length(fields) <= FIELD_FLAGS)
    return TASK_HAS_LEFT;
  if (fields[FIELD_STATE][0] == 'Z' || fields[FIELD_STATE][0] == 'X')
    return TASK_HAS_LEFT;
  gboolean known =
      g_ascii_string_to_unsigned(fields[FIELD_FLAGS], 10, 0, G_MAXUINT32, &flags, NULL);
  return known && (flags & FLAG_EXITING) != 0 ? TASK_LEAVES : TASK_RUNS;
}

/* One that is gone before it is looked at has left. */
static TaskStage read_stage(guint32 pid, const char *task) {
  char text[STAT_BYTES];
  g_autofree char *file = g_strdup_printf("/proc/%u/task/%s/stat", pid, task);
  int descriptor = open(file, O_RDONLY | O_CLOEXEC);
  gssize size = descriptor >= 0 ? read(descriptor, text, sizeof text - 1) : -1;
  if (descriptor >= 0)
    close(descriptor);
  text[MAX(size, 0)] = '\0';
  return parse_stage(text);
}

gboolean process_is_leaving(guint32 pid) {
  g_autofree char *folder = g_strdup_printf("/proc/%u/task", pid);
  g_autoptr(GDir) tasks = pid != 0 ? g_dir_open(folder, 0, NULL) : NULL;
  const char *task = NULL;
  gboolean leaves = FALSE;
  while (tasks != NULL && (task = g_dir_read_name(tasks)) != NULL) {
    TaskStage stage = read_stage(pid, task);
    if (stage == TASK_RUNS)
      return FALSE;
    leaves = leaves || stage == TASK_LEAVES;
  }
  return leaves;
}
