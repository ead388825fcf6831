/* SPDX-License-Identifier: MIT */
/* The handlers of org.regd.Registry1, for the table in registry1.c;
 * @data is the BusFace. */
#ifndef REGD_REGISTRY1_HANDLERS_H
#define REGD_REGISTRY1_HANDLERS_H

#include "client/bus/dispatch.h"

/* handle-read.c */
void handle_get_value(DispatchCall *call, gpointer data);
void handle_list_keys(DispatchCall *call, gpointer data);
void handle_list_values(DispatchCall *call, gpointer data);
void handle_get_key_info(DispatchCall *call, gpointer data);
void handle_describe(DispatchCall *call, gpointer data);
void handle_validate(DispatchCall *call, gpointer data);

/* handle-tree.c */
void handle_read_tree(DispatchCall *call, gpointer data);
void handle_read_values(DispatchCall *call, gpointer data);

/* handle-write.c */
void handle_set_value(DispatchCall *call, gpointer data);
void handle_delete_value(DispatchCall *call, gpointer data);
void handle_create_key(DispatchCall *call, gpointer data);
void handle_delete_key(DispatchCall *call, gpointer data);
void handle_rename_key(DispatchCall *call, gpointer data);
void handle_copy_key(DispatchCall *call, gpointer data);
void handle_commit(DispatchCall *call, gpointer data);
void handle_commit_report(DispatchCall *call, gpointer data);

/* handle-acl.c */
void handle_get_acl(DispatchCall *call, gpointer data);
void handle_set_acl(DispatchCall *call, gpointer data);
void handle_set_acl_with_options(DispatchCall *call, gpointer data);

/* handle-declared.c */
void handle_list_declared(DispatchCall *call, gpointer data);
void handle_list_drift(DispatchCall *call, gpointer data);
void handle_disown(DispatchCall *call, gpointer data);

/* handle-lock.c */
void handle_lock(DispatchCall *call, gpointer data);
void handle_unlock(DispatchCall *call, gpointer data);
void handle_list_locks(DispatchCall *call, gpointer data);

/* handle-check.c */
void handle_check_access(DispatchCall *call, gpointer data);

/* handle-watch.c */
void handle_watch(DispatchCall *call, gpointer data);
void handle_unwatch(DispatchCall *call, gpointer data);

/* handle-import.c */
void handle_import(DispatchCall *call, gpointer data);

/* handle-export.c */
void handle_export(DispatchCall *call, gpointer data);

/* handle-backup.c */
void handle_backup(DispatchCall *call, gpointer data);

/* handle-statistics.c */
void handle_get_statistics(DispatchCall *call, gpointer data);

/* handle-history.c */
void handle_get_history(DispatchCall *call, gpointer data);
void handle_list_trials(DispatchCall *call, gpointer data);
void handle_rollback(DispatchCall *call, gpointer data);
void handle_undo(DispatchCall *call, gpointer data);
void handle_purge_history(DispatchCall *call, gpointer data);
void handle_confirm(DispatchCall *call, gpointer data);
void handle_end_trial(DispatchCall *call, gpointer data);

#endif
