/* SPDX-License-Identifier: MIT */
/* See listeners.h. */
#include "mailauth/parent/listeners.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client/base/error.h"
#include "mailauth/base/limits.h"

#define BACKLOG 1024

typedef union {
  struct sockaddr any;
  struct sockaddr_in ipv4;
  struct sockaddr_in6 ipv6;
} SocketAddress;

struct Listeners {
  GPtrArray *list; /* of Listener */
  ListenerHooks hooks;
  guint64 last_id;
};

/* ---- addresses ---- */

static socklen_t get_length(const SocketAddress *address) {
  return address->any.sa_family == AF_INET ? sizeof address->ipv4 : sizeof address->ipv6;
}

/* "192.0.2.1:110" or "[2001:db8::1]:110"; no names, as they would have to be asked for. */
static gboolean parse_address(const char *text, SocketAddress *address) {
  guint64 port;
  const char *colon = strrchr(text, ':');
  if (colon == NULL || !g_ascii_string_to_unsigned(colon + 1, 10, 0, G_MAXUINT16, &port, NULL))
    return FALSE;
  gsize length = (gsize)(colon - text);
  gboolean bracketed = length > 2 && text[0] == '[' && colon[-1] == ']';
  g_autofree char *host = bracketed ? g_strndup(text + 1, length - 2) : g_strndup(text, length);
  *address = (SocketAddress){0};
  if (bracketed) {
    address->ipv6.sin6_family = AF_INET6;
    address->ipv6.sin6_port = htons((guint16)port);
    return inet_pton(AF_INET6, host, &address->ipv6.sin6_addr) == 1;
  }
  address->ipv4.sin_family = AF_INET;
  address->ipv4.sin_port = htons((guint16)port);
  return inet_pton(AF_INET, host, &address->ipv4.sin_addr) == 1;
}

static char *print_bound(int descriptor) {
  SocketAddress address = {0};
  char host[INET6_ADDRSTRLEN] = "";
  socklen_t length = sizeof address;
  if (getsockname(descriptor, &address.any, &length) < 0)
    return g_strdup("");
  if (address.any.sa_family == AF_INET) {
    inet_ntop(AF_INET, &address.ipv4.sin_addr, host, sizeof host);
    return g_strdup_printf("%s:%u", host, ntohs(address.ipv4.sin_port));
  }
  inet_ntop(AF_INET6, &address.ipv6.sin6_addr, host, sizeof host);
  return g_strdup_printf("[%s]:%u", host, ntohs(address.ipv6.sin6_port));
}

/* ---- one listener ---- */

/* Connections have what is set here: each is spared the calls. */
static gboolean set_up_socket(int descriptor, const SocketAddress *address) {
  const int on = 1;
  setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (address->any.sa_family == AF_INET6)
    setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  return bind(descriptor, &address->any, get_length(address)) == 0 &&
         listen(descriptor, BACKLOG) == 0;
}

/* -1 and an errno. */
static int open_socket(const SocketAddress *address) {
  int descriptor =
      socket(address->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
  if (descriptor < 0 || set_up_socket(descriptor, address))
    return descriptor;
  int number = errno;
  close(descriptor);
  errno = number;
  return -1;
}

static void set_state(Listener *listener, const char *problem) {
  g_free(listener->problem);
  g_free(listener->bound);
  listener->problem = g_strdup(problem);
  listener->bound = listener->socket >= 0 ? print_bound(listener->socket) : g_strdup("");
}

static gboolean try_to_listen(Listeners *listeners, Listener *listener) {
  SocketAddress address;
  if (!parse_address(listener->address, &address)) {
    set_state(listener, "It is no address:port");
    return FALSE;
  }
  listener->socket = open_socket(&address);
  set_state(listener, listener->socket >= 0 ? "" : g_strerror(errno));
  if (listener->socket >= 0)
    listeners->hooks.opened(listener, listeners->hooks.data);
  return listener->socket >= 0;
}

static void free_listener(gpointer data) {
  Listener *listener = data;
  g_free(listener->address);
  g_free(listener->bound);
  g_free(listener->problem);
  g_free(listener);
}

/* The front holds the socket too: only shutting it down frees the address now. */
static void stop_listening(Listeners *listeners, Listener *listener) {
  if (listener->socket < 0)
    return;
  shutdown(listener->socket, SHUT_RDWR);
  listeners->hooks.closed(listener, listeners->hooks.data);
  close(listener->socket);
  listener->socket = -1;
}

/* ---- the list ---- */

Listeners *listeners_new(const ListenerHooks *hooks) {
  Listeners *listeners = g_new0(Listeners, 1);
  listeners->list = g_ptr_array_new_with_free_func(free_listener);
  listeners->hooks = *hooks;
  return listeners;
}

void listeners_free(Listeners *listeners) {
  for (guint i = 0; i < listeners->list->len; i++) {
    const Listener *listener = listeners->list->pdata[i];
    if (listener->socket >= 0)
      close(listener->socket);
  }
  g_ptr_array_unref(listeners->list);
  g_free(listeners);
}

static Listener *find(GPtrArray *list, const char *address, Protocol protocol, gboolean tls) {
  for (guint i = 0; i < list->len; i++) {
    Listener *listener = list->pdata[i];
    if (strcmp(listener->address, address) == 0 && listener->protocol == protocol &&
        listener->tls == tls)
      return listener;
  }
  return NULL;
}

static Listener *new_listener(Listeners *listeners, const char *address, Protocol protocol,
                              gboolean tls) {
  Listener *listener = g_new0(Listener, 1);
  listener->id = ++listeners->last_id;
  listener->address = g_strdup(address);
  listener->protocol = protocol;
  listener->tls = tls;
  listener->socket = -1;
  set_state(listener, "");
  return listener;
}

/* The list as it shall be: those that are there already taken out of the old one. */
static GPtrArray *sort_out(Listeners *listeners, GVariant *wanted) {
  GPtrArray *list = g_ptr_array_new_with_free_func(free_listener);
  GVariantIter each;
  const char *address;
  guint8 protocol;
  gboolean tls;
  g_variant_iter_init(&each, wanted);
  while (list->len < MAX_LISTENERS &&
         g_variant_iter_next(&each, "(&syb)", &address, &protocol, &tls)) {
    if (protocol >= N_PROTOCOLS || find(list, address, protocol, tls) != NULL)
      continue;
    Listener *listener = find(listeners->list, address, protocol, tls);
    guint index;
    if (listener != NULL && g_ptr_array_find(listeners->list, listener, &index))
      g_ptr_array_steal_index(listeners->list, index);
    else
      listener = new_listener(listeners, address, protocol, tls);
    g_ptr_array_add(list, listener);
  }
  return list;
}

/* What goes makes room for what comes, which may want its address. */
void listeners_replace(Listeners *listeners, GVariant *wanted) {
  GPtrArray *list = sort_out(listeners, wanted);
  for (guint i = 0; i < listeners->list->len; i++)
    stop_listening(listeners, listeners->list->pdata[i]);
  g_ptr_array_unref(listeners->list);
  listeners->list = list;
  listeners_retry(listeners);
}

gboolean listeners_retry(Listeners *listeners) {
  gboolean changed = FALSE;
  for (guint i = 0; i < listeners->list->len; i++) {
    Listener *listener = listeners->list->pdata[i];
    if (listener->socket < 0)
      changed |= try_to_listen(listeners, listener);
  }
  return changed;
}

gboolean listeners_have_problem(const Listeners *listeners) {
  for (guint i = 0; i < listeners->list->len; i++)
    if (((const Listener *)listeners->list->pdata[i])->socket < 0)
      return TRUE;
  return FALSE;
}

void listeners_foreach(const Listeners *listeners,
                       void (*callback)(const Listener *listener, gpointer data), gpointer data) {
  for (guint i = 0; i < listeners->list->len; i++) {
    const Listener *listener = listeners->list->pdata[i];
    if (listener->socket >= 0)
      callback(listener, data);
  }
}

GVariant *listeners_report(const Listeners *listeners) {
  GVariantBuilder report;
  g_variant_builder_init(&report, G_VARIANT_TYPE("a(syss)"));
  for (guint i = 0; i < listeners->list->len; i++) {
    const Listener *listener = listeners->list->pdata[i];
    g_variant_builder_add(&report, "(syss)", listener->address, (guint8)listener->protocol,
                          listener->problem, listener->bound);
  }
  return g_variant_builder_end(&report);
}
