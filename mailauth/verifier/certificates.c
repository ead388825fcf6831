/* SPDX-License-Identifier: MIT */
/* See certificates.h. Each pair is asked for by a number; the answer has the same one,
 * and comes from the parent if a file can't be opened, from the front else. */
#include "mailauth/verifier/certificates.h"

#include <string.h>

#include "mailauth/base/host-name.h"
#include "mailauth/base/limits.h"

/* Questions that wait for their answers at once. */
#define MAX_ASKED 4U
/* How long the parent and the front have to answer for all. */
#define RELOAD_WAIT_MS 20000
/* How often it is looked whether one has expired, in s. */
#define LOOK_SECONDS 3600
/* What does not fit when it has just been set is shown at once, but is an event only
 * after that time: a certificate and its key are two values, and two writes. */
#define FIT_MS 1000
/* Problems that one answer lists. */
#define MAX_TOLD 3U

typedef struct {
  Certificate shown;
  gboolean is_queued;
  gboolean is_set; /* by the settings that are being gone through */
  gboolean is_new; /* it has just been set, and there is no answer yet */
  guint unfit;     /* a timer, until its problem is an event; 0: none */
  Certificates *certificates;
} Row;

struct Certificates {
  Channel *parent;
  Reporter *reporter;
  void (*settled)(gpointer data);
  gpointer data;
  GTree *rows;       /* "host\nslot" -> Row */
  GQueue queue;      /* of Row: to be asked for */
  GHashTable *asked; /* number -> Row */
  guint64 last_number;
  gboolean has_front;
  gboolean has_settings;
  GQueue reloads; /* of Reload: they wait until all is settled */
  guint timer;
};

typedef struct {
  CertificateDone done;
  gpointer data;
  guint timer;
} Reload;

/* ---- rows ---- */

static void stop_waiting(Row *row) {
  if (row->unfit != 0)
    g_source_remove(row->unfit);
  row->unfit = 0;
}

static void row_free(gpointer data) {
  Row *row = data;
  stop_waiting(row);
  g_free(row->shown.host);
  g_free(row->shown.certificate);
  g_free(row->shown.key);
  tls_facts_clear(&row->shown.facts);
  g_free(row->shown.problem);
  g_free(row->shown.doubt);
  g_free(row);
}

static char *row_key(const char *host, CertificateSlot slot) {
  return g_strdup_printf("%s\n%u", host, (guint)slot);
}

static gint compare_keys(gconstpointer left, gconstpointer right, G_GNUC_UNUSED gpointer data) {
  return strcmp(left, right);
}

static Row *find_row(const Certificates *certificates, const char *host, CertificateSlot slot) {
  g_autofree char *key = row_key(host, slot);
  return g_tree_lookup(certificates->rows, key);
}

static Row *get_row(Certificates *certificates, const char *host, CertificateSlot slot) {
  Row *row = find_row(certificates, host, slot);
  if (row != NULL)
    return row;
  row = g_new0(Row, 1);
  row->shown.host = g_strdup(host);
  row->shown.slot = slot;
  row->certificates = certificates;
  g_tree_insert(certificates->rows, row_key(host, slot), row);
  return row;
}

static gboolean append_row(G_GNUC_UNUSED gpointer key, gpointer value, gpointer data) {
  g_ptr_array_add(data, value);
  return FALSE;
}

/* Borrowed Rows, which is as good as Certificates. */
static GPtrArray *list_rows(const Certificates *certificates) {
  GPtrArray *rows = g_ptr_array_new();
  g_tree_foreach(certificates->rows, append_row, rows);
  return rows;
}

GPtrArray *certificates_list(const Certificates *certificates) {
  return list_rows(certificates);
}

static gboolean is_asked(const Certificates *certificates, const Row *row) {
  GHashTableIter each;
  gpointer value = NULL;
  g_hash_table_iter_init(&each, certificates->asked);
  while (g_hash_table_iter_next(&each, NULL, &value))
    if (value == row)
      return TRUE;
  return FALSE;
}

/* What is neither set nor in use nor spoken of is forgotten. */
static void forget_if_idle(Certificates *certificates, Row *row) {
  if (row->shown.certificate != NULL || row->shown.in_use || row->is_queued ||
      is_asked(certificates, row))
    return;
  g_autofree char *key = row_key(row->shown.host, row->shown.slot);
  g_tree_remove(certificates->rows, key);
}

/* ---- events ---- */

static char *describe_setting(const Certificate *certificate, gboolean is_key) {
  const char *host = certificate->host;
  return g_strdup_printf("%s\\Parameters%s%s, %s", settings_get_path(SETTINGS_SERVICE),
                         *host == '\0' ? "" : "\\Certificates\\", host,
                         certificate_slot_get_setting(certificate->slot, is_key));
}

static void report_problem(Row *row) {
  stop_waiting(row);
  row->is_new = FALSE;
  reporter_report(row->certificates->reporter, OUTCOME_NO_CERTIFICATE, EVENT_SOURCE_SERVER, NULL,
                  row->shown.problem);
}

static gboolean on_still_unfit(gpointer data) {
  Row *row = data;
  row->unfit = 0;
  report_problem(row);
  return G_SOURCE_REMOVE;
}

static void set_problem(Row *row, gboolean is_key, const char *problem) {
  g_autofree char *setting = describe_setting(&row->shown, is_key);
  g_free(row->shown.problem);
  row->shown.problem = g_strdup_printf("%s: %s", setting, problem);
}

static void clear_problem(Row *row) {
  stop_waiting(row);
  row->is_new = FALSE;
  g_clear_pointer(&row->shown.problem, g_free);
}

static char *format_time(gint64 seconds) {
  g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(seconds);
  return time != NULL ? g_date_time_format(time, "%Y-%m-%d %H:%M:%S UTC")
                      : g_strdup("a time out of reckoning");
}

static gboolean is_same_algorithm(const Certificate *left, const Certificate *right) {
  gsize length = strcspn(left->facts.algorithm, " ");
  return left->in_use && right->in_use && strcspn(right->facts.algorithm, " ") == length &&
         strncmp(left->facts.algorithm, right->facts.algorithm, length) == 0;
}

/* Why clients may refuse what is in use, or never see it; NULL for nothing. */
static char *find_doubt(const Certificates *certificates, const Certificate *certificate) {
  const TlsFacts *facts = &certificate->facts;
  gint64 now = g_get_real_time() / G_USEC_PER_SEC;
  if (!certificate->in_use || certificate->certificate == NULL)
    return NULL;
  g_autofree char *from = format_time(facts->not_before);
  g_autofree char *until = format_time(facts->not_after);
  if (facts->not_after < now)
    return g_strdup_printf("the certificate expired on %s", until);
  if (facts->not_before > now)
    return g_strdup_printf("the certificate is valid from %s on", from);
  if (!facts->covers)
    return g_strdup_printf("the certificate is not for '%s'", certificate->host);
  const Row *first = find_row(certificates, certificate->host, CERTIFICATE_FIRST);
  if (certificate->slot != CERTIFICATE_FIRST && first != NULL &&
      is_same_algorithm(certificate, &first->shown))
    return g_strdup_printf("it is of the same algorithm as '%s', which is used instead",
                           certificate_slot_get_setting(CERTIFICATE_FIRST, FALSE));
  return NULL;
}

static void look_at(const Certificates *certificates, Certificate *certificate) {
  g_autofree char *before = certificate->doubt;
  g_autofree char *doubt = find_doubt(certificates, certificate);
  g_autofree char *setting = describe_setting(certificate, FALSE);
  certificate->doubt = doubt != NULL ? g_strdup_printf("%s: %s", setting, doubt) : NULL;
  if (doubt != NULL && g_strcmp0(certificate->doubt, before) != 0)
    reporter_report(certificates->reporter, OUTCOME_CERTIFICATE_DOUBTFUL, EVENT_SOURCE_SERVER, NULL,
                    certificate->doubt);
}

/* What is in use in one slot says something of the other, too. */
static void look_at_host(const Certificates *certificates, const char *host) {
  for (guint i = 0; i < N_CERTIFICATE_SLOTS; i++) {
    Row *row = find_row(certificates, host, (CertificateSlot)i);
    if (row != NULL)
      look_at(certificates, &row->shown);
  }
}

static gboolean on_look(gpointer data) {
  const Certificates *certificates = data;
  g_autoptr(GPtrArray) rows = list_rows(certificates);
  for (guint i = 0; i < rows->len; i++)
    look_at(certificates, &((Row *)rows->pdata[i])->shown);
  return G_SOURCE_CONTINUE;
}

/* ---- waiting ---- */

gboolean certificates_are_settled(const Certificates *certificates) {
  return g_queue_is_empty((GQueue *)(gsize)&certificates->queue) &&
         g_hash_table_size(certificates->asked) == 0;
}

/* The first few that there are, in one text; NULL for none. */
static char *gather_problems(const Certificates *certificates) {
  g_autoptr(GPtrArray) rows = list_rows(certificates);
  g_autoptr(GString) text = g_string_new(NULL);
  guint count = 0;
  for (guint i = 0; i < rows->len; i++) {
    const char *problem = ((const Row *)rows->pdata[i])->shown.problem;
    if (problem != NULL && count++ < MAX_TOLD)
      g_string_append_printf(text, "%s%s", count == 1 ? "" : "; ", problem);
  }
  if (count > MAX_TOLD)
    g_string_append_printf(text, "; and %u more", count - MAX_TOLD);
  return count > 0 ? g_strdup(text->str) : NULL;
}

/* Tells all who wait. */
static void finish_reloads(Certificates *certificates, const char *problem) {
  Reload *reload = NULL;
  while ((reload = g_queue_pop_head(&certificates->reloads)) != NULL) {
    g_source_remove(reload->timer);
    reload->done(problem, reload->data);
    g_free(reload);
  }
}

static void settle(Certificates *certificates) {
  if (!certificates->has_front || !certificates_are_settled(certificates))
    return;
  g_autofree char *problem = gather_problems(certificates);
  finish_reloads(certificates, problem);
  certificates->settled(certificates->data);
}

/* ---- asking ---- */

static void send_question(Certificates *certificates, Row *row) {
  const Certificate *shown = &row->shown;
  gint64 number = (gint64)++certificates->last_number;
  g_hash_table_insert(certificates->asked, g_memdup2(&number, sizeof number), row);
  /* A channel that fails ends, and its owner hears of it. */
  (void)channel_send(certificates->parent, MESSAGE_CERTIFICATE,
                     g_variant_new("(tsyss)", (guint64)number, shown->host, (guchar)shown->slot,
                                   shown->certificate != NULL ? shown->certificate : "",
                                   shown->certificate != NULL ? shown->key : ""),
                     NULL, 0, NULL);
}

static void ask_on(Certificates *certificates) {
  while (certificates->has_front && g_hash_table_size(certificates->asked) < MAX_ASKED) {
    Row *row = g_queue_pop_head(&certificates->queue);
    if (row == NULL)
      return;
    row->is_queued = FALSE;
    send_question(certificates, row);
  }
}

static void ask_for(Certificates *certificates, Row *row) {
  if (row->is_queued || !certificates->has_front)
    return;
  row->is_queued = TRUE;
  g_queue_push_tail(&certificates->queue, row);
}

static void set_row(Certificates *certificates, const char *host, CertificateSlot slot,
                    const CertificateFiles *files) {
  /* Certificate and key may be in one file. */
  const char *key = *files->private_key != '\0' ? files->private_key : files->certificate;
  Row *row = get_row(certificates, host, slot);
  row->is_set = TRUE;
  if (g_strcmp0(row->shown.certificate, files->certificate) == 0 &&
      g_strcmp0(row->shown.key, key) == 0)
    return;
  g_free(row->shown.certificate);
  g_free(row->shown.key);
  row->shown.certificate = g_strdup(files->certificate);
  row->shown.key = g_strdup(key);
  stop_waiting(row);
  row->is_new = certificates->has_settings;
  ask_for(certificates, row);
}

static void unset_row(Certificates *certificates, Row *row) {
  gboolean was_set = row->shown.certificate != NULL;
  g_clear_pointer(&row->shown.certificate, g_free);
  g_clear_pointer(&row->shown.key, g_free);
  g_clear_pointer(&row->shown.doubt, g_free);
  clear_problem(row);
  if (was_set || (row->shown.in_use && !is_asked(certificates, row)))
    ask_for(certificates, row);
  forget_if_idle(certificates, row);
}

static void unset_others(Certificates *certificates) {
  g_autoptr(GPtrArray) rows = list_rows(certificates);
  for (guint i = 0; i < rows->len; i++)
    if (!((Row *)rows->pdata[i])->is_set)
      unset_row(certificates, rows->pdata[i]);
}

static gboolean unmark(G_GNUC_UNUSED gpointer key, gpointer value, G_GNUC_UNUSED gpointer data) {
  ((Row *)value)->is_set = FALSE;
  return FALSE;
}

void certificates_set(Certificates *certificates, const Settings *settings) {
  g_tree_foreach(certificates->rows, unmark, NULL);
  for (guint i = 0; i < settings->hosts->len; i++) {
    const HostSettings *host = settings->hosts->pdata[i];
    for (guint slot = 0; slot < N_CERTIFICATE_SLOTS; slot++)
      if (*host->files[slot].certificate != '\0')
        set_row(certificates, host->name, (CertificateSlot)slot, &host->files[slot]);
  }
  unset_others(certificates);
  /* What a server begins with has been set long since. */
  certificates->has_settings = TRUE;
  ask_on(certificates);
}

void certificates_set_front(Certificates *certificates, gboolean present) {
  g_autoptr(GPtrArray) rows = list_rows(certificates);
  certificates->has_front = present;
  g_hash_table_remove_all(certificates->asked);
  g_queue_clear(&certificates->queue);
  for (guint i = 0; i < rows->len; i++) {
    Row *row = rows->pdata[i];
    row->is_queued = FALSE;
    row->shown.in_use = FALSE;
    tls_facts_clear(&row->shown.facts);
    if (row->shown.certificate != NULL)
      ask_for(certificates, row);
    else
      forget_if_idle(certificates, row);
  }
  ask_on(certificates);
}

static gboolean on_reload_late(gpointer data) {
  finish_reloads(data, "nobody has answered whether the certificates are in use");
  return G_SOURCE_CONTINUE; /* it went with the others */
}

void certificates_reload(Certificates *certificates, CertificateDone done, gpointer data) {
  g_autoptr(GPtrArray) rows = list_rows(certificates);
  Reload *reload = g_new0(Reload, 1);
  *reload = (Reload){done, data, g_timeout_add(RELOAD_WAIT_MS, on_reload_late, certificates)};
  g_queue_push_tail(&certificates->reloads, reload);
  for (guint i = 0; i < rows->len; i++) {
    ((Row *)rows->pdata[i])->is_new = FALSE; /* the caller has set both files already */
    ask_for(certificates, rows->pdata[i]);
  }
  ask_on(certificates);
}

/* ---- answers ---- */

static Row *take_asked(Certificates *certificates, guint64 number) {
  gint64 key = (gint64)number;
  Row *row = g_hash_table_lookup(certificates->asked, &key);
  g_hash_table_remove(certificates->asked, &key);
  return row;
}

static void go_on(Certificates *certificates) {
  ask_on(certificates);
  settle(certificates);
}

void certificates_take_file_problem(Certificates *certificates, const Message *message) {
  guint64 number = 0;
  const char *file = NULL;
  const char *problem = NULL;
  g_variant_get(message->body, "(t&s&s)", &number, &file, &problem);
  Row *row = take_asked(certificates, number);
  if (row == NULL)
    return; /* of a front that has gone */
  if (row->shown.certificate != NULL && !row->is_queued) {
    g_autofree char *text = g_strdup_printf("%s: %s", file, problem);
    set_problem(row, !g_str_equal(file, row->shown.certificate), text);
    report_problem(row);
  }
  forget_if_idle(certificates, row);
  go_on(certificates);
}

/* No longer than a front's own are. */
static gboolean are_facts(const TlsFacts *facts) {
  return strlen(facts->subject) <= MAX_SUBJECT && strlen(facts->algorithm) <= MAX_SUBJECT &&
         strlen(facts->fingerprint) <= MAX_SUBJECT;
}

static void take_facts(Certificate *certificate, gboolean in_use, const TlsFacts *facts) {
  tls_facts_clear(&certificate->facts);
  certificate->in_use = in_use;
  if (!in_use)
    return;
  certificate->facts = *facts;
  certificate->facts.subject = g_strdup(facts->subject);
  certificate->facts.algorithm = g_strdup(facts->algorithm);
  certificate->facts.fingerprint = g_strdup(facts->fingerprint);
}

/* Files that were changed meanwhile are asked for again; an answer for the old ones does
 * not apply to them. */
static void take_answer(Row *row, const char *problem) {
  if (row->is_queued || row->shown.certificate == NULL)
    return;
  if (*problem == '\0') {
    clear_problem(row);
    return;
  }
  set_problem(row, FALSE, problem);
  if (!row->is_new)
    report_problem(row);
  else if (row->unfit == 0)
    row->unfit = g_timeout_add(FIT_MS, on_still_unfit, row);
}

gboolean certificates_take_result(Certificates *certificates, const Message *message) {
  guint64 number = 0;
  const char *host = NULL;
  guchar slot = 0;
  const char *problem = NULL;
  gboolean in_use = FALSE;
  TlsFacts facts = {0};
  g_variant_get(message->body, "(t&sy&sb&s&s&sxxb)", &number, &host, &slot, &problem, &in_use,
                &facts.subject, &facts.algorithm, &facts.fingerprint, &facts.not_before,
                &facts.not_after, &facts.covers);
  if (slot >= N_CERTIFICATE_SLOTS || (*host != '\0' && !host_name_is_canonical(host)) ||
      !are_facts(&facts))
    return FALSE;
  Row *row = find_row(certificates, host, (CertificateSlot)slot);
  if (row == NULL &&
      g_tree_nnodes(certificates->rows) > 2 * N_CERTIFICATE_SLOTS * MAX_CERTIFICATE_HOSTS)
    return FALSE;
  if (row == NULL)
    row = get_row(certificates, host, (CertificateSlot)slot);
  if (take_asked(certificates, number) == row)
    take_answer(row, problem);
  take_facts(&row->shown, in_use, &facts);
  look_at_host(certificates, host);
  if (certificates->has_settings && row->shown.certificate == NULL && in_use)
    ask_for(certificates, row);
  forget_if_idle(certificates, row);
  go_on(certificates);
  return TRUE;
}

/* ---- the whole ---- */

Certificates *certificates_new(Channel *parent, Reporter *reporter, void (*settled)(gpointer data),
                               gpointer data) {
  Certificates *certificates = g_new0(Certificates, 1);
  certificates->parent = parent;
  certificates->reporter = reporter;
  certificates->settled = settled;
  certificates->data = data;
  certificates->rows = g_tree_new_full(compare_keys, NULL, g_free, row_free);
  certificates->asked = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
  certificates->timer = g_timeout_add_seconds(LOOK_SECONDS, on_look, certificates);
  return certificates;
}

void certificates_free(Certificates *certificates) {
  if (certificates == NULL)
    return;
  finish_reloads(certificates, "the server is ending");
  g_source_remove(certificates->timer);
  g_queue_clear(&certificates->queue);
  g_hash_table_unref(certificates->asked);
  g_tree_unref(certificates->rows);
  g_free(certificates);
}
