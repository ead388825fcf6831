/* SPDX-License-Identifier: MIT */
/* See rehearsal.h. */
#include "regd/service/rehearsal.h"

#include "regd/write/apply.h"

Rehearsal *rehearsal_new(Identity *who, SchemaSet *schemas, Change *change) {
  Rehearsal *rehearsal = g_new0(Rehearsal, 1);
  rehearsal->who = identity_ref(who);
  rehearsal->schemas = schemas != NULL ? schema_set_ref(schemas) : NULL;
  rehearsal->change = change;
  return rehearsal;
}

void rehearsal_free(Rehearsal *rehearsal) {
  if (rehearsal == NULL)
    return;
  identity_unref(rehearsal->who);
  schema_set_unref(rehearsal->schemas);
  g_clear_pointer(&rehearsal->change, change_free);
  write_result_clear(&rehearsal->result);
  g_free(rehearsal);
}

static gboolean apply(Rehearsal *rehearsal, Reader *reader, ApplyContext *context,
                      LiveSettings *settings, GError **error) {
  context->schemas = rehearsal->schemas;
  context->now = g_get_real_time();
  context->may_go_on = reader_may_go_on;
  context->may_go_on_data = reader;
  return settings_load(context->store, settings, error) &&
         store_load_revision(context->store, &context->revision, error) &&
         store_load_position(context->store, error) &&
         apply_change(context, rehearsal->who, rehearsal->change, &rehearsal->result, error);
}

gboolean rehearsal_run(Rehearsal *rehearsal, Reader *reader, GError **error) {
  LiveSettings settings = {0};
  ApplyContext context = {.store = reader_begin_trying(reader, error), .settings = &settings};
  if (context.store == NULL)
    return FALSE;
  context.places = place_cache_new();
  context.counts = retention_counts_new();
  context.locks = lock_set_new();
  gboolean done = apply(rehearsal, reader, &context, &settings, error);
  place_cache_free(context.places);
  retention_counts_free(context.counts);
  lock_set_free(context.locks);
  /* Here, because a large one would delay the main loop. */
  g_clear_pointer(&rehearsal->change, change_free);
  return done;
}
