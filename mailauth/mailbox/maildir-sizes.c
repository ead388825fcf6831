/* SPDX-License-Identifier: MIT */
/* See maildir-sizes.h. The file is VERSION and a line a message: octets, what it was counted
 * of (inode, bytes, change time in ns), unique ID. */
#include "mailauth/mailbox/maildir-sizes.h"

#include <string.h>

#include "mailauth/base/limits.h"
#include "mailauth/mailbox/maildir-file.h"

/* The first version, without such a line, has packed messages as they lie. */
#define VERSION "version 2\n"

typedef struct {
  guint64 octets, inode, bytes, changed;
} Size;

struct MaildirSizes {
  GHashTable *by_uid; /* char * -> Size */
  gboolean are_new;
};

static Size make_size(const struct stat *status, guint64 octets) {
  return (Size){octets, status->st_ino, (guint64)status->st_size,
                (guint64)status->st_mtim.tv_sec * G_GUINT64_CONSTANT(1000000000) +
                    (guint64)status->st_mtim.tv_nsec};
}

/* Reads four numbers and takes the rest of the line as the unique ID. */
static void load_line(MaildirSizes *sizes, const char *line) {
  guint64 numbers[4];
  const char *at = line;
  for (guint i = 0; i < G_N_ELEMENTS(numbers); i++) {
    char *end;
    numbers[i] = g_ascii_strtoull(at, &end, 10);
    if (end == at || *end != ' ')
      return;
    at = end + 1;
  }
  Size size = {numbers[0], numbers[1], numbers[2], numbers[3]};
  if (*at != '\0')
    g_hash_table_insert(sizes->by_uid, g_strdup(at), g_memdup2(&size, sizeof size));
}

MaildirSizes *maildir_sizes_load(int folder, const char *name) {
  MaildirSizes *sizes = g_new0(MaildirSizes, 1);
  sizes->by_uid = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  g_autofree char *text = NULL;
  gsize size;
  maildir_file_read(folder, name, MAX_SIZES_FILE, &text, &size, NULL);
  gboolean is_known = text != NULL && g_str_has_prefix(text, VERSION);
  for (char *line = is_known ? text + strlen(VERSION) : NULL; line != NULL && *line != '\0';) {
    char *end = strchr(line, '\n');
    if (end == NULL)
      break; /* cut: not to be believed */
    *end = '\0';
    load_line(sizes, line);
    line = end + 1;
  }
  return sizes;
}

void maildir_sizes_free(MaildirSizes *sizes) {
  if (sizes == NULL)
    return;
  g_hash_table_unref(sizes->by_uid);
  g_free(sizes);
}

gboolean maildir_sizes_look_up(const MaildirSizes *sizes, const char *uid,
                               const struct stat *status, guint64 *octets) {
  const Size *size = g_hash_table_lookup(sizes->by_uid, uid);
  if (size == NULL)
    return FALSE;
  Size now = make_size(status, size->octets);
  *octets = size->octets;
  return memcmp(&now, size, sizeof now) == 0;
}

void maildir_sizes_add(MaildirSizes *sizes, const char *uid, const struct stat *status,
                       guint64 octets) {
  Size size = make_size(status, octets);
  g_hash_table_insert(sizes->by_uid, g_strdup(uid), g_memdup2(&size, sizeof size));
  sizes->are_new = TRUE;
}

gboolean maildir_sizes_are_new(const MaildirSizes *sizes) {
  return sizes->are_new;
}

static GString *print_sizes(const MaildirSizes *sizes, GHashTable *present) {
  GString *text = g_string_new(VERSION);
  GHashTableIter each;
  gpointer uid, value;
  g_hash_table_iter_init(&each, sizes->by_uid);
  while (g_hash_table_iter_next(&each, &uid, &value)) {
    const Size *size = value;
    if (g_hash_table_contains(present, uid))
      g_string_append_printf(text,
                             "%" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT
                             " %" G_GUINT64_FORMAT " %s\n",
                             size->octets, size->inode, size->bytes, size->changed,
                             (const char *)uid);
  }
  return text;
}

gboolean maildir_sizes_save(const MaildirSizes *sizes, GHashTable *present, int folder,
                            const char *name) {
  g_autoptr(GString) text = print_sizes(sizes, present);
  return maildir_file_write(folder, name, text, FALSE, NULL);
}
