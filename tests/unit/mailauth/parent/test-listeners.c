/* SPDX-License-Identifier: MIT */
/* What the parent is made of: role.c's command lines, account.c, listeners.c. */
#include <arpa/inet.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/registry.h"
#include "mailauth/parent/listeners.h"
#include "mailauth/process/account.h"

/* ---- command lines ---- */

static void test_arguments_round_trip(void) {
  const RoleUser user = {.uid = 998, .gid = 997, .groups = {4, 5}, .n_groups = 2};
  g_auto(GStrv) arguments = role_make_arguments(ROLE_VERIFIER, "unix:path=/x", TRUE, &user);
  RoleStart start;
  g_assert_cmpstr(arguments[0], ==, "mailauthd: verifier");
  g_assert_true(role_parse_arguments(arguments, &start));
  g_assert_cmpint(start.role, ==, ROLE_VERIFIER);
  g_assert_cmpstr(start.bus, ==, "unix:path=/x");
  g_assert_true(start.user_is_chosen && start.drops_rights);
  g_assert_cmpuint(start.user.uid, ==, 998);
  g_assert_cmpuint(start.user.gid, ==, 997);
  g_assert_cmpuint(start.user.n_groups, ==, 2);
  g_assert_cmpuint(start.user.groups[1], ==, 5);

  g_auto(GStrv) plain = role_make_arguments(ROLE_FRONT, NULL, FALSE, NULL);
  g_assert_true(role_parse_arguments(plain, &start));
  g_assert_cmpint(start.role, ==, ROLE_FRONT);
  g_assert_false(start.user_is_chosen || start.drops_rights);
  g_assert_null(start.bus);
}

static void test_arguments_refused(void) {
  const char *const rows[][3] = {
      {"mailauthd", NULL, NULL},
      {"mailauthd: parent", NULL, NULL},
      {"mailauthd: nobody", NULL, NULL},
      {"mailauthd: store", "--check", NULL},
      {"mailauthd: store", "--user=", NULL},
      {"mailauthd: store", "--user=1", NULL},
      {"mailauthd: store", "--user=1:", NULL},
      {"mailauthd: store", "--user=1:2:", NULL},
      {"mailauthd: store", "--user=1:2:3,", NULL},
      {"mailauthd: store", "--user=1:2x", NULL},
      {"mailauthd: store", "--user=4294967295:2", NULL},
      {"mailauthd: store", "--user=-1:2", NULL},
  };
  for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_auto(GStrv) arguments = g_strdupv((char **)(gsize)rows[i]);
    RoleStart start;
    g_test_message("%s %s", arguments[0], arguments[1] != NULL ? arguments[1] : "");
    g_assert_false(role_parse_arguments(arguments, &start));
  }
}

/* ---- users ---- */

static void test_users(void) {
  RoleUser user;
  g_autoptr(GError) error = NULL;
  g_assert_true(account_find("nobody", FALSE, &user, &error));
  g_assert_cmpuint(user.uid, ==, 65534);
  g_assert_cmpuint(user.n_groups, ==, 0);
  g_assert_true(account_find("65534", TRUE, &user, &error));
  g_assert_cmpuint(user.n_groups, >=, 1);
  const char *const missing[] = {"no-such-user-here", "4294967294", "", "../x"};
  for (guint i = 0; i < G_N_ELEMENTS(missing); i++) {
    g_assert_false(account_find(missing[i], FALSE, &user, &error));
    g_assert_error(error, REGISTRY_ERROR, REGISTRY_ERROR_KEY_NOT_FOUND);
    g_assert_nonnull(strstr(error->message, "useradd --system"));
    g_clear_error(&error);
  }
  g_assert_false(account_find("root", FALSE, &user, &error));
  g_assert_error(error, REGISTRY_ERROR, REGISTRY_ERROR_ACCESS_DENIED);
  g_clear_error(&error);
  g_assert_false(account_find("0", FALSE, &user, &error));
  g_assert_error(error, REGISTRY_ERROR, REGISTRY_ERROR_ACCESS_DENIED);
}

/* ---- owners of folders ---- */

typedef struct {
  char *path;
} Folder;

static void set_up(Folder *folder, G_GNUC_UNUSED gconstpointer data) {
  folder->path = g_dir_make_tmp("regd-account-XXXXXX", NULL);
}

static void tear_down(Folder *folder, G_GNUC_UNUSED gconstpointer data) {
  g_autofree char *command = g_strdup_printf("rm -rf '%s'", folder->path);
  g_assert_true(g_spawn_command_line_sync(command, NULL, NULL, NULL, NULL));
  g_free(folder->path);
}

/* Makes the folder @name, of the user @uid where the test may. */
static char *make_folder(const Folder *folder, const char *name, uid_t uid) {
  char *path = g_build_filename(folder->path, name, NULL);
  g_assert_cmpint(g_mkdir(path, 0755), ==, 0);
  if (geteuid() == 0)
    g_assert_cmpint(lchown(path, uid, uid), ==, 0);
  return path;
}

static void make_link(const Folder *folder, const char *name, const char *target, uid_t uid) {
  g_autofree char *path = g_build_filename(folder->path, name, NULL);
  g_assert_cmpint(symlink(target, path), ==, 0);
  if (geteuid() == 0)
    g_assert_cmpint(lchown(path, uid, uid), ==, 0);
}

static gboolean find(const Folder *folder, const char *name, RoleUser *user) {
  g_autofree char *path = g_build_filename(folder->path, name, NULL);
  return account_find_owner(path, user, NULL);
}

static void test_owner_in_roots_group(Folder *folder, G_GNUC_UNUSED gconstpointer data) {
  RoleUser user;
  if (geteuid() != 0) {
    g_test_skip("takes root, to be several users");
    return;
  }
  g_autofree char *path = make_folder(folder, "anna", 12345);
  g_assert_cmpint(lchown(path, 12345, 0), ==, 0);
  g_assert_true(find(folder, "anna", &user));
  g_assert_cmpuint(user.uid, ==, 12345);
  g_assert_cmpuint(user.gid, !=, 0);
}

static void test_owner(Folder *folder, G_GNUC_UNUSED gconstpointer data) {
  RoleUser user;
  if (geteuid() != 0) {
    g_test_skip("takes root, to be several users");
    return;
  }
  g_autofree char *anna = make_folder(folder, "anna", 12345);
  g_autofree char *annas_mail = make_folder(folder, "anna/Maildir", 12345);
  g_autofree char *bert = make_folder(folder, "bert", 12346);
  g_autofree char *berts_mail = make_folder(folder, "bert/Maildir", 12346);
  g_autofree char *roots = make_folder(folder, "root", 0);
  g_assert_true(find(folder, "anna/Maildir", &user));
  g_assert_cmpuint(user.uid, ==, 12345);
  g_assert_true(find(folder, "bert//./Maildir/", &user));
  g_assert_cmpuint(user.uid, ==, 12346);
  /* What is missing would be made by the owner of the folder that is there. */
  g_assert_true(find(folder, "anna/later/Maildir", &user));
  g_assert_cmpuint(user.uid, ==, 12345);
  g_assert_false(find(folder, "root/later", &user));
  g_assert_false(find(folder, "root", &user));
  g_assert_false(find(folder, "bert/../anna/Maildir", &user));
  g_assert_false(find(folder, "none/Maildir", &user));
  g_assert_false(account_find_owner("relative", &user, NULL));

  /* Links: root's where nobody else could have put them, no others, and never the last. */
  make_link(folder, "by-root", "anna", 0);
  make_link(folder, "absolute", anna, 0);
  make_link(folder, "by-bert", "anna", 12346);
  make_link(folder, "bert/roots-in-berts", "../anna", 0);
  make_link(folder, "bert/Link", "../anna/Maildir", 12346);
  make_link(folder, "last", "anna/Maildir", 0);
  make_link(folder, "loop", "loop", 0);
  g_assert_true(find(folder, "by-root/Maildir", &user));
  g_assert_cmpuint(user.uid, ==, 12345);
  g_assert_true(find(folder, "absolute/Maildir", &user));
  g_assert_cmpuint(user.uid, ==, 12345);
  const char *const refused[] = {"by-bert/Maildir", "bert/roots-in-berts/Maildir", "bert/Link",
                                 "last", "loop/Maildir"};
  for (guint i = 0; i < G_N_ELEMENTS(refused); i++)
    g_assert_false(find(folder, refused[i], &user));
}

/* ---- listeners ---- */

typedef struct {
  guint n_opened, n_closed;
  guint64 last_id;
} Told;

static void on_opened(const Listener *listener, gpointer data) {
  Told *told = data;
  told->n_opened++;
  told->last_id = listener->id;
}

static void on_closed(G_GNUC_UNUSED const Listener *listener, gpointer data) {
  ((Told *)data)->n_closed++;
}

static void replace(Listeners *listeners, const char *wanted) {
  g_autoptr(GVariant) list = g_variant_parse(G_VARIANT_TYPE("a(syb)"), wanted, NULL, NULL, NULL);
  g_assert_nonnull(list);
  listeners_replace(listeners, list);
}

/* What the row says of itself. */
static void get_row(const Listeners *listeners, gsize index, char **bound, char **problem) {
  g_autoptr(GVariant) report = g_variant_ref_sink(listeners_report(listeners));
  guint8 protocol;
  g_variant_get_child(report, index, "(syss)", NULL, &protocol, problem, bound);
}

static gboolean can_connect(const char *bound) {
  struct sockaddr_in address = {.sin_family = AF_INET};
  address.sin_port = htons((guint16)g_ascii_strtoull(strrchr(bound, ':') + 1, NULL, 10));
  inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
  int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  gboolean connected = connect(client, (struct sockaddr *)&address, sizeof address) == 0;
  close(client);
  return connected;
}

static void test_listeners(void) {
  Told told = {0};
  const ListenerHooks hooks = {on_opened, on_closed, &told};
  Listeners *listeners = listeners_new(&hooks);
  g_autofree char *bound = NULL;
  g_autofree char *problem = NULL;
  replace(listeners, "[('127.0.0.1:0', 0x00, false), ('127.0.0.1:0', 0x00, false)]");
  get_row(listeners, 0, &bound, &problem);
  g_assert_cmpstr(problem, ==, "");
  g_assert_true(g_str_has_prefix(bound, "127.0.0.1:"));
  g_assert_true(can_connect(bound));
  g_assert_cmpuint(told.n_opened, ==, 1);

  /* The same address for another protocol, while somebody else still holds the socket. */
  g_autofree char *same = g_strdup_printf("[('%s', 0x00, false)]", bound);
  g_autofree char *other = g_strdup_printf("[('%s', 0x01, true)]", bound);
  replace(listeners, same);
  g_assert_cmpuint(told.n_opened, ==, 2);
  g_assert_cmpuint(told.n_closed, ==, 1);
  replace(listeners, same);
  g_assert_cmpuint(told.n_opened, ==, 2);
  replace(listeners, other);
  g_assert_cmpuint(told.n_opened, ==, 3);
  g_assert_cmpuint(told.n_closed, ==, 2);
  g_assert_false(listeners_have_problem(listeners));
  replace(listeners, "@a(syb) []");
  g_assert_cmpuint(told.n_closed, ==, 3);
  g_assert_false(can_connect(bound));
  listeners_free(listeners);
}

static void hold_socket(const Listener *listener, gpointer data) {
  *(int *)data = dup(listener->socket);
}

static void ignore_listener(G_GNUC_UNUSED const Listener *listener, G_GNUC_UNUSED gpointer data) {
}

/* The front's copy of a socket does not keep the address from being listened on anew. */
static void test_address_is_free_at_once(void) {
  int held = -1;
  const ListenerHooks hold = {hold_socket, ignore_listener, &held};
  Told told = {0};
  Listeners *listeners = listeners_new(&hold);
  g_autofree char *bound = NULL;
  g_autofree char *problem = NULL;
  replace(listeners, "[('127.0.0.1:0', 0x00, false)]");
  get_row(listeners, 0, &bound, &problem);
  int first = held;
  g_autofree char *other = g_strdup_printf("[('%s', 0x01, false)]", bound);
  replace(listeners, other);
  g_assert_false(listeners_have_problem(listeners));
  g_assert_true(can_connect(bound));

  /* Somebody else's address is a problem, until it is free. */
  const ListenerHooks hooks = {on_opened, on_closed, &told};
  Listeners *late = listeners_new(&hooks);
  replace(late, other);
  g_assert_true(listeners_have_problem(late));
  g_assert_false(listeners_retry(late));
  replace(listeners, "@a(syb) []");
  g_assert_true(listeners_retry(late));
  g_assert_cmpuint(told.n_opened, ==, 1);
  close(first);
  close(held);
  listeners_free(late);
  listeners_free(listeners);
}

static void test_addresses_refused(void) {
  const char *const rows[] = {"",
                              "127.0.0.1",
                              "127.0.0.1:",
                              "127.0.0.1:65536",
                              "localhost:0",
                              "::1:0",
                              "[::1]",
                              "[]:0",
                              "[127.0.0.1]:0",
                              "127.0.0.1:+1",
                              "127.0.0.1:0x1",
                              "127.0.0.1 :0",
                              "192.0.2.1:0"};
  Told told = {0};
  const ListenerHooks hooks = {on_opened, on_closed, &told};
  Listeners *listeners = listeners_new(&hooks);
  for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_autofree char *wanted = g_strdup_printf("[('%s', 0x00, false)]", rows[i]);
    replace(listeners, wanted);
    g_assert_true(listeners_have_problem(listeners));
  }
  g_assert_cmpuint(told.n_opened, ==, 0);
  listeners_free(listeners);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/role/arguments-round-trip", test_arguments_round_trip);
  g_test_add_func("/role/arguments-refused", test_arguments_refused);
  g_test_add_func("/account/users", test_users);
  g_test_add("/account/owner", Folder, NULL, set_up, test_owner, tear_down);
  g_test_add("/account/owner-in-roots-group", Folder, NULL, set_up, test_owner_in_roots_group,
             tear_down);
  g_test_add_func("/listeners/replace", test_listeners);
  g_test_add_func("/listeners/address-is-free-at-once", test_address_is_free_at_once);
  g_test_add_func("/listeners/addresses-refused", test_addresses_refused);
  return g_test_run();
}
