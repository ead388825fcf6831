/* SPDX-License-Identifier: MIT */
/* libldap, wrapped: see directory.h. What follows from its answers is decided elsewhere. */
#include "mailauth/package/directory.h"

#include <fcntl.h>
#include <openldap.h>
#include <string.h>
#include <unistd.h>

#include "client/base/escape.h"
#include "mailauth/base/limits.h"
#include "mailauth/package/tls-deadline.h"
#include "mailauth/settings/server-address.h"

struct Directory {
  LDAP *handle;
  int socket; /* a descriptor of our own of the handle's socket, which can be shut down without
                 asking whether libldap has closed its own meanwhile; -1 for none */
  TlsDeadline tls_deadline; /* while it is being opened */
  Deadline *deadline;
  gint64 last_use;
};

/* ---- requests in memory ---- */

static ber_slen_t write_and_wipe(Sockbuf_IO_Desc *layer, void *bytes, ber_len_t size) {
  ber_slen_t written = LBER_SBIOD_WRITE_NEXT(layer, bytes, size);
  if (written > 0)
    explicit_bzero(bytes, (gsize)written);
  return written;
}

static ber_slen_t read_below(Sockbuf_IO_Desc *layer, void *bytes, ber_len_t size) {
  return LBER_SBIOD_READ_NEXT(layer, bytes, size);
}

static int control_below(Sockbuf_IO_Desc *layer, int option, void *argument) {
  return LBER_SBIOD_CTRL_NEXT(layer, option, argument);
}

/* libldap keeps a request, which may hold a password, until it is answered, and frees
 * it as it is. Only a referral would have it sent again, and those are off. */
static gboolean wipe_requests(Sockbuf *buffer) {
  static Sockbuf_IO layer = {
      .sbi_ctrl = control_below, .sbi_read = read_below, .sbi_write = write_and_wipe};
  return ber_sockbuf_add_io(buffer, &layer, LBER_SBIOD_LEVEL_APPLICATION, NULL) == 0;
}

/* ---- answers ---- */

void directory_answer_clear(DirectoryAnswer *answer) {
  g_clear_pointer(&answer->text, g_free);
}

/* ---- what the directory says ---- */

char *directory_dup_printable(const char *words, gsize size) {
  return g_strstrip(escape_dup(words, -1, size));
}

static void set_answer(DirectoryAnswer *answer, int code, const char *words) {
  gboolean says_nothing = words == NULL || g_str_has_prefix(words, "(unknown");
  g_autofree char *text = directory_dup_printable(says_nothing ? "" : words, MAX_DIRECTORY_TEXT);
  answer->code = code;
  g_free(answer->text);
  answer->text = g_strdup_printf("%s%s%s", ldap_err2string(code), *text == '\0' ? "" : ": ", text);
}

/* What libldap itself has to say of the last operation. */
static void set_local_answer(const Directory *directory, int code, DirectoryAnswer *answer) {
  char *words = NULL;
  ldap_get_option(directory->handle, LDAP_OPT_DIAGNOSTIC_MESSAGE, &words);
  set_answer(answer, code, words);
  ldap_memfree(words);
}

static struct timeval make_time(gint64 us) {
  return (struct timeval){(time_t)(us / G_USEC_PER_SEC), (suseconds_t)(us % G_USEC_PER_SEC)};
}

static struct timeval get_rest(const Directory *directory) {
  return make_time(deadline_get_rest(directory->deadline));
}

/* ---- opening ---- */

static void drop_socket(Directory *directory) {
  if (directory->socket < 0)
    return;
  if (directory->deadline != NULL)
    deadline_take_away(directory->deadline, directory->socket);
  close(directory->socket);
  directory->socket = -1;
}

/* Takes @socket, for libldap. */
static gboolean attach(Directory *directory, int socket, const char *uri) {
  ber_len_t most = MAX_DIRECTORY_MESSAGE;
  Sockbuf *buffer = NULL;
  int protocol = g_str_has_prefix(uri, "ldapi:") ? LDAP_PROTO_IPC : LDAP_PROTO_TCP;
  directory->socket = fcntl(socket, F_DUPFD_CLOEXEC, 3);
  gboolean usable =
      directory->socket >= 0 && fcntl(socket, F_SETFL, 0) == 0; /* libldap blocks on it */
  if (!usable || ldap_init_fd(socket, protocol, uri, &directory->handle) != LDAP_SUCCESS) {
    close(socket);
    return FALSE;
  }
  deadline_add(directory->deadline, directory->socket);
  directory->tls_deadline.socket = directory->socket;
  return ldap_get_option(directory->handle, LDAP_OPT_SOCKBUF, &buffer) == LDAP_SUCCESS &&
         ber_sockbuf_ctrl(buffer, LBER_SB_OPT_SET_MAX_INCOMING, &most) == 1 &&
         tls_deadline_attach(&directory->tls_deadline, buffer) && wipe_requests(buffer);
}

/* @share: what there is of time for beginning TLS, in us. */
static gboolean set_options(const Directory *directory, gint64 share) {
  const int version = LDAP_VERSION3;
  const int never = LDAP_DEREF_NEVER;
  /* Whatever the system's configuration of libldap says: it would be no deadline. */
  const struct timeval none = {-1, 0};
  const struct timeval answering = make_time(share);
  const struct {
    int option;
    const void *value;
  } options[] = {
      {LDAP_OPT_PROTOCOL_VERSION, &version}, {LDAP_OPT_DEREF, &never},
      {LDAP_OPT_REFERRALS, LDAP_OPT_OFF},    {LDAP_OPT_RESTART, LDAP_OPT_ON},
      {LDAP_OPT_NETWORK_TIMEOUT, &none},     {LDAP_OPT_TIMEOUT, &answering},
  };
  for (guint i = 0; i < G_N_ELEMENTS(options); i++)
    if (ldap_set_option(directory->handle, options[i].option, options[i].value) != LDAP_SUCCESS)
      return FALSE;
  return TRUE;
}

/* A certificate that must be good, and of the name that was asked for, whatever
 * the system's configuration of libldap says. */
static gboolean set_tls_options(const Directory *directory, const Broker *broker) {
  const int demand = LDAP_OPT_X_TLS_DEMAND;
  const int oldest = LDAP_OPT_X_TLS_PROTOCOL_TLS1_2;
  const int client = 0;
  LDAP *handle = directory->handle;
  if (ldap_set_option(handle, LDAP_OPT_X_TLS_REQUIRE_CERT, &demand) != LDAP_SUCCESS ||
      ldap_set_option(handle, LDAP_OPT_X_TLS_PROTOCOL_MIN, &oldest) != LDAP_SUCCESS)
    return FALSE;
  if (*broker->ca_file != '\0' &&
      (ldap_set_option(handle, LDAP_OPT_X_TLS_CACERTDIR, NULL) != LDAP_SUCCESS ||
       ldap_set_option(handle, LDAP_OPT_X_TLS_CACERTFILE, broker->ca_file) != LDAP_SUCCESS))
    return FALSE;
  return ldap_set_option(handle, LDAP_OPT_X_TLS_NEWCTX, &client) == LDAP_SUCCESS;
}

/* @share: us, after which it is LDAP_TIMEOUT. */
static int begin_tls(Directory *directory, gboolean start, gint64 share) {
  directory->tls_deadline.end = g_get_monotonic_time() + share;
  int code =
      start ? ldap_start_tls_s(directory->handle, NULL, NULL) : ldap_install_tls(directory->handle);
  gboolean late = g_get_monotonic_time() >= directory->tls_deadline.end;
  directory->tls_deadline.end = 0;
  if (code == LDAP_SUCCESS)
    return ldap_tls_inplace(directory->handle) ? LDAP_SUCCESS : LDAP_CONNECT_ERROR;
  return late ? LDAP_TIMEOUT : code;
}

static DirectoryOpening refuse_setting(const char *name, const char *what,
                                       DirectoryAnswer *answer) {
  directory_answer_clear(answer);
  answer->code = LDAP_PARAM_ERROR;
  answer->text = g_strdup_printf("%s: %s", name, what);
  return DIRECTORY_BAD_SETTING;
}

static Directory *directory_new(Deadline *deadline) {
  Directory *directory = g_new0(Directory, 1);
  directory->socket = -1;
  directory->deadline = deadline;
  return directory;
}

/* On @socket, which is taken. */
static DirectoryOpening open_on(int socket, const Broker *broker, const char *uri, gint64 share,
                                Deadline *deadline, Directory **directory,
                                DirectoryAnswer *answer) {
  g_autoptr(Directory) opened = directory_new(deadline);
  gboolean tls = broker->start_tls != 0 || g_str_has_prefix(uri, "ldaps:");
  if (!attach(opened, socket, uri) || !set_options(opened, share))
    return refuse_setting("Type", "the LDAP library refuses its options", answer);
  if (tls && !set_tls_options(opened, broker))
    return refuse_setting("CA File", "the certificates can't be read", answer);
  int code = tls ? begin_tls(opened, broker->start_tls != 0, share) : LDAP_SUCCESS;
  if (code == LDAP_SUCCESS) {
    *directory = g_steal_pointer(&opened);
    return DIRECTORY_OPENED;
  }
  set_local_answer(opened, code, answer);
  gboolean in_time = deadline_get_rest(deadline) > 0 && code != LDAP_TIMEOUT;
  return in_time ? DIRECTORY_UNTRUSTED : DIRECTORY_UNREACHABLE;
}

/* What libldap takes is less than an address. */
static gboolean is_usable(const char *uri) {
  LDAP *handle = NULL;
  if (ldap_initialize(&handle, uri) != LDAP_SUCCESS)
    return FALSE;
  ldap_unbind_ext(handle, NULL, NULL);
  return TRUE;
}

/* @share: us. */
static DirectoryOpening open_one(const Broker *broker, Dialer *dialer, const char *uri,
                                 gint64 share, Deadline *deadline, Directory **directory,
                                 DirectoryAnswer *answer) {
  g_autoptr(GError) error = NULL;
  g_auto(ServerAddress) address = {0};
  if (!server_address_parse(uri, &address, &error))
    return refuse_setting("URI", error->message, answer);
  if (!is_usable(uri))
    return refuse_setting("URI", "it is more than an address of a directory", answer);
  gint64 begin = g_get_monotonic_time();
  int socket = dialer_dial_and_wait(dialer, uri, share, &error);
  gint64 left = MAX(share - (g_get_monotonic_time() - begin), 1);
  if (socket >= 0)
    return open_on(socket, broker, uri, left, deadline, directory, answer);
  set_answer(answer, LDAP_SERVER_DOWN, error->message);
  return DIRECTORY_UNREACHABLE;
}

/* Each of several has its share of the time. */
DirectoryOpening directory_open(const Broker *broker, Dialer *dialer, Deadline *deadline,
                                Directory **directory, DirectoryAnswer *answer) {
  g_auto(GStrv) uris = g_strsplit(broker->uri, " ", -1);
  guint left = g_strv_length(uris);
  DirectoryOpening opening = refuse_setting("URI", "no directory is named", answer);
  for (char **uri = uris; *uri != NULL; uri++, left--) {
    if (**uri == '\0')
      continue;
    gint64 share = deadline_get_rest(deadline) / left;
    opening = open_one(broker, dialer, *uri, share, deadline, directory, answer);
    if (opening == DIRECTORY_OPENED || opening == DIRECTORY_BAD_SETTING)
      break;
  }
  return opening;
}

void directory_free(Directory *directory) {
  if (directory == NULL)
    return;
  if (directory->handle != NULL)
    ldap_unbind_ext(directory->handle, NULL, NULL);
  drop_socket(directory);
  g_free(directory);
}

/* ---- using ---- */

void directory_use(Directory *directory, Deadline *deadline) {
  struct timeval rest = {0};
  directory->deadline = deadline;
  deadline_add(deadline, directory->socket);
  rest = get_rest(directory);
  ldap_set_option(directory->handle, LDAP_OPT_TIMEOUT, &rest);
}

void directory_rest(Directory *directory) {
  deadline_take_away(directory->deadline, directory->socket);
  directory->deadline = NULL;
  directory->last_use = g_get_monotonic_time();
}

gint64 directory_get_last_use(const Directory *directory) {
  return directory->last_use;
}

/* The next message of an operation: its kind; 0 when the time is over, -1 when
 * the connection is. */
static int get_message(const Directory *directory, int id, LDAPMessage **message) {
  struct timeval rest = get_rest(directory);
  if (rest.tv_sec == 0 && rest.tv_usec == 0)
    return 0;
  return ldap_result(directory->handle, id, LDAP_MSG_ONE, &rest, message);
}

static void set_no_message(const Directory *directory, int kind, DirectoryAnswer *answer) {
  int code = LDAP_TIMEOUT;
  if (kind < 0)
    ldap_get_option(directory->handle, LDAP_OPT_RESULT_CODE, &code);
  set_local_answer(directory, code == LDAP_SUCCESS ? LDAP_SERVER_DOWN : code, answer);
}

static gboolean is_barred(LDAP *handle, LDAPControl **controls) {
  ber_int_t expires = -1;
  ber_int_t grace = -1;
  LDAPPasswordPolicyError problem = PP_noError;
  LDAPControl *control =
      controls != NULL ? ldap_control_find(LDAP_CONTROL_PASSWORDPOLICYRESPONSE, controls, NULL)
                       : NULL;
  if (control == NULL || ldap_parse_passwordpolicy_control(handle, control, &expires, &grace,
                                                           &problem) != LDAP_SUCCESS)
    return FALSE;
  return problem == PP_accountLocked || problem == PP_passwordExpired;
}

/* Frees @message, which is an operation's last. */
static void take_result(const Directory *directory, LDAPMessage *message, DirectoryAnswer *answer) {
  int code = LDAP_OTHER;
  char *words = NULL;
  LDAPControl **controls = NULL;
  int parsed =
      ldap_parse_result(directory->handle, message, &code, NULL, &words, NULL, &controls, TRUE);
  if (parsed != LDAP_SUCCESS) {
    set_local_answer(directory, parsed, answer);
    return;
  }
  set_answer(answer, code, words);
  answer->barred = is_barred(directory->handle, controls);
  ldap_memfree(words);
  ldap_controls_free(controls);
}

void directory_bind(Directory *directory, const char *dn, const Secret *password,
                    DirectoryAnswer *answer) {
  LDAPControl policy = {.ldctl_oid = g_strdup(LDAP_CONTROL_PASSWORDPOLICYREQUEST)};
  LDAPControl *controls[] = {&policy, NULL};
  struct berval credentials = {password->size, (char *)password->bytes};
  LDAPMessage *message = NULL;
  int id = -1;
  int code = LDAP_PARAM_ERROR;
  answer->code = LDAP_OTHER;
  if (*dn != '\0' && password->size > 0)
    code =
        ldap_sasl_bind(directory->handle, dn, LDAP_SASL_SIMPLE, &credentials, controls, NULL, &id);
  g_free(policy.ldctl_oid);
  if (code != LDAP_SUCCESS) {
    set_local_answer(directory, code, answer);
    return;
  }
  int kind = get_message(directory, id, &message);
  if (kind <= 0) {
    set_no_message(directory, kind, answer);
  } else if (kind != LDAP_RES_BIND) {
    ldap_msgfree(message);
    set_answer(answer, LDAP_DECODING_ERROR, "it answers a bind with something else");
  } else {
    take_result(directory, message, answer);
  }
}

void directory_search_clear(DirectorySearch *search) {
  search->found = 0;
  g_clear_pointer(&search->dn, g_free);
  g_clear_pointer(&search->value, g_free);
}

/* Which of several comes first is the directory's whim: a person has one name. */
static void take_value(const struct berval *value, DirectorySearch *search) {
  if (value->bv_len == 0 || value->bv_len > MAX_USER ||
      !g_utf8_validate(value->bv_val, (gssize)value->bv_len, NULL))
    return;
  g_autofree char *text = g_strndup(value->bv_val, value->bv_len);
  if (search->value != NULL && strcmp(search->value, text) <= 0)
    return;
  g_free(search->value);
  search->value = g_steal_pointer(&text);
}

static void take_values(const Directory *directory, LDAPMessage *entry, DirectorySearch *search) {
  struct berval **values = *search->attribute != '\0'
                               ? ldap_get_values_len(directory->handle, entry, search->attribute)
                               : NULL;
  for (guint i = 0; values != NULL && values[i] != NULL; i++)
    take_value(values[i], search);
  ldap_value_free_len(values);
}

static void take_entry(const Directory *directory, LDAPMessage *entry, DirectorySearch *search) {
  guint found = search->found + 1;
  directory_search_clear(search);
  search->found = found;
  if (found > 1)
    return;
  char *name = ldap_get_dn(directory->handle, entry);
  search->dn = g_strdup(name);
  ldap_memfree(name);
  take_values(directory, entry, search);
}

/* Asks; the number of the request, or -1 and @answer. */
static int begin_search(const Directory *directory, const DirectorySearch *search,
                        DirectoryAnswer *answer) {
  g_autofree char *attribute =
      g_strdup(*search->attribute != '\0' ? search->attribute : LDAP_NO_ATTRS);
  char *attributes[] = {attribute, NULL};
  int id = -1;
  int code = ldap_search_ext(directory->handle, search->base, LDAP_SCOPE_SUBTREE, search->filter,
                             attributes, 0, NULL, NULL, NULL, 2, &id);
  if (code == LDAP_SUCCESS)
    return id;
  set_local_answer(directory, code, answer);
  return -1;
}

void directory_search(Directory *directory, DirectorySearch *search, DirectoryAnswer *answer) {
  LDAPMessage *message = NULL;
  int kind = LDAP_RES_SEARCH_ENTRY;
  directory_search_clear(search);
  int id = begin_search(directory, search, answer);
  if (id < 0)
    return;
  /* Two are as many as thousands. */
  while (search->found < 2) {
    kind = get_message(directory, id, &message);
    if (kind <= 0 || kind == LDAP_RES_SEARCH_RESULT)
      break;
    if (kind == LDAP_RES_SEARCH_ENTRY)
      take_entry(directory, message, search);
    ldap_msgfree(message);
  }
  if (kind == LDAP_RES_SEARCH_RESULT) {
    take_result(directory, message, answer);
    return;
  }
  ldap_abandon_ext(directory->handle, id, NULL, NULL);
  if (search->found < 2)
    set_no_message(directory, kind, answer);
  else
    set_answer(answer, LDAP_SUCCESS, NULL);
}
