/* SPDX-License-Identifier: MIT */
/* Whose /tmp it is. */
#include "mailauth/parent/private-mount.h"

#define SYSTEM                                                                                     \
  "25 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"                                        \
  "30 25 0:26 / /run rw,nosuid shared:5 - tmpfs tmpfs rw\n"
#define PRIVATE                                                                                    \
  SYSTEM "90 25 8:1 /tmp/systemd-private-1f-mailauthd.service-x/tmp /tmp rw shared:9 - ext4 "      \
         "/dev/sda1 rw\n"                                                                          \
         "91 25 8:1 /var/tmp/systemd-private-1f-mailauthd.service-x/tmp /var/tmp rw - ext4 "       \
         "/dev/sda1 rw\n"
#define TMPFS_PRIVATE SYSTEM "90 25 0:40 /systemd-private-1f-x/tmp /tmp rw - tmpfs tmpfs rw\n"
#define TMPFS SYSTEM "40 25 0:40 / /tmp rw - tmpfs tmpfs rw\n"
#define DISCONNECTED SYSTEM "90 25 0:77 / /tmp rw - tmpfs tmpfs rw\n"
#define BLANK SYSTEM "90 25 0:77 / /mnt/a\\040b rw - tmpfs tmpfs rw\n"

static const struct {
  const char *own, *outside, *path, *found;
} rows[] = {
    {SYSTEM, SYSTEM, "/tmp/auth", NULL},
    {SYSTEM, NULL, "/tmp/auth", NULL},
    {PRIVATE, NULL, "/tmp/auth", "/tmp"},
    {PRIVATE, SYSTEM, "/var/tmp/a/b", "/var/tmp"},
    {PRIVATE, SYSTEM, "/run/auth", NULL},
    {PRIVATE, NULL, "/tmpfile", NULL},
    {TMPFS_PRIVATE, TMPFS, "/tmp/auth", "/tmp"},
    {TMPFS, TMPFS, "/tmp/auth", NULL},
    {DISCONNECTED, SYSTEM, "/tmp/auth", "/tmp"},
    {DISCONNECTED, NULL, "/tmp/auth", NULL},
    {BLANK, SYSTEM, "/mnt/a b/auth", "/mnt/a b"},
    {"", "", "/tmp/auth", NULL},
    {"not a line\n\n1 2 3\n", SYSTEM, "/tmp/auth", NULL},
};

static void test_rows(void) {
  for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_autofree char *found = private_mount_find_in(rows[i].own, rows[i].outside, rows[i].path);
    g_test_message("row %u", i);
    g_assert_cmpstr(found, ==, rows[i].found);
  }
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/private-mount/rows", test_rows);
  return g_test_run();
}
