/* SPDX-License-Identifier: MIT */
/* See certificate.h. */
#include "regd/fleet/etcd/certificate.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>
#include <time.h>

static gint64 read_time(const ASN1_TIME *time, gint64 fallback) {
  struct tm parts;
  return ASN1_TIME_to_tm(time, &parts) == 1 ? (gint64)timegm(&parts) : fallback;
}

static char *read_user(const X509 *x509) {
  const X509_NAME *subject = X509_get_subject_name(x509);
  int place = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  guint8 *text = NULL;
  if (place < 0)
    return NULL;
  int size =
      ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, place)));
  char *user = size > 0 ? g_utf8_make_valid((const char *)text, size) : NULL;
  OPENSSL_free(text);
  return user;
}

static Certificate *take_apart(const X509 *x509) {
  Certificate *certificate = g_new0(Certificate, 1);
  certificate->user = read_user(x509);
  certificate->begins = read_time(X509_get0_notBefore(x509), G_MININT64);
  certificate->ends = read_time(X509_get0_notAfter(x509), G_MAXINT64);
  return certificate;
}

Certificate *certificate_read(const char *file) {
  BIO *bio = BIO_new_file(file, "r");
  X509 *x509 = bio != NULL ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
  Certificate *certificate = x509 != NULL ? take_apart(x509) : NULL;
  X509_free(x509);
  BIO_free(bio);
  ERR_clear_error();
  return certificate;
}

void certificate_free(Certificate *certificate) {
  if (certificate == NULL)
    return;
  g_free(certificate->user);
  g_free(certificate);
}

char *certificate_describe(const Certificate *certificate, gint64 now) {
  gboolean is_early = now < certificate->begins;
  const char *what = is_early                  ? "is not good before"
                     : now > certificate->ends ? "expired on"
                                               : "expires on";
  if (!is_early && certificate->ends > now + CERTIFICATE_NOTICE_S)
    return NULL;
  g_autoptr(GDateTime) when =
      g_date_time_new_from_unix_utc(is_early ? certificate->begins : certificate->ends);
  g_autofree char *date = when != NULL ? g_date_time_format(when, "%Y-%m-%d %H:%M:%SZ") : NULL;
  return g_strdup_printf("this host's certificate (%s) %s %s",
                         certificate->user != NULL ? certificate->user : "without a CommonName",
                         what, date != NULL ? date : "a date that is out of range");
}
