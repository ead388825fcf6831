/* SPDX-License-Identifier: MIT */
/* Calls with one answer. A call may take several questions: a user with a password logs in first,
 * and once more if etcd does not know the token any more; and if etcd refuses rights, it is asked
 * for the roles that this host's user has, since an administrator wants to know that. See
 * cluster.h.
 */
#include <string.h>

#include "regd/fleet/etcd/account.h"
#include "regd/fleet/etcd/cluster-private.h"

typedef enum { STAGE_LOGIN, STAGE_QUESTION, STAGE_ROLES } Stage;

struct ClusterCall {
  Cluster *cluster;
  char *method;
  GBytes *request;
  guint endpoint, timeout_ms;
  Stage stage;
  gboolean logged_in; /* a token that etcd does not know then is told */
  Stream *stream;
  GBytes *answer; /* or NULL */
  guint answers;
  char *refusal; /* what etcd said of rights */
  ClusterDone done;
  gpointer data;
};

static void call_free(ClusterCall *call) {
  g_clear_pointer(&call->answer, g_bytes_unref);
  g_bytes_unref(call->request);
  g_free(call->method);
  g_free(call->refusal);
  g_free(call);
}

static void tell(ClusterCall *call, GBytes *answer, const TransportEnd *end) {
  call->done(answer, end, call->data);
  call_free(call);
}

/* ---- asking ---- */

static void on_message(GBytes *message, gpointer data) {
  ClusterCall *call = data;
  if (call->answers++ == 0)
    call->answer = g_bytes_ref(message);
}

static void on_end(const TransportEnd *end, gpointer data);

static void ask(ClusterCall *call, Stage stage, const char *name, GBytes *request) {
  const Cluster *cluster = call->cluster;
  g_autofree char *method = g_strconcat("/etcdserverpb.", name, NULL);
  const StreamTarget target = {.endpoint = cluster_get_endpoint(cluster, call->endpoint),
                               .method = method,
                               .timeout_ms = call->timeout_ms,
                               .token = stage != STAGE_LOGIN ? cluster->token : NULL};
  const StreamEvents events = {.message = on_message, .end = on_end, .data = call};
  call->stage = stage;
  call->answers = 0;
  g_clear_pointer(&call->answer, g_bytes_unref);
  call->stream = transport_open(cluster->calls, &target, &events);
  stream_send(call->stream, request);
  stream_finish(call->stream);
}

static void log_in(ClusterCall *call) {
  const Cluster *cluster = call->cluster;
  g_autoptr(GBytes) request = etcd_login_encode(cluster->user, cluster->password);
  call->logged_in = TRUE;
  ask(call, STAGE_LOGIN, "Auth/Authenticate", request);
}

static const char *get_user(const Cluster *cluster) {
  if (cluster->user != NULL)
    return cluster->user;
  return cluster->certificate != NULL ? cluster->certificate->user : NULL;
}

static void ask_for_roles(ClusterCall *call, const TransportEnd *end) {
  g_autoptr(GBytes) request = etcd_user_encode(get_user(call->cluster));
  call->refusal = g_strdup(end->text);
  ask(call, STAGE_ROLES, "Auth/UserGet", request);
}

/* ---- answers ---- */

static void take_login(ClusterCall *call, const TransportEnd *end) {
  g_autoptr(GError) error = NULL;
  g_autofree char *text = NULL;
  TransportEnd told = *end;
  g_clear_pointer(&call->cluster->token, config_wipe);
  if (end->code == GRPC_OK && call->answer != NULL)
    call->cluster->token = etcd_login_decode(call->answer, &error);
  if (call->cluster->token != NULL) {
    ask(call, STAGE_QUESTION, call->method, call->request);
    return;
  }
  if (end->code == GRPC_OK || end->code == GRPC_INVALID_ARGUMENT)
    told.code = GRPC_UNAUTHENTICATED;
  told.sent = FALSE; /* the question */
  text = g_strdup_printf("the user '%s' can't log in: %s", call->cluster->user,
                         error != NULL ? error->message : end->text);
  told.text = text;
  tell(call, NULL, &told);
}

static void take_roles(ClusterCall *call, const TransportEnd *end) {
  g_autofree char *roles =
      end->code == GRPC_OK && call->answer != NULL ? etcd_user_decode(call->answer) : NULL;
  g_autofree char *text = g_strdup_printf("etcd user '%s', %s: %s", get_user(call->cluster),
                                          roles == NULL    ? "whose roles are not known"
                                          : *roles == '\0' ? "which has no role"
                                                           : roles,
                                          call->refusal);
  const TransportEnd told = {.code = GRPC_PERMISSION_DENIED, .sent = TRUE, .text = text};
  tell(call, NULL, &told);
}

static void tell_rejected(ClusterCall *call, const TransportEnd *end) {
  g_autofree char *fault = cluster_describe_certificate(call->cluster);
  g_autofree char *text = NULL;
  TransportEnd told = *end;
  if (fault != NULL)
    text = g_strdup_printf("%s: %s", fault, end->text);
  else if (end->hung_up)
    text =
        g_strdup_printf("it closes the connection before any answer, as it does when this host's "
                        "certificate is revoked: %s",
                        end->text);
  told.text = text != NULL ? text : end->text;
  tell(call, NULL, &told);
}

static void take_answer(ClusterCall *call, const TransportEnd *end) {
  TransportEnd told = *end;
  if (end->code == GRPC_UNAUTHENTICATED && call->cluster->user != NULL && !call->logged_in) {
    log_in(call);
    return;
  }
  if (end->code == GRPC_PERMISSION_DENIED && get_user(call->cluster) != NULL) {
    ask_for_roles(call, end);
    return;
  }
  if (end->rejected || end->hung_up) {
    tell_rejected(call, end);
    return;
  }
  GBytes *answer = end->code == GRPC_OK && call->answers == 1 ? call->answer : NULL;
  if (end->code == GRPC_OK && answer == NULL) {
    told.code = GRPC_INTERNAL;
    told.text = "the answer is not one message";
  }
  tell(call, answer, &told);
}

static void on_end(const TransportEnd *end, gpointer data) {
  static void (*const takes[])(ClusterCall *, const TransportEnd *) = {
      [STAGE_LOGIN] = take_login, [STAGE_QUESTION] = take_answer, [STAGE_ROLES] = take_roles};
  ClusterCall *call = data;
  call->stream = NULL;
  takes[call->stage](call, end);
}

/* ---- calls ---- */

ClusterCall *cluster_call(Cluster *cluster, const ClusterQuestion *question, ClusterDone done,
                          gpointer data) {
  ClusterCall *call = g_new0(ClusterCall, 1);
  call->cluster = cluster;
  call->method = g_strdup(question->method);
  call->request = g_bytes_ref(question->request);
  call->endpoint = question->endpoint;
  call->timeout_ms = question->timeout_ms;
  call->done = done;
  call->data = data;
  if (cluster->user != NULL && cluster->token == NULL)
    log_in(call);
  else
    ask(call, STAGE_QUESTION, call->method, call->request);
  return call;
}

void cluster_call_cancel(ClusterCall *call) {
  if (call == NULL)
    return;
  stream_cancel(call->stream);
  call_free(call);
}
