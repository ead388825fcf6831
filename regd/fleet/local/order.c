/* SPDX-License-Identifier: MIT */
/* See order.h. */
#include "regd/fleet/local/order.h"

void fleet_record_free(gpointer data) {
  FleetRecord *record = data;
  if (record == NULL)
    return;
  g_free(record->key);
  g_clear_pointer(&record->record, g_bytes_unref);
  g_free(record);
}

void fleet_difference_free(gpointer data) {
  FleetDifference *difference = data;
  g_free(difference->key);
  g_free(difference->name);
  g_free(difference);
}

FleetOrder *fleet_order_new(FleetOrderKind kind) {
  FleetOrder *order = g_new0(FleetOrder, 1);
  g_atomic_ref_count_init(&order->references);
  order->kind = kind;
  order->records = g_ptr_array_new_with_free_func(fleet_record_free);
  return order;
}

FleetOrder *fleet_order_ref(FleetOrder *order) {
  g_atomic_ref_count_inc(&order->references);
  return order;
}

void fleet_order_unref(FleetOrder *order) {
  if (order == NULL || !g_atomic_ref_count_dec(&order->references))
    return;
  identity_unref(order->who);
  fleet_state_free(order->state);
  g_clear_pointer(&order->head, fleet_head_free);
  g_ptr_array_unref(order->records);
  fleet_state_free(order->after);
  proposal_unref(order->proposal);
  g_clear_pointer(&order->problems, g_ptr_array_unref);
  g_clear_pointer(&order->differences, g_ptr_array_unref);
  g_free(order->refused);
  g_free(order->author);
  g_free(order);
}

static const char *get_word(const char *word, const char *fallback) {
  return word != NULL && *word != '\0' ? word : fallback;
}

void fleet_order_set_head(FleetOrder *order, FleetHead *head) {
  order->head = head;
  order->author =
      head == NULL ? g_strdup("not by regd@")
                   : g_strdup_printf("%s@%s", get_word(head->user, ""), get_word(head->host, ""));
  order->origin = (EditOrigin){.user_at_host = order->author,
                               .program = head != NULL ? get_word(head->program, "") : "",
                               .revision = order->revision,
                               .time = head != NULL ? head->time : g_get_real_time()};
}

static void release(gpointer data) {
  fleet_order_unref(data);
}

Change *fleet_order_get_change(FleetOrder *order) {
  Change *change = change_new();
  change->dry_run = order->dry_run;
  change->comment = g_strdup(order->head != NULL ? order->head->comment : NULL);
  Operation *operation = change_add(change, OPERATION_FLEET, "");
  operation->acl = fleet_order_ref(order);
  operation->acl_free = release;
  return change;
}
