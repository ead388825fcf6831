/* SPDX-License-Identifier: MIT */
/* See config.h. */
#include "regd/fleet/etcd/config.h"

#include <string.h>

#include "client/base/error.h"
#include "client/bus/wire.h"

#define DEFAULT_STALE_AFTER_S 30U
#define DEFAULT_REQUEST_TIMEOUT_MS 1000U
#define DEFAULT_COMMIT_TIMEOUT_MS 10000U
#define DEFAULT_TRANSACTION_OPERATIONS 100U
#define DEFAULT_REQUEST_BYTES 1048576U
#define DEFAULT_RESYNC_SPREAD_S 60U
#define DEFAULT_REPORT_INTERVAL_S 10U

static gboolean refuse(GError **error, const char *name, const char *why) {
  return error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS, "\"%s\": %s", name, why);
}

/* ---- parts ---- */

/* "" becomes NULL. */
static gboolean read_text(const WireOptions *options, const char *name, char **text,
                          GError **error) {
  const char *given = "";
  if (!wire_options_get_string(options, name, &given, error))
    return FALSE;
  *text = *given != '\0' ? g_strdup(given) : NULL;
  return TRUE;
}

static gboolean read_strings(const WireOptions *options, const char *name, char ***strings,
                             GError **error) {
  DBusMessageIter content, each;
  g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
  guint count = 0;
  if (wire_options_get_content(options, name, &content)) {
    g_autofree char *signature = wire_dup_signature(&content);
    if (!g_str_equal(signature, "as"))
      return refuse(error, name, "must be as");
    dbus_message_iter_recurse(&content, &each);
    for (; dbus_message_iter_get_arg_type(&each) == DBUS_TYPE_STRING &&
           count < CONFIG_LIMIT_ENDPOINTS;
         dbus_message_iter_next(&each), count++) {
      const char *text;
      dbus_message_iter_get_basic(&each, &text);
      g_strv_builder_add(builder, text);
    }
  }
  *strings = g_strv_builder_end(builder);
  return TRUE;
}

/* 16 bytes, or none. */
static gboolean read_id(const WireOptions *options, const char *name, guint8 *id, gboolean *there,
                        GError **error) {
  DBusMessageIter content, bytes;
  const guint8 *data = NULL;
  int size = 0;
  *there = FALSE;
  if (!wire_options_get_content(options, name, &content))
    return TRUE;
  g_autofree char *signature = wire_dup_signature(&content);
  if (!g_str_equal(signature, "ay"))
    return refuse(error, name, "must be ay");
  dbus_message_iter_recurse(&content, &bytes);
  dbus_message_iter_get_fixed_array(&bytes, &data, &size);
  if (size != 0 && size != (int)FLEET_ID_BYTES)
    return refuse(error, name, "must be 16 bytes, or none");
  *there = size > 0;
  if (*there)
    memcpy(id, data, FLEET_ID_BYTES);
  return TRUE;
}

/* ---- the layer ---- */

static gboolean read_layer(DBusMessageIter *dict, AgentConfig *config, GError **error) {
  g_autoptr(WireOptions) options = wire_options_read(dict, error);
  gboolean has_uuid;
  if (options == NULL || !wire_options_get_boolean(options, "joined", &config->joined, error) ||
      !wire_options_get_uint64(options, "applied", &config->applied, error) ||
      !wire_options_get_uint64(options, "number", &config->number, error) ||
      !read_id(options, "uuid", config->uuid, &has_uuid, error) ||
      !read_id(options, "head", config->head, &config->has_head, error))
    return FALSE;
  if (config->joined && !has_uuid)
    return refuse(error, "uuid", "is missing, of a fleet that was joined");
  return config->applied < G_MAXINT64 || refuse(error, "applied", "is out of range");
}

/* There is one layer yet. */
static gboolean read_layers(const WireOptions *options, AgentConfig *config, GError **error) {
  DBusMessageIter content, each;
  if (!wire_options_get_content(options, "layers", &content))
    return TRUE;
  g_autofree char *signature = wire_dup_signature(&content);
  if (!g_str_equal(signature, "aa{sv}"))
    return refuse(error, "layers", "must be aa{sv}");
  dbus_message_iter_recurse(&content, &each);
  return dbus_message_iter_get_arg_type(&each) != DBUS_TYPE_ARRAY ||
         read_layer(&each, config, error);
}

/* ---- all of it ---- */

static gboolean read_numbers(const WireOptions *options, AgentConfig *config, GError **error) {
  config->stale_after_s = DEFAULT_STALE_AFTER_S;
  config->request_timeout_ms = DEFAULT_REQUEST_TIMEOUT_MS;
  config->commit_timeout_ms = DEFAULT_COMMIT_TIMEOUT_MS;
  config->resync_spread_s = DEFAULT_RESYNC_SPREAD_S;
  config->transaction_operations = DEFAULT_TRANSACTION_OPERATIONS;
  config->request_bytes = DEFAULT_REQUEST_BYTES;
  config->report_interval_s = DEFAULT_REPORT_INTERVAL_S;
  if (!wire_options_get_uint32(options, "stale-after", &config->stale_after_s, error) ||
      !wire_options_get_uint32(options, "request-timeout", &config->request_timeout_ms, error) ||
      !wire_options_get_uint32(options, "commit-timeout", &config->commit_timeout_ms, error) ||
      !wire_options_get_uint32(options, "resync-spread", &config->resync_spread_s, error) ||
      !wire_options_get_uint32(options, "transaction-operations", &config->transaction_operations,
                               error) ||
      !wire_options_get_uint32(options, "request-bytes", &config->request_bytes, error) ||
      !wire_options_get_uint32(options, "report-interval", &config->report_interval_s, error))
    return FALSE;
  config->stale_after_s = MAX(config->stale_after_s, 1U);
  config->request_timeout_ms = MAX(config->request_timeout_ms, 1U);
  config->transaction_operations = MAX(config->transaction_operations, 1U);
  return TRUE;
}

static gboolean read_texts(const WireOptions *options, AgentConfig *config, GError **error) {
  if (!read_text(options, "fleet", &config->fleet, error) ||
      !read_text(options, "host-name", &config->host, error) ||
      !read_text(options, "ca-file", &config->files.ca_file, error) ||
      !read_text(options, "certificate", &config->files.certificate, error) ||
      !read_text(options, "private-key", &config->files.private_key, error) ||
      !read_text(options, "user", &config->user, error) ||
      !read_text(options, "password", &config->password, error) ||
      !read_strings(options, "endpoints", &config->endpoints, error))
    return FALSE;
  if (config->enabled && (config->fleet == NULL || config->host == NULL))
    return refuse(error, config->fleet == NULL ? "fleet" : "host-name", "is missing");
  return TRUE;
}

AgentConfig *config_read(DBusMessageIter *dict, GError **error) {
  g_autoptr(WireOptions) options = wire_options_read(dict, error);
  g_autoptr(AgentConfig) config = g_new0(AgentConfig, 1);
  if (options == NULL || !wire_options_get_boolean(options, "enabled", &config->enabled, error) ||
      !wire_options_get_boolean(options, "read-only", &config->read_only, error) ||
      !read_texts(options, config, error) || !read_numbers(options, config, error) ||
      !read_layers(options, config, error))
    return NULL;
  return g_steal_pointer(&config);
}

void config_wipe(char *text) {
  if (text != NULL)
    explicit_bzero(text, strlen(text));
  g_free(text);
}

void config_free(AgentConfig *config) {
  if (config == NULL)
    return;
  g_free(config->fleet);
  g_free(config->host);
  g_strfreev(config->endpoints);
  g_free(config->files.ca_file);
  g_free(config->files.certificate);
  g_free(config->files.private_key);
  g_free(config->user);
  config_wipe(config->password);
  g_free(config);
}
