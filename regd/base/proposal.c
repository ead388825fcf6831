/* SPDX-License-Identifier: MIT */
/* See proposal.h. */
#include "regd/base/proposal.h"

#include <string.h>

static void operation_free(gpointer data) {
  ProposalOperation *operation = data;
  g_free(operation->key);
  g_clear_pointer(&operation->record, g_bytes_unref);
  g_free(operation);
}

Proposal *proposal_new(Identity *who, GBytes *guard) {
  Proposal *proposal = g_new0(Proposal, 1);
  g_atomic_ref_count_init(&proposal->references);
  proposal->operations = g_ptr_array_new_with_free_func(operation_free);
  proposal->guard = guard != NULL ? g_bytes_ref(guard) : NULL;
  proposal->who = identity_ref(who);
  return proposal;
}

Proposal *proposal_ref(Proposal *proposal) {
  g_atomic_ref_count_inc(&proposal->references);
  return proposal;
}

void proposal_unref(Proposal *proposal) {
  if (proposal == NULL || !g_atomic_ref_count_dec(&proposal->references))
    return;
  g_ptr_array_unref(proposal->operations);
  g_clear_pointer(&proposal->guard, g_bytes_unref);
  identity_unref(proposal->who);
  g_clear_pointer(&proposal->change, change_free);
  g_free(proposal->comment);
  g_free(proposal->path);
  g_free(proposal->user);
  g_free(proposal);
}

void proposal_add(Proposal *proposal, ProposalKind kind, char *key, GBytes *record) {
  ProposalOperation *operation = g_new0(ProposalOperation, 1);
  operation->kind = kind;
  operation->key = key;
  operation->record = record;
  g_ptr_array_add(proposal->operations, operation);
}

gsize proposal_get_size(const Proposal *proposal) {
  gsize size = 0;
  for (guint i = 0; i < proposal->operations->len; i++) {
    const ProposalOperation *operation = g_ptr_array_index(proposal->operations, i);
    size += strlen(operation->key);
    size += operation->record != NULL ? g_bytes_get_size(operation->record) : 0;
  }
  return size;
}
