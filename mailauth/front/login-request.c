/* SPDX-License-Identifier: MIT */
/* login-request.h: sessions and other servers' logins as message bodies. */
#include "mailauth/front/login-request.h"

#include <string.h>

const Credentials *front_login_get_credentials(const FrontLogin *login) {
  return login->session != NULL ? session_get_credentials(login->session)
                                : &auth_login_get_request(login->other)->credentials;
}

static void wipe_password(const FrontLogin *login) {
  if (login->session != NULL)
    session_wipe_password(login->session);
  else
    auth_login_wipe_password(login->other);
}

/* "" if it is not known. */
static char *dup_address(const FrontLogin *login) {
  if (login->session != NULL)
    return client_address_format(session_get_address(login->session));
  const char *address = auth_login_get_request(login->other)->address;
  return g_strdup(address == NULL ? "" : address);
}

static guchar get_protocol(const FrontLogin *login) {
  return (guchar)(login->session != NULL ? session_get_protocol(login->session) : PROTOCOL_SASL);
}

/* "" if it is not known, and for sessions, which the protocol names. */
static const char *get_service(const FrontLogin *login) {
  const char *service =
      login->session != NULL ? NULL : auth_login_get_request(login->other)->service;
  return service != NULL ? service : "";
}

static const char *get_tls(const FrontLogin *login) {
  return login->session == NULL ? "" : session_get_tls(login->session);
}

static guint64 get_number(const FrontLogin *login) {
  return login->session == NULL ? 0 : session_get_number(login->session);
}

static guint16 get_port(const FrontLogin *login) {
  return login->session == NULL ? 0 : session_get_port(login->session);
}

static GVariant *new_secret(const Credentials *credentials) {
  return message_secret_new(credentials->password.bytes, credentials->password.size);
}

static GVariant *new_bindings(const Session *session) {
  ChannelBinding bindings[MAX_CHANNEL_BINDINGS];
  guint count = session == NULL ? 0 : session_list_bindings(session, bindings);
  GVariantBuilder list;
  g_variant_builder_init(&list, G_VARIANT_TYPE("a(say)"));
  for (guint i = 0; i < count; i++)
    g_variant_builder_add(&list, "(s@ay)", bindings[i].type,
                          message_secret_new(bindings[i].bytes, bindings[i].size));
  explicit_bzero(bindings, sizeof bindings);
  return g_variant_builder_end(&list);
}

/* ---- credentials ---- */

static GVariant *ask_by_password(const FrontLogin *login, const Credentials *credentials) {
  g_autofree char *address = dup_address(login);
  const char *identity = credentials->identity != NULL ? credentials->identity : "";
  return g_variant_new("(tysss@ayssstq)", login->number, get_protocol(login),
                       credentials->mechanism, credentials->user, identity, new_secret(credentials),
                       address, get_service(login), get_tls(login), get_number(login),
                       get_port(login));
}

static GVariant *begin_scram(const FrontLogin *login, const Credentials *credentials) {
  g_autofree char *address = dup_address(login);
  gboolean plus = g_str_has_suffix(credentials->mechanism, "-PLUS");
  return g_variant_new("(tys@aybstq@a(say))", login->number, get_protocol(login), address,
                       new_secret(credentials), plus, get_tls(login), get_number(login),
                       get_port(login), new_bindings(login->session));
}

static GVariant *end_scram(const FrontLogin *login, const Credentials *credentials) {
  return g_variant_new("(t@ay)", login->number, new_secret(credentials));
}

static GVariant *ask_by_credentials(const FrontLogin *login, MessageKind *kind) {
  static const struct {
    MessageKind kind;
    GVariant *(*ask)(const FrontLogin *login, const Credentials *credentials);
  } ways[] = {
      [CREDENTIALS_PASSWORD] = {MESSAGE_LOGIN, ask_by_password},
      [CREDENTIALS_SCRAM_FIRST] = {MESSAGE_SCRAM_FIRST, begin_scram},
      [CREDENTIALS_SCRAM_FINAL] = {MESSAGE_SCRAM_FINAL, end_scram},
      /* Never sent: the verdict has come with the proof. */
      [CREDENTIALS_SCRAM_END] = {MESSAGE_SCRAM_FINAL, end_scram},
  };
  const Credentials *credentials = front_login_get_credentials(login);
  GVariant *body = ways[credentials->kind].ask(login, credentials);
  *kind = ways[credentials->kind].kind;
  wipe_password(login);
  return body;
}

/* ---- the rest ---- */

GVariant *login_request_new_incident(guint64 number, Outcome outcome, const Session *session,
                                     const char *user) {
  g_autofree char *address = client_address_format(session_get_address(session));
  return g_variant_new("(tuysssust)", number, (guint32)outcome,
                       (guchar)session_get_protocol(session), user == NULL ? "" : user, address,
                       session_get_tls(session), 1U, "", session_get_number(session));
}

GVariant *login_request_new_session(const FrontLogin *login, const char *user, gboolean is_native) {
  g_autofree char *address = dup_address(login);
  return g_variant_new("(tyssssttb)", login->number, get_protocol(login), user,
                       front_login_get_credentials(login)->mechanism, address, get_tls(login),
                       get_number(login), (guint64)g_get_real_time(), is_native);
}

GVariant *login_request_new(const FrontLogin *login, MessageKind *kind) {
  if (login->step == STEP_LOGIN)
    return ask_by_credentials(login, kind);
  if (login->step == STEP_SETTINGS) {
    *kind = MESSAGE_ASK_SETTINGS;
    return g_variant_new_uint64(login->number);
  }
  *kind = MESSAGE_INCIDENT;
  if (login->step == STEP_CLEAR_TEXT)
    return login_request_new_incident(login->number, OUTCOME_CLEAR_TEXT, login->session,
                                      session_get_credentials(login->session)->user);
  return login_request_new_incident(login->number, OUTCOME_NO_CERTIFICATE, login->session, NULL);
}
