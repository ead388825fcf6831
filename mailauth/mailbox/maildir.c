/* SPDX-License-Identifier: MIT */
/* See maildir.h. A message is known by the unique part of its file's name; the rest may
 * change at any time, as other programs set flags. So a name that has gone is looked for
 * again before the message counts as gone. */
#include "mailauth/mailbox/maildir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/base/error.h"
#include "mailauth/base/limits.h"
#include "mailauth/base/unique-id-format.h"
#include "mailauth/mailbox/dovecot-uidlist.h"
#include "mailauth/mailbox/maildir-file.h"
#include "mailauth/mailbox/maildir-ids.h"
#include "mailauth/mailbox/maildir-name.h"
#include "mailauth/mailbox/maildir-sizes.h"
#include "mailauth/mailbox/pop3-body.h"
#include "mailauth/packed/packed.h"

#define LISTING_SIZE 16384

typedef struct {
  char *name;    /* as it was last seen in cur/ (or new/) */
  char *uid;     /* by the name: it is known by this here, whatever clients are told */
  guint64 time;  /* of delivery */
  int folder;    /* cur or new; borrowed */
  gboolean gone; /* it was nowhere when names were last looked for */
} Mail;

struct Maildir {
  Watchdog *watchdog;         /* borrowed; NULL: none */
  int folder, current, fresh; /* the Maildir, its cur, its new */
  int lock;
  GArray *mails;       /* of Mail */
  MaildirIds *ids;     /* NULL if all are told by their names */
  const char **told;   /* the ID of each mail, borrowed; NULL as well */
  MaildirSizes *sizes; /* NULL until one is asked for: many sessions ask for none */
};

static void clear_mail(gpointer data) {
  Mail *mail = data;
  g_free(mail->name);
  g_free(mail->uid);
}

static void begin_step(const Maildir *maildir) {
  watchdog_extend(maildir->watchdog, MAILDIR_STEP_SECONDS);
}

static void close_descriptor(int descriptor) {
  if (descriptor >= 0)
    close(descriptor);
}

void maildir_close(Maildir *maildir) {
  if (maildir == NULL)
    return;
  g_array_unref(maildir->mails);
  g_free(maildir->told);
  maildir_ids_free(maildir->ids);
  maildir_sizes_free(maildir->sizes);
  close_descriptor(maildir->current);
  close_descriptor(maildir->fresh);
  close_descriptor(maildir->lock);
  close_descriptor(maildir->folder);
  g_free(maildir);
}

static gboolean set_errno_error(GError **error, const char *what, const char *name) {
  return error_set(error, REGISTRY_ERROR_FAILED, "%s %s: %s", what, name, g_strerror(errno));
}

/* ---- opening ---- */

static int open_folder(int parent, const char *name, GError **error) {
  const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  int folder = openat(parent, name, flags);
  if (folder < 0 && errno == ENOENT && parent != AT_FDCWD && mkdirat(parent, name, 0700) == 0)
    folder = openat(parent, name, flags);
  if (folder < 0)
    set_errno_error(error, "The mail folder can't be opened:", name);
  return folder;
}

/* Links on the way are followed: it is the mail's own user who follows them. */
static int step_into(int parent, const char *name) {
  const int flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
  int folder = openat(parent, name, flags);
  if (folder < 0 && errno == ENOENT && mkdirat(parent, name, 0700) == 0)
    folder = openat(parent, name, flags);
  close(parent);
  return folder;
}

gboolean maildir_make(const char *path, GError **error) {
  g_auto(GStrv) names = g_strsplit(path, "/", -1);
  int folder = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  for (guint i = 0; names[i] != NULL && folder >= 0; i++)
    if (names[i][0] != '\0')
      folder = step_into(folder, names[i]);
  if (folder < 0)
    return set_errno_error(error, "The mail folder can't be made:", path);
  close(folder);
  return TRUE;
}

static gboolean is_regular(int descriptor) {
  struct stat status;
  return fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
}

static gboolean take_lock(Maildir *maildir, GError **error) {
  maildir->lock = openat(maildir->folder, MAILDIR_LOCK_FILE,
                         O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
  if (maildir->lock < 0)
    return set_errno_error(error, "The lock can't be had:", MAILDIR_LOCK_FILE);
  if (!is_regular(maildir->lock))
    return error_set(error, REGISTRY_ERROR_FAILED, "%s is no regular file", MAILDIR_LOCK_FILE);
  if (flock(maildir->lock, LOCK_EX | LOCK_NB) == 0)
    return TRUE;
  if (errno == EWOULDBLOCK)
    return error_set(error, REGISTRY_ERROR_CONFLICT, "Another session has the mailbox open");
  return set_errno_error(error, "The lock can't be had:", MAILDIR_LOCK_FILE);
}

static gboolean open_folders(Maildir *maildir, const char *path, GError **error) {
  maildir->folder = open_folder(AT_FDCWD, path, error);
  if (maildir->folder < 0 || !take_lock(maildir, error))
    return FALSE;
  maildir->current = open_folder(maildir->folder, "cur", error);
  if (maildir->current < 0)
    return FALSE;
  maildir->fresh = open_folder(maildir->folder, "new", error);
  /* For programs that deliver; it is not needed here. */
  if (mkdirat(maildir->folder, "tmp", 0700) != 0)
    errno = 0;
  return maildir->fresh >= 0;
}

/* ---- listing ---- */

static gboolean is_message(const Maildir *maildir, int folder, const struct dirent64 *entry) {
  struct stat status;
  if (entry->d_name[0] == '.')
    return FALSE;
  if (entry->d_type != DT_UNKNOWN)
    return entry->d_type == DT_REG;
  begin_step(maildir);
  return fstatat(folder, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
         S_ISREG(status.st_mode);
}

static void add_names(const Maildir *maildir, GPtrArray *names, int folder, const char *entries,
                      gsize size) {
  for (gsize at = 0; at < size && names->len <= MAX_MESSAGES;) {
    const struct dirent64 *entry = (const struct dirent64 *)(gconstpointer)(entries + at);
    if (is_message(maildir, folder, entry))
      g_ptr_array_add(names, g_strdup(entry->d_name));
    at += entry->d_reclen;
  }
}

/* The names in @folder that are messages', in no order; NULL and an error. A DIR
 * would want a descriptor of its own and six calls more, for each session twice. */
static GPtrArray *list_names(const Maildir *maildir, int folder, GError **error) {
  g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
  char entries[LISTING_SIZE] __attribute__((aligned(__alignof__(struct dirent64))));
  gssize size = lseek(folder, 0, SEEK_SET) < 0 ? -1 : 1; /* it may have been listed before */
  while (size > 0 && names->len <= MAX_MESSAGES &&
         (size = getdents64(folder, entries, sizeof entries)) > 0) {
    add_names(maildir, names, folder, entries, (gsize)size);
    begin_step(maildir);
  }
  if (names->len > MAX_MESSAGES)
    error_set(error, REGISTRY_ERROR_LIMIT_EXCEEDED, "The mailbox holds more than %d messages",
              MAX_MESSAGES);
  else if (size < 0)
    set_errno_error(error, "The mail folder", "can't be listed");
  else
    return g_steal_pointer(&names);
  return NULL;
}

/* A message that is being moved may be in two places: it is one. */
static void add_mail(Maildir *maildir, GHashTable *seen, const char *name, int folder) {
  Mail mail = {.uid = maildir_name_make_uid(name), .folder = folder};
  if (g_hash_table_contains(seen, mail.uid)) {
    g_free(mail.uid);
    return;
  }
  mail.name = g_strdup(name);
  mail.time = maildir_name_get_time(name);
  g_hash_table_add(seen, mail.uid);
  g_array_append_val(maildir->mails, mail);
}

/* What is in new/ moves to cur/, as soon as a client may see it. */
static gboolean move_fresh(Maildir *maildir, GHashTable *seen, GError **error) {
  g_autoptr(GPtrArray) names = list_names(maildir, maildir->fresh, error);
  for (guint i = 0; names != NULL && i < names->len; i++) {
    const char *name = names->pdata[i];
    begin_step(maildir);
    g_autofree char *target = g_strconcat(name, strchr(name, ':') == NULL ? ":2," : NULL, NULL);
    if (renameat2(maildir->fresh, name, maildir->current, target, RENAME_NOREPLACE) == 0 ||
        errno == ENOENT)
      continue;
    /* A folder that can't be written to is read where it is. */
    add_mail(maildir, seen, name, maildir->fresh);
  }
  return names != NULL;
}

static int compare_mails(gconstpointer a, gconstpointer b) {
  const Mail *one = a;
  const Mail *other = b;
  return one->time != other->time ? (one->time > other->time) - (one->time < other->time)
                                  : strcmp(one->name, other->name);
}

static gboolean list_mails(Maildir *maildir, GError **error) {
  g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal); /* of uid, borrowed */
  if (!move_fresh(maildir, seen, error))
    return FALSE;
  g_autoptr(GPtrArray) names = list_names(maildir, maildir->current, error);
  for (guint i = 0; names != NULL && i < names->len; i++)
    add_mail(maildir, seen, names->pdata[i], maildir->current);
  g_array_sort(maildir->mails, compare_mails);
  return names != NULL;
}

/* ---- unique IDs ---- */

static gboolean read_ids(Maildir *maildir, GError **error) {
  char *text;
  gsize size;
  begin_step(maildir);
  if (!maildir_file_read(maildir->folder, MAILDIR_IDS_FILE, MAX_IDS_FILE, &text, &size, error))
    return FALSE;
  if (text == NULL)
    return TRUE;
  maildir->ids = maildir_ids_parse(text, size, error);
  if (maildir->ids == NULL)
    g_prefix_error(error, "%s: ", MAILDIR_IDS_FILE);
  return maildir->ids != NULL;
}

static gboolean take_over_ids(Maildir *maildir, const char *format, GError **error) {
  g_autofree char *uidlist = NULL;
  gsize size;
  begin_step(maildir);
  if (!maildir_file_read(maildir->folder, DOVECOT_UIDLIST_FILE, MAX_UIDLIST_FILE, &uidlist, &size,
                         error))
    return FALSE;
  maildir->ids = maildir_ids_take_over(format, uidlist, size, error);
  return maildir->ids != NULL;
}

static gboolean keep_ids(const Maildir *maildir, GError **error) {
  begin_step(maildir);
  g_autoptr(GString) text = maildir_ids_print(maildir->ids);
  return maildir_file_write(maildir->folder, MAILDIR_IDS_FILE, text, TRUE, error);
}

/* Nothing is told that is not on the disk: what could be told otherwise by a later
 * session would have clients fetch their mail again. */
static gboolean settle_ids(Maildir *maildir, const char *unique_ids, GError **error) {
  g_autoptr(GPtrArray) keys = g_ptr_array_new();
  if (!read_ids(maildir, error))
    return FALSE;
  gboolean is_new = maildir->ids == NULL;
  if (is_new && g_str_equal(unique_ids, UNIQUE_IDS_BY_NAME))
    return TRUE;
  if (is_new && !take_over_ids(maildir, unique_ids, error))
    return FALSE;
  for (guint i = 0; i < maildir->mails->len; i++)
    g_ptr_array_add(keys, g_array_index(maildir->mails, Mail, i).uid);
  maildir->told = g_new(const char *, keys->len);
  gboolean has_others = maildir_ids_settle(maildir->ids, keys, maildir->told);
  return (!is_new && !has_others) || keep_ids(maildir, error);
}

Maildir *maildir_open(const char *path, const char *unique_ids, Watchdog *watchdog,
                      GError **error) {
  g_autoptr(Maildir) maildir = g_new0(Maildir, 1);
  maildir->watchdog = watchdog;
  maildir->folder = maildir->current = maildir->fresh = maildir->lock = -1;
  maildir->mails = g_array_new(FALSE, FALSE, sizeof(Mail));
  g_array_set_clear_func(maildir->mails, clear_mail);
  if (!g_path_is_absolute(path)) {
    error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS, "The mail folder is no absolute path");
    return NULL;
  }
  if (!open_folders(maildir, path, error) || !list_mails(maildir, error) ||
      !settle_ids(maildir, unique_ids, error))
    return NULL;
  return g_steal_pointer(&maildir);
}

/* ---- messages ---- */

static Mail *get_mail(const Maildir *maildir, guint index) {
  return &g_array_index(maildir->mails, Mail, index);
}

guint maildir_get_count(const Maildir *maildir) {
  return maildir->mails->len;
}

const char *maildir_get_uid(const Maildir *maildir, guint index) {
  return maildir->told != NULL ? maildir->told[index] : get_mail(maildir, index)->uid;
}

const char *maildir_get_file_name(const Maildir *maildir, guint index) {
  return get_mail(maildir, index)->name;
}

guint64 maildir_get_size(const Maildir *maildir, guint index) {
  return maildir_name_get_size(get_mail(maildir, index)->name);
}

/* Other programs rename files to flag messages: gives each mail that is still
 * there the name it has now. One look finds all that have gone so far, so that a
 * mailbox of which half has gone is not looked through once for each. */
static void find_names_anew(Maildir *maildir) {
  g_autoptr(GHashTable) by_uid = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr(GPtrArray) names = list_names(maildir, maildir->current, NULL);
  for (guint i = 0; names != NULL && i < names->len; i++)
    g_hash_table_insert(by_uid, maildir_name_make_uid(names->pdata[i]), names->pdata[i]);
  for (guint i = 0; i < maildir->mails->len; i++) {
    Mail *mail = get_mail(maildir, i);
    const char *name = g_hash_table_lookup(by_uid, mail->uid);
    mail->gone = name == NULL && mail->folder == maildir->current;
    if (name == NULL)
      continue;
    g_free(mail->name);
    mail->name = g_strdup(name);
    mail->folder = maildir->current;
  }
}

static int open_file(const Mail *mail) {
  int file = openat(mail->folder, mail->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (file < 0 || is_regular(file))
    return file;
  close(file);
  errno = EINVAL;
  return -1;
}

int maildir_open_message(Maildir *maildir, guint index, GError **error) {
  const Mail *mail = get_mail(maildir, index);
  int file = open_file(mail);
  if (file < 0 && errno == ENOENT && !mail->gone) {
    find_names_anew(maildir);
    file = open_file(mail);
  }
  if (file < 0)
    set_errno_error(error, "The message can't be opened:", mail->uid);
  return file;
}

gboolean maildir_remove(Maildir *maildir, guint index, GError **error) {
  const Mail *mail = get_mail(maildir, index);
  if (unlinkat(mail->folder, mail->name, 0) == 0)
    return TRUE;
  if (errno == ENOENT && mail->gone)
    return TRUE;
  if (errno == ENOENT) {
    find_names_anew(maildir);
    if (unlinkat(mail->folder, mail->name, 0) == 0 || errno == ENOENT)
      return TRUE;
  }
  return set_errno_error(error, "The message can't be removed:", mail->uid);
}

/* What can't be unpacked counts as it lies: it is not handed out. TRUE if the size may be kept:
 * what is damaged stays so, but another build may know how to unpack what this one does not. */
static gboolean count_octets(const Maildir *maildir, int file, guint64 *octets) {
  g_autoptr(GError) error = NULL;
  g_autoptr(PackedReader) reader = packed_reader_new(file);
  Pop3Measure measure = POP3_MEASURE_INIT;
  const char *bytes = NULL;
  gssize size;
  struct stat status;
  while ((size = packed_reader_read(reader, &bytes, &error)) > 0) {
    pop3_measure_add(&measure, bytes, (gsize)size);
    begin_step(maildir);
  }
  *octets = pop3_measure_finish(&measure);
  if (size < 0 && packed_reader_is_packed(reader) && fstat(file, &status) == 0)
    *octets = (guint64)status.st_size;
  return size == 0 || error->code == REGISTRY_ERROR_INVALID_VALUE ||
         error->code == REGISTRY_ERROR_LIMIT_EXCEEDED;
}

static MaildirSizes *get_sizes(Maildir *maildir) {
  if (maildir->sizes == NULL)
    maildir->sizes = maildir_sizes_load(maildir->folder, MAILDIR_SIZES_FILE);
  return maildir->sizes;
}

static guint64 count_message(Maildir *maildir, guint index) {
  struct stat status;
  guint64 octets = 0;
  int file = maildir_open_message(maildir, index, NULL);
  if (file < 0)
    return 0;
  gboolean counted = count_octets(maildir, file, &octets);
  if (counted && fstat(file, &status) == 0)
    maildir_sizes_add(get_sizes(maildir), get_mail(maildir, index)->uid, &status, octets);
  close(file);
  return octets;
}

guint64 maildir_measure(Maildir *maildir, guint index) {
  struct stat status;
  const Mail *mail = get_mail(maildir, index);
  guint64 octets = maildir_get_size(maildir, index);
  if (octets != G_MAXUINT64)
    return octets;
  if (fstatat(mail->folder, mail->name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
      S_ISREG(status.st_mode) &&
      maildir_sizes_look_up(get_sizes(maildir), mail->uid, &status, &octets))
    return octets;
  return count_message(maildir, index);
}

void maildir_save_sizes(Maildir *maildir) {
  g_autoptr(GHashTable) present = g_hash_table_new(g_str_hash, g_str_equal);
  if (maildir->sizes == NULL || !maildir_sizes_are_new(maildir->sizes))
    return;
  begin_step(maildir);
  for (guint i = 0; i < maildir->mails->len; i++)
    g_hash_table_add(present, get_mail(maildir, i)->uid);
  maildir_sizes_save(maildir->sizes, present, maildir->folder, MAILDIR_SIZES_FILE);
}
