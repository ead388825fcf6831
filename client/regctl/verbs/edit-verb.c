/* SPDX-License-Identifier: MIT */
/* edit: a branch as text in an editor. The edited text is checked, shown and applied as
 * one commit. A text that can't be applied is never thrown away. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "client/base/escape.h"
#include "client/base/protocol.h"
#include "client/cli/data.h"
#include "client/regctl/branch/difference.h"
#include "client/regctl/branch/edit-change.h"
#include "client/regctl/branch/source.h"
#include "client/regctl/branch/standing.h"
#include "client/regctl/verbs/verbs.h"
#include "client/regfile/regfile.h"

#define FILE_NAME "edit.reg"

typedef struct {
  Session *session;
  guint64 revision; /* that is edited */
  Branch *before;
  GString *warnings; /* lines: what is locked and declared */
  char *directory;   /* of its own, for this user alone */
  char *file;
  gboolean keep; /* the text is still worth something */
} Edit;

static void edit_clear(Edit *edit) {
  if (edit->file != NULL && !edit->keep)
    (void)g_unlink(edit->file);
  if (edit->directory != NULL && !edit->keep)
    (void)g_rmdir(edit->directory);
  branch_free(edit->before);
  if (edit->warnings != NULL)
    g_string_free(edit->warnings, TRUE);
  g_free(edit->file);
  g_free(edit->directory);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Edit, edit_clear)

/* ---- warnings ---- */

/* So many locks are named, and so many owners. */
#define MOST_WARNINGS 8U

typedef struct {
  Edit *edit;
  guint locks;
  GHashTable *owners; /* owner -> how many things they declare */
} Warning;

static void warn_of_lock(G_GNUC_UNUSED Session *session, const KnownLock *lock, gpointer data) {
  Warning *warning = data;
  GString *text = warning->edit->warnings;
  if (++warning->locks > MOST_WARNINGS)
    return;
  escape_append(text, lock->key);
  if (!lock->recursive) {
    g_string_append(text, ": ");
    data_print_name(lock->name, text);
  }
  g_string_append(text, lock->recursive ? " is locked with all below it: " : " is locked: ");
  escape_append(text, lock->reason);
  g_string_append_c(text, '\n');
}

static void count_owner(G_GNUC_UNUSED Session *session, const Declaration *declaration,
                        gpointer data) {
  Warning *warning = data;
  guint count = GPOINTER_TO_UINT(g_hash_table_lookup(warning->owners, declaration->owner));
  g_hash_table_insert(warning->owners, g_strdup(declaration->owner), GUINT_TO_POINTER(count + 1));
}

static gint compare_owners(gconstpointer a, gconstpointer b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void warn_of_owners(const Warning *warning) {
  GString *text = warning->edit->warnings;
  guint count = 0;
  g_autofree gpointer *owners = g_hash_table_get_keys_as_array(warning->owners, &count);
  if (count > 1)
    qsort(owners, count, sizeof *owners, compare_owners);
  for (guint i = 0; i < MIN(count, MOST_WARNINGS); i++) {
    guint things = GPOINTER_TO_UINT(g_hash_table_lookup(warning->owners, owners[i]));
    escape_append(text, owners[i]);
    g_string_append_printf(text,
                           " declares %u of the keys and values here, and puts them right again"
                           " (regctl declared)\n",
                           things);
  }
  if (count > MOST_WARNINGS)
    g_string_append_printf(text, "%u more owners declare keys and values here\n",
                           count - MOST_WARNINGS);
}

/* A lock above holds all of it. */
static void warn_of_lock_above(Edit *edit, const char *key) {
  Request request;
  DBusMessageIter answer;
  const char *reason = NULL;
  request_begin(&request, "GetKeyInfo");
  request_add_string(&request, key);
  request_open_options(&request);
  request_close_options(&request);
  g_autoptr(WireMessage) reply = session_call(edit->session, &request, &answer, NULL);
  g_autoptr(WireOptions) info = reply != NULL && session_check_reply(reply, "a{sv}", NULL)
                                    ? wire_options_read(&answer, NULL)
                                    : NULL;
  if (info == NULL || !wire_options_get_string(info, "locked", &reason, NULL) || reason == NULL)
    return;
  escape_append(edit->warnings, key);
  g_string_append(edit->warnings, " is locked with all below it: ");
  escape_append(edit->warnings, reason);
  g_string_append_c(edit->warnings, '\n');
}

/* It is no fault if that can't be told: regd refuses what is locked all the same. */
static void gather_warnings(Edit *edit, const char *key) {
  g_autoptr(GHashTable) owners = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  Warning warning = {.edit = edit, .owners = owners};
  edit->warnings = g_string_new(NULL);
  (void)standing_visit_locks(edit->session, key, warn_of_lock, &warning, NULL);
  if (warning.locks == 0)
    warn_of_lock_above(edit, key);
  if (warning.locks > MOST_WARNINGS)
    g_string_append_printf(edit->warnings, "%u more locks are below (regctl locks)\n",
                           warning.locks - MOST_WARNINGS);
  (void)standing_visit_declared(edit->session, key, NULL, count_owner, &warning, NULL);
  warn_of_owners(&warning);
}

static void tell_warnings(const Edit *edit) {
  g_auto(GStrv) lines = g_strsplit(edit->warnings->str, "\n", -1);
  for (char **line = lines; *line != NULL && **line != '\0'; line++)
    session_note(edit->session, "%s", *line);
}

/* ---- the text ---- */

typedef struct {
  RegfilePrinter *printer;
  GByteArray *out;
} Text;

/* Text and numbers that the format can only write as bytes stand above them. */
static void print_meaning(const RegistryValue *value, GByteArray *out) {
  guint32 type = registry_value_get_type(value);
  if (type == REGISTRY_SZ || type == REGISTRY_DWORD ||
      registry_value_get_form(value) == REGISTRY_FORM_BYTES)
    return;
  g_autofree char *name = data_show_type(type);
  g_autoptr(GString) line = g_string_new("; ");
  g_string_append_printf(line, "%s: ", name);
  data_print_escaped(value, line);
  g_byte_array_append(out, (const guint8 *)line->str, (guint)line->len);
  g_byte_array_append(out, (const guint8 *)"\r\n", 2);
}

static gboolean print_key(G_GNUC_UNUSED gpointer place, gpointer value, gpointer data) {
  const BranchKey *key = value;
  Text *text = data;
  regfile_printer_key(text->printer, key->path, text->out);
  for (guint i = 0; i < key->values->len; i++) {
    const ListedValue *listed = key->values->pdata[i];
    print_meaning(listed->value, text->out);
    regfile_printer_value(text->printer, listed->name, listed->value, text->out);
  }
  return FALSE;
}

/* CR LF stands only at the end of lines: in texts they are escaped. */
static char *make_text(const Edit *edit) {
  g_autoptr(GByteArray) out = g_byte_array_new();
  RegfilePrinter *printer = regfile_printer_new(REGFILE_VERSION_5, REGFILE_UTF8);
  Text text = {printer, out};
  g_autofree char *comment = g_strdup_printf(
      "; %s at revision %" G_GUINT64_FORMAT ".\r\n"
      "; What is deleted here will be deleted; lines that begin with ; don't matter.\r\n",
      edit->before->base, edit->revision);
  g_auto(GStrv) warned = g_strsplit(edit->warnings->str, "\n", -1);
  regfile_printer_begin(printer, out);
  g_byte_array_append(out, (const guint8 *)comment, (guint)strlen(comment));
  for (char **line = warned; *line != NULL && **line != '\0'; line++) {
    g_autofree char *remark = g_strdup_printf("; %s\r\n", *line);
    g_byte_array_append(out, (const guint8 *)remark, (guint)strlen(remark));
  }
  g_tree_foreach(edit->before->keys, print_key, &text);
  regfile_printer_free(printer);
  g_byte_array_append(out, (const guint8 *)"", 1);
  g_auto(GStrv) lines = g_strsplit((const char *)out->data, "\r\n", -1);
  return g_strjoinv("\n", lines);
}

static gboolean write_text(Edit *edit, const char *text, GError **error) {
  g_autoptr(GError) problem = NULL;
  edit->directory = g_dir_make_tmp("regctl-XXXXXX", &problem);
  if (edit->directory != NULL) {
    edit->file = g_build_filename(edit->directory, FILE_NAME, NULL);
    if (g_file_set_contents_full(edit->file, text, -1, G_FILE_SET_CONTENTS_NONE, 0600, &problem))
      return TRUE;
  }
  return error_set(error, REGISTRY_ERROR_FAILED, "%s", problem->message);
}

/* ---- the editor ---- */

static const char *find_editor(void) {
  static const char *const variables[] = {"VISUAL", "EDITOR"};
  for (guint i = 0; i < G_N_ELEMENTS(variables); i++) {
    const char *editor = g_getenv(variables[i]);
    if (editor != NULL && *editor)
      return editor;
  }
  g_autofree char *found = g_find_program_in_path("editor");
  return found != NULL ? "editor" : "vi";
}

static void set_interrupts(void (*handler)(int)) {
  const struct sigaction action = {.sa_handler = handler};
  (void)sigaction(SIGINT, &action, NULL);
  (void)sigaction(SIGQUIT, &action, NULL);
}

static void restore_signals(G_GNUC_UNUSED gpointer data) {
  set_interrupts(SIG_DFL);
}

/* The editor may be a command with options. What is typed at it is not for us. */
static gboolean run_editor(const Edit *edit, GError **error) {
  const char *editor = find_editor();
  g_autofree char *command = g_strconcat(editor, " \"$1\"", NULL);
  char shell[] = "/bin/sh";
  char option[] = "-c";
  char *words[] = {shell, option, command, shell, edit->file, NULL};
  g_autoptr(GError) problem = NULL;
  int status = 0;
  set_interrupts(SIG_IGN);
  gboolean run = g_spawn_sync(NULL, words, NULL, G_SPAWN_CHILD_INHERITS_STDIN, restore_signals,
                              NULL, NULL, NULL, &status, &problem) &&
                 g_spawn_check_wait_status(status, &problem);
  restore_signals(NULL);
  return run || error_set(error, REGISTRY_ERROR_FAILED, "%s: %s", editor, problem->message);
}

/* ---- what comes back ---- */

static Change *read_change(const Edit *edit, Branch **after, GError **error) {
  g_autofree char *text = NULL;
  gsize size = 0;
  g_autoptr(GError) problem = NULL;
  if (!g_file_get_contents(edit->file, &text, &size, &problem)) {
    error_set(error, REGISTRY_ERROR_FAILED, "%s", problem->message);
    return NULL;
  }
  g_autoptr(Change) file = source_parse(edit->file, text, size, error);
  if (file == NULL)
    return NULL;
  g_autoptr(Branch) branch = branch_new(edit->before->base, edit->before->asked);
  branch_apply(branch, file);
  Change *change = edit_change_new(edit->before, edit->revision, branch, error);
  if (change != NULL)
    *after = g_steal_pointer(&branch);
  return change;
}

/* Lets the daemon check it too. */
static gboolean check_change(const Edit *edit, Change *change, GError **error) {
  Written written = {0};
  change->dry_run = TRUE;
  gboolean good = session_send_commit(edit->session, change, &written, error);
  change->dry_run = FALSE;
  return good;
}

/* On a terminal: whether to edit again what has just failed. */
static gboolean ask_again(const GError *problem) {
  char answer[16] = "";
  if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
    return FALSE;
  fprintf(stderr, "regctl: %s\nEdit again? [Y/n] ", problem->message);
  return fgets(answer, sizeof answer, stdin) != NULL &&
         (answer[0] == '\n' || g_ascii_tolower(*answer) == 'y');
}

static Change *edit_until_good(Edit *edit, Branch **after, GError **error) {
  for (;;) {
    g_autoptr(GError) problem = NULL;
    g_autoptr(Change) change =
        run_editor(edit, &problem) ? read_change(edit, after, &problem) : NULL;
    if (change != NULL && (change->operations->len == 0 || check_change(edit, change, &problem)))
      return g_steal_pointer(&change);
    g_clear_pointer(after, branch_free);
    if (ask_again(problem))
      continue;
    g_propagate_error(error, g_steal_pointer(&problem));
    return NULL;
  }
}

/* ---- the verb ---- */

static gboolean apply(Edit *edit, Change *change, const Branch *after, GError **error) {
  Session *session = edit->session;
  Written written = {.revision = edit->revision};
  change->dry_run = session_has(session, OPTION_DRY_RUN);
  if (change->operations->len > 0 && !session_send_commit(session, change, &written, error))
    return FALSE;
  if (!session_has(session, OPTION_JSON)) {
    (void)difference_print(session, edit->before, "before", after, "after");
    return TRUE;
  }
  json_begin(&session->json, '{');
  json_member_number(&session->json, "revision", written.revision);
  json_member_boolean(&session->json, "changed", written.changed);
  json_name(&session->json, "differences");
  (void)difference_write(session, edit->before, after);
  json_end(&session->json, '}');
  g_string_append_c(session_out(session), '\n');
  return TRUE;
}

static gboolean edit_branch(Edit *edit, GError **error) {
  g_autofree char *text = make_text(edit);
  g_autoptr(Branch) after = NULL;
  if (!write_text(edit, text, error))
    return FALSE;
  g_autoptr(Change) change = edit_until_good(edit, &after, error);
  if (change != NULL && apply(edit, change, after, error)) {
    if (change->operations->len == 0)
      session_note(edit->session, "%s: nothing was changed", edit->before->base);
    return TRUE;
  }
  g_autofree char *now = NULL;
  edit->keep = g_file_get_contents(edit->file, &now, NULL, NULL) && strcmp(now, text) != 0;
  if (edit->keep && error != NULL && *error != NULL) {
    g_autofree char *said = g_steal_pointer(&(*error)->message);
    (*error)->message = g_strdup_printf("%s; your text is in %s", said, edit->file);
  }
  return FALSE;
}

gboolean verb_edit(Session *session, GError **error) {
  g_auto(Edit) edit = {.session = session};
  g_autofree char *key = data_parse_key(session_get_operand(session, 0), error);
  if (key == NULL || !session_read_revision(session, &edit.revision, error))
    return FALSE;
  edit.before = source_read_key(session, key, &edit.revision, error);
  if (edit.before == NULL)
    return FALSE;
  gather_warnings(&edit, key);
  tell_warnings(&edit);
  return edit_branch(&edit, error);
}
