/* SPDX-License-Identifier: MIT */
/* What is known of a view: its life, what it shows, and what a sync asks of it.
 * Sends nothing. */
#include "client/view/view-state.h"

/* ---- life ---- */

RegistryView *view_ref(RegistryView *view) {
  view->references++;
  return view;
}

void view_unref(RegistryView *view) {
  if (--view->references > 0)
    return;
  tree_free(view->tree);
  changed_keys_clear(&view->changed_keys);
  g_ptr_array_unref(view->early);
  g_clear_error(&view->problem);
  registry_connection_unref(view->connection);
  g_free(view->path);
  g_free(view->key);
  g_free(view);
}

/* ---- showing ---- */

void view_touch(RegistryView *view, const char *subkey) {
  if (view->touched != NULL && !view->freed)
    view->touched(view, subkey, view->data);
}

void view_set_problem(RegistryView *view, GError *problem) {
  g_clear_error(&view->problem);
  view->problem = problem;
}

/* The contents of a missing or denied key must not be looked up any more. */
static gboolean empty_tree(RegistryView *view) {
  gboolean differs = tree_get_size(view->tree) > 1;
  tree_free(view->tree);
  view->tree = tree_new();
  return differs;
}

void view_show(RegistryView *view, RegistryViewState state, GError *problem, gboolean differs) {
  if (state == REGISTRY_VIEW_MISSING || state == REGISTRY_VIEW_DENIED)
    differs = empty_tree(view) || differs;
  differs = differs || state != view->state;
  view->state = state;
  view_set_problem(view, problem);
  if (differs && view->changed != NULL && !view->freed)
    view->changed(view, view->data);
}

/* ---- what a sync asks ---- */

gboolean staged_is_empty(const Staged *staged) {
  return staged->everything == NULL && staged->keys == NULL;
}

/* Whether nothing is under way, staged, or known to have changed. */
static gboolean is_idle(const RegistryView *view) {
  return !view->catch_up.active && view->barrier == NULL && staged_is_empty(&view->staged) &&
         !view->forced && changed_keys_is_empty(&view->changed_keys);
}

guint64 view_get_signalled(const RegistryView *view) {
  return view->changed_keys.signalled;
}

gboolean view_has_reached(const RegistryView *view, guint64 revision) {
  if (view->watching != NULL)
    return FALSE;
  if (!view->watched || is_idle(view))
    return TRUE;
  gboolean answered = view->state == REGISTRY_VIEW_READY || view->state == REGISTRY_VIEW_MISSING;
  return answered && !view->forced && !view->catch_up.forced && view->reached >= revision;
}

guint64 view_get_shown(const RegistryView *view) {
  return view->watched ? view->revision : 0;
}

gboolean view_lacks(const RegistryView *view, guint64 revision) {
  gboolean staged = view->staged.newest != 0 && view->staged.newest <= revision;
  return view->watched && (staged || changed_keys_reaches_back(&view->changed_keys, revision));
}

gboolean view_is_current(const RegistryView *view) {
  return view->state == REGISTRY_VIEW_DENIED ||
         (view->watched &&
          (view->state == REGISTRY_VIEW_READY || view->state == REGISTRY_VIEW_MISSING));
}
