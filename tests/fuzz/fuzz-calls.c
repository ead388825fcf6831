/* SPDX-License-Identifier: MIT */
/* Messages of a stranger's to regd's handlers. A whole regd runs in this process, on a database
 * that is thrown away, with a private bus of two between: each input is one call, and every call
 * is answered, with an error of the contract if not with a result.
 *
 * An input is a message as it is on the wire, or the name of a method, a zero, and bytes that its
 * arguments are made of by their signature. The latter comes far with any bytes. */
#include "client/base/protocol.h"
#include "client/bus/loop.h"
#include "client/bus/wire.h"
#include "regd/bus/private-bus.h"
#include "regd/registry1/registry1.h"
#include "regd/server.h"
#include "tests/fuzz/fuzz.h"

#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* A registry is made anew after so many calls: what one input does must not depend on all before,
 * and the database must not grow for ever. */
#define CALLS_OF_A_REGISTRY 500
#define MOST_ITEMS 7
#define DEEPEST 4
#define LONGEST_NAME 64

typedef struct {
  char *directory, *database;
  PrivateBus *bus;
  Server *server;
  DBusConnection *client;
  LoopBinding *binding;
  guint calls;
} Registry;

static Registry registry;

/* ---- the registry ---- */

static void on_event(G_GNUC_UNUSED gpointer data) {
}

static void on_say(G_GNUC_UNUSED const char *text, G_GNUC_UNUSED gpointer data) {
}

static void remove_directory(const char *path) {
  g_autoptr(GDir) directory = g_dir_open(path, 0, NULL);
  const char *name;
  while (directory != NULL && (name = g_dir_read_name(directory)) != NULL) {
    g_autofree char *file = g_build_filename(path, name, NULL);
    (void)g_unlink(file);
  }
  (void)g_rmdir(path);
}

static void close_registry(void) {
  if (registry.server == NULL)
    return;
  loop_binding_free(registry.binding);
  loop_disconnect(registry.client);
  server_stop(registry.server);
  private_bus_stop(registry.bus);
  remove_directory(registry.directory);
  g_free(registry.database);
  g_free(registry.directory);
  registry = (Registry){0};
}

static void open_registry(void) {
  static const char *const no_schemas[] = {NULL};
  static gsize once;
  if (g_once_init_enter(&once)) {
    atexit(close_registry);
    g_once_init_leave(&once, 1);
  }
  g_autoptr(GError) error = NULL;
  const ServerEvents events = {.ready = on_event, .say = on_say, .failed = on_event};
  const char *memory = g_file_test("/dev/shm", G_FILE_TEST_IS_DIR) ? "/dev/shm" : g_get_tmp_dir();
  registry.directory = g_build_filename(memory, "regd-fuzz-XXXXXX", NULL);
  g_assert_nonnull(g_mkdtemp(registry.directory));
  registry.database = g_build_filename(registry.directory, "registry.db", NULL);
  registry.bus = private_bus_start(on_event, NULL, &error);
  g_assert_no_error(error);
  const ServerOptions options = {.bus = private_bus_get_address(registry.bus),
                                 .database = registry.database,
                                 .schema_directories = no_schemas};
  registry.server = server_start(&options, &events, &error);
  g_assert_no_error(error);
  registry.client = loop_connect(private_bus_get_address(registry.bus), &error);
  g_assert_no_error(error);
  registry.binding = loop_bind(registry.client, NULL);
}

/* ---- a call ---- */

typedef struct {
  const guint8 *bytes;
  gsize left;
} Source;

static guint8 take(Source *source) {
  if (source->left == 0)
    return 0;
  source->left--;
  return *source->bytes++;
}

static guint64 take_number(Source *source, guint size) {
  guint64 number = 0;
  for (guint i = 0; i < size; i++)
    number = number << 8 | take(source);
  return number;
}

static const char *const words[] = {
    "",
    "HKLM",
    "HKU",
    "HKCU\\Software",
    "HKCR",
    "HKLM\\SOFTWARE",
    "HKLM\\SOFTWARE\\Acme",
    "HKLM\\SOFTWARE\\Acme\\Sub",
    "HKLM\\SOFTWARE\\Link",
    "HKLM\\SYSTEM\\CurrentControlSet\\Services\\regd\\Parameters",
    "value",
    "Acme",
    "Other",
    "set-value",
    "delete-value",
    "create-key",
    "delete-key",
    "delete-tree",
    "rename-key",
    "copy-key",
    "create-link",
    "expect-value",
    "expect-absent",
    "expect-revision",
    "everyone",
    "user:1",
    "group:1",
    "none",
    "read",
    "write",
    "control",
    "recursive",
    "no-follow",
    "volatile",
    "link",
    "class",
    "depth",
    "limit",
    "cursor",
    "at",
    "since",
    "before",
    "skip-unreadable",
    "comment",
    "dry-run",
    "strict",
    "confirm-within",
    "owner",
    "prune",
    "expect",
    "format",
    "org.regd.Registry1",
    "Revision",
};

/* A word of the table, or any text. */
static char *take_text(Source *source) {
  guint8 choice = take(source);
  if (choice >= 0x80)
    return g_strdup(words[choice % G_N_ELEMENTS(words)]);
  gsize length = MIN(choice, source->left);
  g_autofree char *raw = g_strndup((const char *)source->bytes, length);
  source->bytes += length;
  source->left -= length;
  return g_utf8_make_valid(raw, -1);
}

static void append_value(Source *source, DBusMessageIter *out, const char *signature, guint depth);

static void append_variant(Source *source, DBusMessageIter *out, guint depth) {
  static const char *const kinds[] = {"s", "u", "t",     "ay",    "as",       "b",
                                      "x", "v", "a{sv}", "a(ss)", "a(sssuv)", "d"};
  const char *kind = kinds[take(source) % (depth < DEEPEST ? G_N_ELEMENTS(kinds) : 4)];
  DBusMessageIter inner;
  g_assert_true(dbus_message_iter_open_container(out, DBUS_TYPE_VARIANT, kind, &inner));
  append_value(source, &inner, kind, depth + 1);
  g_assert_true(dbus_message_iter_close_container(out, &inner));
}

static void append_descriptor(Source *source, DBusMessageIter *out) {
  int file = memfd_create("fuzz", MFD_CLOEXEC);
  gsize size = MIN(source->left, 16 * (gsize)take(source));
  size = MIN(size, source->left);
  g_assert_cmpint(write(file, source->bytes, size), ==, (gssize)size);
  g_assert_cmpint(lseek(file, 0, SEEK_SET), ==, 0);
  source->bytes += size;
  source->left -= size;
  g_assert_true(dbus_message_iter_append_basic(out, DBUS_TYPE_UNIX_FD, &file));
  close(file);
}

static void append_basic(Source *source, DBusMessageIter *out, int type) {
  DBusBasicValue value = {.u64 = 0};
  g_autofree char *text = NULL;
  if (type == DBUS_TYPE_STRING)
    value.str = text = take_text(source);
  else if (type == DBUS_TYPE_BOOLEAN)
    value.bool_val = take(source) & 1;
  else if (type == DBUS_TYPE_BYTE)
    value.byt = take(source);
  else if (type == DBUS_TYPE_UINT32 || type == DBUS_TYPE_INT32)
    value.u32 = (guint32)take_number(source, take(source) & 0x80 ? 4 : 1);
  else
    value.u64 = take_number(source, take(source) & 0x80 ? 8 : 1);
  g_assert_true(dbus_message_iter_append_basic(out, type, &value));
}

/* The members of a structure or a dictionary's entry: its signature without the brackets. */
static void append_members(Source *source, DBusMessageIter *out, DBusSignatureIter *members,
                           guint depth) {
  do {
    char *member = dbus_signature_iter_get_signature(members);
    append_value(source, out, member, depth + 1);
    dbus_free(member);
  } while (dbus_signature_iter_next(members));
}

static void append_array(Source *source, DBusMessageIter *out, const char *element, guint depth) {
  DBusMessageIter inner;
  g_assert_true(dbus_message_iter_open_container(out, DBUS_TYPE_ARRAY, element, &inner));
  for (guint i = take(source) & MOST_ITEMS; i > 0; i--)
    append_value(source, &inner, element, depth + 1);
  g_assert_true(dbus_message_iter_close_container(out, &inner));
}

static void append_value(Source *source, DBusMessageIter *out, const char *signature, guint depth) {
  DBusSignatureIter type;
  DBusSignatureIter members;
  DBusMessageIter inner;
  dbus_signature_iter_init(&type, signature);
  int kind = dbus_signature_iter_get_current_type(&type);
  if (kind == DBUS_TYPE_VARIANT) {
    append_variant(source, out, depth);
  } else if (kind == DBUS_TYPE_ARRAY) {
    append_array(source, out, signature + 1, depth);
  } else if (kind == DBUS_TYPE_UNIX_FD) {
    append_descriptor(source, out);
  } else if (dbus_type_is_basic(kind)) {
    append_basic(source, out, kind);
  } else {
    g_assert_true(dbus_message_iter_open_container(out, kind, NULL, &inner));
    dbus_signature_iter_recurse(&type, &members);
    append_members(source, &inner, &members, depth);
    g_assert_true(dbus_message_iter_close_container(out, &inner));
  }
}

/* By its name, else by any byte, so that an input with a damaged name is a call too. */
static const DispatchMethod *choose_method(const char *name, guint8 choice) {
  const DispatchMethod *methods = registry1_interfaces[0].methods;
  guint count = 0;
  for (; methods[count].name != NULL; count++)
    if (strcmp(methods[count].name, name) == 0)
      return &methods[count];
  return &methods[choice % count];
}

static DBusMessage *make_call(const guint8 *data, gsize size) {
  gsize length = strnlen((const char *)data, MIN(size, LONGEST_NAME));
  g_autofree char *name = g_strndup((const char *)data, length);
  const DispatchMethod *method = choose_method(name, data[0]);
  gsize used = MIN(length + 1, size);
  Source source = {data + used, size - used};
  DBusMessageIter out;
  DBusMessage *call = dbus_message_new_method_call(REGISTRY_BUS_NAME, REGISTRY_OBJECT_PATH,
                                                   REGISTRY_INTERFACE, method->name);
  dbus_message_iter_init_append(call, &out);
  for (const DispatchArgument *each = method->in; each != NULL && each->name != NULL; each++)
    append_value(&source, &out, each->signature, 0);
  return call;
}

static DBusMessage *read_message(const guint8 *data, gsize size) {
  DBusError problem = DBUS_ERROR_INIT;
  g_autoptr(WireMessage) read =
      dbus_message_demarshal((const char *)data, (int)MIN(size, G_MAXINT), &problem);
  dbus_error_free(&problem);
  DBusMessage *message = read != NULL ? dbus_message_copy(read) : NULL;
  if (message != NULL)
    g_assert_true(dbus_message_set_destination(message, REGISTRY_BUS_NAME));
  return message;
}

/* ---- its answer ---- */

static void on_answer(G_GNUC_UNUSED DBusPendingCall *pending, void *data) {
  *(gboolean *)data = TRUE;
}

static void check_answer(DBusMessage *reply) {
  const char *text = NULL;
  if (dbus_message_get_type(reply) == DBUS_MESSAGE_TYPE_METHOD_RETURN)
    return;
  const char *name = dbus_message_get_error_name(reply);
  g_assert_true(g_str_has_prefix(name, REGISTRY_INTERFACE ".Error.") ||
                g_str_has_prefix(name, "org.freedesktop.DBus.Error."));
  g_assert_cmpstr(name, !=, DBUS_ERROR_NO_REPLY);
  g_assert_cmpstr(name, !=, DBUS_ERROR_DISCONNECTED);
  g_assert_true(dbus_message_get_args(reply, NULL, DBUS_TYPE_STRING, &text, DBUS_TYPE_INVALID));
}

static void call_and_wait(DBusMessage *call) {
  DBusPendingCall *pending = NULL;
  gboolean answered = FALSE;
  g_assert_true(
      dbus_connection_send_with_reply(registry.client, call, &pending, DBUS_TIMEOUT_INFINITE));
  g_assert_nonnull(pending);
  g_assert_true(dbus_pending_call_set_notify(pending, on_answer, &answered, NULL));
  while (!answered)
    g_main_context_iteration(NULL, TRUE);
  g_autoptr(WireMessage) reply = dbus_pending_call_steal_reply(pending);
  dbus_pending_call_unref(pending);
  check_answer(reply);
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size) {
  if (registry.server != NULL && registry.calls >= CALLS_OF_A_REGISTRY)
    close_registry();
  if (registry.server == NULL)
    open_registry();
  registry.calls++;
  if (size == 0)
    return 0;
  g_autoptr(WireMessage) call = read_message(data, size);
  if (call == NULL)
    call = make_call(data, size);
  if (dbus_message_get_type(call) == DBUS_MESSAGE_TYPE_METHOD_CALL &&
      !dbus_message_get_no_reply(call))
    call_and_wait(call);
  else
    (void)dbus_connection_send(registry.client, call, NULL);
  return 0;
}
