/* SPDX-License-Identifier: MIT */
/* See registry1.h: the tables, and the properties. */
#include "regd/registry1/registry1.h"

#include "client/base/protocol.h"
#include "regd/registry1/handlers.h"

/* ---- properties ---- */

static gboolean get_version(DBusMessageIter *variant, G_GNUC_UNUSED gpointer data,
                            G_GNUC_UNUSED GError **error) {
  return wire_append_string(variant, REGD_VERSION);
}

static gboolean get_revision(DBusMessageIter *variant, gpointer data,
                             G_GNUC_UNUSED GError **error) {
  BusFace *face = data;
  return face_append_uint64(variant, service_get_revision(face->service));
}

static gboolean get_read_only(DBusMessageIter *variant, gpointer data,
                              G_GNUC_UNUSED GError **error) {
  BusFace *face = data;
  return face_append_boolean(variant, service_is_read_only(face->service));
}

/* ---- tables ---- */

#define IN DISPATCH_ARGUMENTS
#define OUT DISPATCH_ARGUMENTS
#define NOT_OFFERED NULL

static const DispatchMethod methods[] = {
    {"GetValue", IN({"key", "s"}, {"name", "s"}), OUT({"type", "u"}, {"data", "v"}),
     handle_get_value},
    {"ListKeys", IN({"key", "s"}), OUT({"names", "as"}), handle_list_keys},
    {"ListValues", IN({"key", "s"}), OUT({"values", "a(suv)"}), handle_list_values},
    {"GetKeyInfo", IN({"key", "s"}, {"options", "a{sv}"}), OUT({"info", "a{sv}"}),
     handle_get_key_info},
    {"ReadTree", IN({"key", "s"}, {"options", "a{sv}"}),
     OUT({"revision", "t"}, {"keys", "a(sa(suv))"}, {"cursor", "s"}), handle_read_tree},
    {"ReadValues", IN({"key", "s"}, {"options", "a{sv}"}),
     OUT({"revision", "t"}, {"values", "aa{sv}"}, {"revisions", "aa{sv}"}, {"cursor", "s"}),
     handle_read_values},

    {"SetValue", IN({"key", "s"}, {"name", "s"}, {"type", "u"}, {"data", "v"}),
     OUT({"revision", "t"}), handle_set_value},
    {"DeleteValue", IN({"key", "s"}, {"name", "s"}), OUT({"revision", "t"}), handle_delete_value},
    {"CreateKey", IN({"key", "s"}, {"options", "a{sv}"}), OUT({"revision", "t"}, {"created", "b"}),
     handle_create_key},
    {"DeleteKey", IN({"key", "s"}, {"options", "a{sv}"}), OUT({"revision", "t"}),
     handle_delete_key},
    {"RenameKey", IN({"key", "s"}, {"new_name", "s"}), OUT({"revision", "t"}), handle_rename_key},
    {"CopyKey", IN({"source", "s"}, {"destination", "s"}), OUT({"revision", "t"}), handle_copy_key},
    {"Commit", IN({"operations", "a(sssuv)"}, {"options", "a{sv}"}), OUT({"revision", "t"}),
     handle_commit},
    {"CommitReport", IN({"operations", "a(sssuv)"}, {"options", "a{sv}"}),
     OUT({"revision", "t"}, {"report", "a{sv}"}), handle_commit_report},

    {"Watch", IN({"key", "s"}, {"options", "a{sv}"}),
     OUT({"id", "u"}, {"revision", "t"}, {"path", "s"}), handle_watch},
    {"Unwatch", IN({"id", "u"}), DISPATCH_NOTHING, handle_unwatch},

    {"GetHistory", IN({"key", "s"}, {"options", "a{sv}"}), OUT({"revisions", "aa{sv}"}),
     handle_get_history},
    {"Rollback", IN({"key", "s"}, {"revision", "t"}, {"options", "a{sv}"}),
     OUT({"new_revision", "t"}, {"changes", "a(sss)"}), handle_rollback},
    {"Undo", IN({"revision", "t"}, {"options", "a{sv}"}),
     OUT({"new_revision", "t"}, {"changes", "a(sss)"}), handle_undo},
    {"PurgeHistory", IN({"key", "s"}, {"name", "s"}, {"options", "a{sv}"}), DISPATCH_NOTHING,
     handle_purge_history},
    {"Confirm", IN({"revision", "t"}), DISPATCH_NOTHING, handle_confirm},
    {"EndTrial", IN({"revision", "t"}), DISPATCH_NOTHING, handle_end_trial},
    {"ListTrials", IN({"options", "a{sv}"}), OUT({"trials", "aa{sv}"}), handle_list_trials},

    {"GetAcl", IN({"key", "s"}), OUT({"origin", "s"}, {"entries", "a(ss)"}), handle_get_acl},
    {"SetAcl", IN({"key", "s"}, {"entries", "a(ss)"}), OUT({"revision", "t"}), handle_set_acl},
    {"SetAclWithOptions", IN({"key", "s"}, {"entries", "a(ss)"}, {"options", "a{sv}"}),
     OUT({"revision", "t"}), handle_set_acl_with_options},
    {"CheckAccess", IN({"key", "s"}, {"principal", "s"}, {"options", "a{sv}"}), OUT({"level", "s"}),
     handle_check_access},

    {"ListDeclared", IN({"key", "s"}, {"options", "a{sv}"}), OUT({"declarations", "a(sssb)"}),
     handle_list_declared},
    {"ListDrift", IN({"key", "s"}, {"options", "a{sv}"}), OUT({"drift", "aa{sv}"}),
     handle_list_drift},
    {"Disown", IN({"owner", "s"}, {"options", "a{sv}"}), OUT({"revision", "t"}), handle_disown},

    {"Lock", IN({"key", "s"}, {"name", "s"}, {"reason", "s"}, {"options", "a{sv}"}),
     OUT({"revision", "t"}), handle_lock},
    {"Unlock", IN({"key", "s"}, {"name", "s"}, {"options", "a{sv}"}), OUT({"revision", "t"}),
     handle_unlock},
    {"ListLocks", IN({"key", "s"}, {"options", "a{sv}"}), OUT({"locks", "aa{sv}"}),
     handle_list_locks},

    {"Describe", IN({"key", "s"}, {"name", "s"}), OUT({"description", "a{sv}"}), handle_describe},
    {"Validate", IN({"key", "s"}), OUT({"problems", "a(sss)"}), handle_validate},

    {"Import", IN({"file", "h"}, {"options", "a{sv}"}), OUT({"revision", "t"}, {"report", "a{sv}"}),
     handle_import},
    {"Export", IN({"key", "s"}, {"file", "h"}, {"options", "a{sv}"}), OUT({"report", "a{sv}"}),
     handle_export},
    {"Backup", IN({"file", "h"}, {"options", "a{sv}"}), OUT({"report", "a{sv}"}), handle_backup},

    {"GetStatistics", IN({"options", "a{sv}"}), OUT({"statistics", "a{sv}"}),
     handle_get_statistics},
    {NULL, NULL, NULL, NULL},
};

static const DispatchSignal signals[] = {
    {"Changed",
     DISPATCH_ARGUMENTS({"id", "u"}, {"sequence", "t"}, {"revision", "t"}, {"changes", "a(sss)"})},
    {NULL, NULL},
};

static const DispatchProperty properties[] = {
    {"Version", "s", "const", get_version},
    {"Revision", "t", "false", get_revision},
    {"ReadOnly", "b", NULL, get_read_only},
    {NULL, NULL, NULL, NULL},
};

const DispatchInterface registry1_interfaces[] = {
    {REGISTRY_INTERFACE, methods, signals, properties},
    {NULL, NULL, NULL, NULL},
};
