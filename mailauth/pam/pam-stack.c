/* SPDX-License-Identifier: MIT */
/* Stacks of PAM modules, as pam.conf(5) and Debian's @include write them. */
#include "mailauth/pam/pam-stack.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HASHES "/etc/shadow"
#define USERS "/etc/passwd"
#define UNIX_MODULE "pam_unix.so"
#define OTHER_SERVICE "other"
/* Files that one stack may lead to, through each other. */
#define MAX_FILES 32
#define MAX_GROUPS 256
#define PASSWD_BUFFER_BYTES 16384U

typedef struct {
  const char *directory; /* NULL: the system's */
  GHashTable *seen;      /* names of files, owned */
  char *found;           /* the file that has the module */
  gboolean has_others;   /* that prove passwords */
} Search;

static void search_file(Search *search, const char *name);

/* A service is the name of a file; an included one may be a path. */
static char *read_file(const char *directory, const char *name, char **path) {
  const char *const directories[] = {directory != NULL ? directory : "/etc/pam.d",
                                     directory != NULL ? NULL : "/usr/lib/pam.d", NULL};
  char *text = NULL;
  for (guint i = 0; directories[i] != NULL && text == NULL; i++) {
    g_free(*path);
    *path = *name == '/' ? g_strdup(name) : g_build_filename(directories[i], name, NULL);
    (void)g_file_get_contents(*path, &text, NULL, NULL);
  }
  return text;
}

/* The word at *@text, of which one in brackets has blanks; *@text moves behind it. */
static char *take_word(const char **text) {
  const char *start = *text + strspn(*text, " \t");
  gsize length = *start == '[' ? strcspn(start, "]") + 1 : strcspn(start, " \t");
  length = MIN(length, strlen(start));
  *text = start + length;
  return g_strndup(start, length);
}

static gboolean is_of_logins(const char *type) {
  const char *plain = *type == '-' ? type + 1 : type;
  return g_ascii_strcasecmp(plain, "auth") == 0 || g_ascii_strcasecmp(plain, "account") == 0;
}

/* Modules that stand beside those that prove passwords. */
static gboolean proves_passwords(const char *module) {
  static const char *const others[] = {
      "pam_deny.so",     "pam_permit.so", "pam_cap.so",     "pam_env.so",  "pam_faildelay.so",
      "pam_faillock.so", "pam_group.so",  "pam_nologin.so", "pam_warn.so", NULL};
  return !g_strv_contains(others, module);
}

static void take_module(Search *search, const char *type, const char *module, const char *path) {
  g_autofree char *base = g_path_get_basename(module);
  if (!g_str_equal(base, UNIX_MODULE))
    search->has_others |= g_ascii_strcasecmp(type, "account") != 0 && proves_passwords(base);
  else if (search->found == NULL)
    search->found = g_strdup(path);
}

static void search_line(Search *search, const char *line, const char *path) {
  const char *rest = line;
  g_autofree char *type = take_word(&rest);
  g_autofree char *control = take_word(&rest);
  g_autofree char *module = take_word(&rest);
  if (g_str_equal(type, "@include")) {
    search_file(search, control);
  } else if (!is_of_logins(type) || *module == '\0') {
    return;
  } else if (g_str_equal(control, "include") || g_str_equal(control, "substack")) {
    search_file(search, module);
  } else {
    take_module(search, type, module, path);
  }
}

static void search_file(Search *search, const char *name) {
  g_autofree char *path = NULL;
  if (*name == '\0' || g_hash_table_size(search->seen) >= MAX_FILES ||
      !g_hash_table_add(search->seen, g_strdup(name)))
    return;
  g_autofree char *text = read_file(search->directory, name, &path);
  if (text == NULL)
    return;
  /* A line goes on after a backslash. */
  g_auto(GStrv) pieces = g_strsplit(text, "\\\n", -1);
  g_autofree char *joined = g_strjoinv(" ", pieces);
  g_auto(GStrv) lines = g_strsplit(joined, "\n", -1);
  for (char **line = lines; *line != NULL; line++) {
    (*line)[strcspn(*line, "#")] = '\0';
    search_line(search, g_strchomp(*line), path);
  }
}

char *pam_stack_find_unix(const char *directory, const char *service, gboolean *alone) {
  g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  g_autofree char *path = NULL;
  g_autofree char *own = read_file(directory, service, &path);
  Search search = {directory, seen, NULL, FALSE};
  search_file(&search, own != NULL ? service : OTHER_SERVICE);
  *alone = !search.has_others;
  return search.found;
}

static gboolean has_group(const struct passwd *user, gid_t wanted) {
  gid_t groups[MAX_GROUPS];
  int count = MAX_GROUPS;
  (void)getgrouplist(user->pw_name, user->pw_gid, groups, &count);
  for (int i = 0; i < MIN(count, MAX_GROUPS); i++)
    if (groups[i] == wanted)
      return TRUE;
  return FALSE;
}

/* By the file's plain mode: of access lists there is no telling. */
static gboolean may_read(const char *name, const struct stat *status) {
  g_autofree char *buffer = g_malloc(PASSWD_BUFFER_BYTES);
  struct passwd entry;
  struct passwd *user = NULL;
  guint64 number = 0;
  gboolean is_number = g_ascii_string_to_unsigned(name, 10, 0, G_MAXUINT32 - 1, &number, NULL);
  int problem = is_number ? getpwuid_r((uid_t)number, &entry, buffer, PASSWD_BUFFER_BYTES, &user)
                          : getpwnam_r(name, &entry, buffer, PASSWD_BUFFER_BYTES, &user);
  if (problem != 0 || user == NULL)
    return FALSE;
  return (status->st_mode & S_IROTH) != 0 ||
         (user->pw_uid == status->st_uid && (status->st_mode & S_IRUSR) != 0) ||
         ((status->st_mode & S_IRGRP) != 0 && has_group(user, status->st_gid));
}

gboolean pam_stack_user_can_read_hashes(const char *user) {
  struct stat status;
  return stat(HASHES, &status) < 0 || may_read(user, &status);
}

gboolean pam_stack_is_local_user(const char *account) {
  g_autofree char *text = NULL;
  if (account == NULL || strchr(account, ':') != NULL)
    return FALSE;
  if (!g_file_get_contents(USERS, &text, NULL, NULL))
    return TRUE;
  g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
  gsize length = strlen(account);
  for (char **line = lines; *line != NULL; line++)
    if (strncmp(*line, account, length) == 0 && (*line)[length] == ':')
      return TRUE;
  return FALSE;
}

char *pam_stack_describe(const char *directory, const char *service, gboolean *all) {
  g_autofree char *file = pam_stack_find_unix(directory, service, all);
  *all &= file != NULL;
  if (file == NULL)
    return NULL;
  return g_strdup_printf("PAM service '%s': pam_unix in %s can't know a right password, as this "
                         "server's user may not read " HASHES
                         "; 'mailauthctl repair --pam', by root, gives it the right",
                         service, file);
}

char *pam_stack_find_problem(const char *directory, const char *service, const char *user,
                             gboolean *all) {
  *all = FALSE;
  if (access(HASHES, R_OK) == 0 || errno != EACCES)
    return NULL;
  if (user != NULL && pam_stack_user_can_read_hashes(user))
    return NULL;
  return pam_stack_describe(directory, service, all);
}
