/* SPDX-License-Identifier: MIT */
/* What single reads and writes cost of services beside regd: calls a second, one after the other,
 * each answered before the next, but for those of etcd, of which several may be under way.
 *
 *   peers xfconf get|set CALLS            xfconfd on DBUS_SESSION_BUS_ADDRESS
 *   peers dconf get|set CALLS             dconf-service there, by its own library
 *   peers etcd get|set CALLS PORT NUMBER  etcd's JSON on that port of loopback; NUMBER: under way
 */
#include <arpa/inet.h>
#include <dbus/dbus.h>
#include <dlfcn.h>
#include <errno.h>
#include <glib.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/pipeline.h"

#define MOST_CONNECTIONS 64U
#define ANSWER_BYTES 8192

typedef struct {
  const char *const *arguments; /* behind the number of calls; NULL ends them */
  gboolean sets;
  guint calls;
} Order;

/* ---- xfconf ---- */

static DBusMessage *new_xfconf(const char *member) {
  const char *channel = "bench";
  const char *property = "/a/key/v";
  DBusMessage *call = dbus_message_new_method_call("org.xfce.Xfconf", "/org/xfce/Xfconf",
                                                   "org.xfce.Xfconf", member);
  dbus_message_append_args(call, DBUS_TYPE_STRING, &channel, DBUS_TYPE_STRING, &property,
                           DBUS_TYPE_INVALID);
  return call;
}

static DBusMessage *get_xfconf(G_GNUC_UNUSED guint number) {
  return new_xfconf("GetProperty");
}

static DBusMessage *set_xfconf(guint number) {
  DBusMessageIter iter, variant;
  dbus_uint32_t data = number;
  DBusMessage *call = new_xfconf("SetProperty");
  dbus_message_iter_init_append(call, &iter);
  dbus_message_iter_open_container(&iter, DBUS_TYPE_VARIANT, "u", &variant);
  dbus_message_iter_append_basic(&variant, DBUS_TYPE_UINT32, &data);
  dbus_message_iter_close_container(&iter, &variant);
  return call;
}

static void run_xfconf(const Order *order) {
  DBusConnection *connection = dbus_bus_get_private(DBUS_BUS_SESSION, NULL);
  if (connection == NULL)
    g_error("the bus can't be reached");
  pipeline_run(connection, order->sets ? set_xfconf : get_xfconf, order->calls, 1, 1);
  dbus_connection_close(connection);
  dbus_connection_unref(connection);
}

/* ---- dconf ---- */

/* Of libdconf, which is opened only here: nothing else takes it. */
typedef struct {
  gpointer (*new_client)(void);
  GVariant *(*read)(gpointer client, const char *key);
  gboolean (*write)(gpointer client, const char *key, GVariant *value, char **tag,
                    gpointer cancellable, GError **error);
} Dconf;

static Dconf open_dconf(void) {
  Dconf dconf = {0};
  gpointer library = dlopen("libdconf.so.1", RTLD_NOW);
  if (library == NULL)
    g_error("%s", dlerror());
  *(gpointer *)&dconf.new_client = dlsym(library, "dconf_client_new");
  *(gpointer *)&dconf.read = dlsym(library, "dconf_client_read");
  *(gpointer *)&dconf.write = dlsym(library, "dconf_client_write_sync");
  return dconf;
}

static void run_dconf(const Order *order) {
  const char *key = "/bench/key/v";
  g_autoptr(GError) error = NULL;
  const Dconf dconf = open_dconf();
  gpointer client = dconf.new_client();
  for (guint i = 0; i < order->calls; i++) {
    if (order->sets && !dconf.write(client, key, g_variant_new_uint32(i), NULL, NULL, &error))
      g_error("%s", error->message);
    g_autoptr(GVariant) value = order->sets ? NULL : dconf.read(client, key);
    if (!order->sets && value == NULL)
      g_error("%s is not there", key);
  }
}

/* ---- etcd ---- */

static int connect_to(guint16 port) {
  const struct sockaddr_in address = {
      .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int on = 1;
  int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0 || connect(descriptor, (const void *)&address, sizeof address) != 0 ||
      setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0)
    g_error("etcd: %s", g_strerror(errno));
  return descriptor;
}

static void send_request(int descriptor, gboolean sets, guint number) {
  g_autofree char *value = g_strdup_printf("%08u", number);
  g_autofree char *encoded = g_base64_encode((const guchar *)value, strlen(value));
  g_autofree char *body = sets ? g_strdup_printf("{\"key\":\"YmVuY2g=\",\"value\":\"%s\"}", encoded)
                               : g_strdup("{\"key\":\"YmVuY2g=\"}");
  g_autofree char *request =
      g_strdup_printf("POST /v3/kv/%s HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
                      "Content-Length: %zu\r\n\r\n%s",
                      sets ? "put" : "range", strlen(body), body);
  gsize size = strlen(request);
  if (send(descriptor, request, size, MSG_NOSIGNAL) != (gssize)size)
    g_error("etcd: %s", g_strerror(errno));
}

/* Bytes of the whole answer by its head; 0: that is not there yet. */
static gsize find_size(const char *answer) {
  const char *end = strstr(answer, "\r\n\r\n");
  const char *length = strstr(answer, "Content-Length: ");
  if (end == NULL)
    return 0;
  if (!g_str_has_prefix(answer, "HTTP/1.1 200") || length == NULL)
    g_error("etcd: %s", answer);
  return (gsize)(end + 4 - answer) + (gsize)g_ascii_strtoull(length + 16, NULL, 10);
}

static void read_answer(int descriptor) {
  char answer[ANSWER_BYTES] = "";
  gsize filled = 0;
  gsize size = 0;
  while ((size = find_size(answer)) == 0 || filled < size) {
    gssize count = recv(descriptor, answer + filled, sizeof answer - 1 - filled, 0);
    if (count <= 0)
      g_error("etcd: the connection has ended");
    filled += (gsize)count;
    answer[filled] = '\0';
  }
}

static void run_etcd(const Order *order) {
  int descriptors[MOST_CONNECTIONS];
  guint16 port = (guint16)g_ascii_strtoull(order->arguments[0], NULL, 10);
  guint number = (guint)g_ascii_strtoull(order->arguments[1], NULL, 10);
  number = CLAMP(number, 1, MOST_CONNECTIONS);
  for (guint i = 0; i < number; i++)
    descriptors[i] = connect_to(port);
  for (guint i = 0; i < order->calls + number; i++) {
    if (i >= number)
      read_answer(descriptors[i % number]);
    if (i < order->calls)
      send_request(descriptors[i % number], order->sets, i);
  }
  for (guint i = 0; i < number; i++)
    close(descriptors[i]);
}

static const struct {
  const char *name;
  int arguments;
  void (*run)(const Order *order);
} services[] = {{"xfconf", 4, run_xfconf}, {"dconf", 4, run_dconf}, {"etcd", 6, run_etcd}};

int main(int argc, char **argv) {
  for (gsize i = 0; argc >= 4 && i < G_N_ELEMENTS(services); i++) {
    if (!g_str_equal(argv[1], services[i].name) || argc != services[i].arguments)
      continue;
    const Order order = {.arguments = (const char *const *)argv + 4,
                         .sets = g_str_equal(argv[2], "set"),
                         .calls = (guint)g_ascii_strtoull(argv[3], NULL, 10)};
    gint64 begun = g_get_monotonic_time();
    services[i].run(&order);
    g_print("%.1f\n", order.calls * 1e6 / (double)MAX(g_get_monotonic_time() - begun, 1));
    return EXIT_SUCCESS;
  }
  g_printerr("usage: peers xfconf|dconf|etcd get|set CALLS [PORT NUMBER]\n");
  return 2;
}
