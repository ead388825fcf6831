/* SPDX-License-Identifier: MIT */
/* See appeal.h. Nothing is kept of the first handling but its error: what has changed while a
 * person was asked is seen by the second one. */
#include "regd/bus/appeal.h"

#include "client/base/error.h"

typedef struct {
  DispatchCall *call;
  GError *refusal;
} Appeal;

static void on_answered(gboolean granted, gpointer data) {
  g_autofree Appeal *appeal = data;
  g_autoptr(GError) refusal = appeal->refusal;
  if (!granted) {
    dispatch_call_fail(appeal->call, refusal);
    return;
  }
  face_make_administrator(appeal->call);
  dispatch_call_run(appeal->call);
}

static gboolean is_for_lack_of_rights(const GError *error) {
  return g_error_matches(error, REGISTRY_ERROR, REGISTRY_ERROR_ACCESS_DENIED);
}

gboolean appeal_begin(DispatchCall *call, const GError *error, gpointer data) {
  BusFace *face = data;
  if (!is_for_lack_of_rights(error) || g_str_equal(dispatch_call_get_method(call), "Watch") ||
      !face_may_appeal(call, face))
    return FALSE;
  face_spend_appeal(call);
  Appeal *appeal = g_new0(Appeal, 1);
  appeal->call = call;
  appeal->refusal = g_error_copy(error);
  if (authority_ask(face->authority, dispatch_call_get_sender(call), face_caller(call)->uid,
                    on_answered, appeal))
    return TRUE;
  g_error_free(appeal->refusal);
  g_free(appeal);
  return FALSE;
}
