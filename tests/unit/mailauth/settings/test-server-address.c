/* SPDX-License-Identifier: MIT */
/* server-address.c: addresses of directories and mail servers, as settings have them. */
#include "mailauth/settings/server-address.h"

#include <glib/gstdio.h>

#include "client/registry.h"
#include "mailauth/settings/backend-address.h"

typedef struct {
  const char *text;
  const char *host; /* NULL where it is a path, or nothing */
  guint16 port;
  const char *path;
} Row;

static const Row rows[] = {
    {"ldap://directory.example", "directory.example", 389, NULL},
    {"ldap://directory.example:1389/", "directory.example", 1389, NULL},
    {"ldap://", "localhost", 389, NULL},
    {"ldaps://directory.example", "directory.example", 636, NULL},
    {"ldap://[::1]:1389", "::1", 1389, NULL},
    {"ldapi://%2Frun%2Fslapd%2Fldapi", NULL, 0, "/run/slapd/ldapi"},
    {"ldapi:///", NULL, 0, "/var/run/slapd/ldapi"},
    {"imap://127.0.0.1:1143", "127.0.0.1", 1143, NULL},
    {"imaps://mail.example", "mail.example", 993, NULL},
    {"pop3://[2001:db8::1]:110", "2001:db8::1", 110, NULL},
    {"pop3s://mail.example", "mail.example", 995, NULL},
    {"imap+unix:/run/dovecot/imap", NULL, 0, "/run/dovecot/imap"},
    {"pop3+unix:/run/dovecot/pop3", NULL, 0, "/run/dovecot/pop3"},
    {"imap+unix:run", NULL, 0, NULL},
    {"imap+unix:/a b", NULL, 0, NULL},
    {"", NULL, 0, NULL},
    {"directory.example", NULL, 0, NULL},
    {"http://directory.example", NULL, 0, NULL},
    {"ldap://directory.example:65536", NULL, 0, NULL},
    {"ldap://directory.example:port", NULL, 0, NULL},
    {"ldap://a ldap://b", NULL, 0, NULL},
    {"imap://", NULL, 0, NULL},
    {"imap://mail.example:0", NULL, 0, NULL},
};

static void test_row(gconstpointer data) {
  const Row *row = data;
  g_auto(ServerAddress) address = {0};
  g_autoptr(GError) error = NULL;
  gboolean valid = row->host != NULL || row->path != NULL;
  g_assert_cmpint(server_address_parse(row->text, &address, &error), ==, valid);
  g_assert_cmpstr(address.host, ==, row->host);
  g_assert_cmpuint(address.port, ==, row->port);
  g_assert_cmpstr(address.path, ==, row->path);
  if (!valid)
    g_assert_error(error, REGISTRY_ERROR, REGISTRY_ERROR_INVALID_VALUE);
}

/* What the kernel says counts only if it opens more ports. */
static void test_first_port(void) {
  static const struct {
    const char *text; /* NULL: there is no such file */
    guint16 port;
  } files[] = {{NULL, 1024},     {"1024\n", 1024}, {"0\n", 0}, {"80\n", 80},
               {"2000\n", 1024}, {"-1\n", 1024},   {"", 1024}, {"x", 1024}};
  g_autofree char *folder = g_dir_make_tmp("regd-test-XXXXXX", NULL);
  g_autofree char *file = g_build_filename(folder, "first", NULL);
  for (guint i = 0; i < G_N_ELEMENTS(files); i++) {
    if (files[i].text != NULL)
      g_assert_true(g_file_set_contents(file, files[i].text, -1, NULL));
    g_assert_cmpuint(backend_address_read_first_port(file), ==, files[i].port);
  }
  g_assert_cmpint(g_unlink(file), ==, 0);
  g_assert_cmpint(g_rmdir(folder), ==, 0);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/server-address/first-port", test_first_port);
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_autofree char *path =
        g_strdup_printf("/server-address/%" G_GSIZE_FORMAT ":%s", i, rows[i].text);
    g_strdelimit(path + 1, "/", '-');
    g_test_add_data_func(path, &rows[i], test_row);
  }
  return g_test_run();
}
