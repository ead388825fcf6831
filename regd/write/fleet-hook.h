/* SPDX-License-Identifier: MIT */
/* What a host's membership in a fleet means for its writer. regd/fleet fills it in; without it the
 * writer knows of no fleet. Everything is called on the writer's thread. */
#ifndef REGD_WRITE_FLEET_HOOK_H
#define REGD_WRITE_FLEET_HOOK_H

#include "regd/edit/edit.h"

typedef struct FleetHook {
  /* Does OPERATION_FLEET. */
  gboolean (*apply)(Edit *edit, const Operation *operation, GError **error);
  /* Whether the host may be in a fleet. */
  gboolean (*is_member)(const Edit *edit);
  /* Called with the differences of a change before they are recorded; on a host that is in no fleet
   * several times, with one part of them each time. Sets result->proposal if they are the fleet's
   * to make: then the change is rolled back. */
  gboolean (*judge)(Edit *edit, const Change *change, GError **error);
  /* Sets result->proposal if the trial is one of the fleet, which confirms it. */
  gboolean (*confirm)(Edit *edit, guint64 revision, GError **error);
  /* What was done last has been rolled back: what is kept in memory may be wrong. */
  void (*forget)(gpointer data);
  gpointer data;
  /* With what the functions above read the keys of secrets. */
  struct FleetKeyReader *key_reader;
} FleetHook;

/* @hook may be NULL. */
static inline void fleet_hook_forget(const FleetHook *hook) {
  if (hook != NULL)
    hook->forget(hook->data);
}

#endif
