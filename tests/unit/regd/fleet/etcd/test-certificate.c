/* SPDX-License-Identifier: MIT */
/* What is said of a host's certificate, by the date. */
#include "regd/fleet/etcd/certificate.h"

#define DAY ((gint64)CERTIFICATE_NOTICE_S)

static const struct {
  const char *user;
  gint64 begins, ends, now;
  const char *said; /* NULL: nothing */
} rows[] = {
    {"web17", 0, 10 * DAY, DAY, NULL},
    {"web17", 0, 10 * DAY, 9 * DAY - 1, NULL},
    {"web17", 0, 10 * DAY, 9 * DAY,
     "this host's certificate (web17) expires on 1970-01-11 00:00:00Z"},
    {"web17", 0, 10 * DAY, 10 * DAY,
     "this host's certificate (web17) expires on 1970-01-11 00:00:00Z"},
    {"web17", 0, 10 * DAY, 10 * DAY + 1,
     "this host's certificate (web17) expired on 1970-01-11 00:00:00Z"},
    {NULL, DAY, 10 * DAY, 0,
     "this host's certificate (without a CommonName) is not good before 1970-01-02 00:00:00Z"},
    {"web17", 0, G_MININT64, 0,
     "this host's certificate (web17) expired on a date that is out of range"},
    {"web17", G_MININT64, G_MAXINT64, 0, NULL},
};

static void test_dates(void) {
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_autofree char *user = g_strdup(rows[i].user);
    const Certificate certificate = {user, rows[i].begins, rows[i].ends};
    g_autofree char *said = certificate_describe(&certificate, rows[i].now);
    g_assert_cmpstr(said, ==, rows[i].said);
  }
}

static void test_no_file(void) {
  g_assert_null(certificate_read("/nonexistent"));
  g_assert_null(certificate_read("/dev/null"));
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/certificate/dates", test_dates);
  g_test_add_func("/certificate/no-file", test_no_file);
  return g_test_run();
}
