/* SPDX-License-Identifier: MIT */
/* See networks.h. */
#include "mailauth/base/networks.h"

#include <string.h>

#include "mailauth/base/limits.h"

/* Of an IPv4 address, before its own bits. */
#define MAPPED_BITS 96U
#define ALL_BITS 128U

typedef struct {
  ClientAddress address;
  guint bits; /* of it that count */
  gboolean is_four;
} Network;

struct Networks {
  GArray *all; /* of Network */
};

Networks *networks_new(void) {
  Networks *networks = g_new0(Networks, 1);
  networks->all = g_array_new(FALSE, FALSE, sizeof(Network));
  return networks;
}

void networks_free(Networks *networks) {
  if (networks == NULL)
    return;
  g_array_unref(networks->all);
  g_free(networks);
}

/* @text: what follows the "/", digits only. */
static gboolean parse_bits(const char *text, gboolean is_four, guint *bits) {
  guint most = is_four ? ALL_BITS - MAPPED_BITS : ALL_BITS;
  gsize length = strlen(text);
  if (length == 0 || length > 3 || strspn(text, "0123456789") != length)
    return FALSE;
  *bits = (guint)g_ascii_strtoull(text, NULL, 10);
  return *bits <= most;
}

static gboolean parse(const char *text, Network *network) {
  const char *slash = strchr(text, '/');
  g_autofree char *address =
      slash == NULL ? g_strdup(text) : g_strndup(text, (gsize)(slash - text));
  gboolean is_dotted = strchr(address, ':') == NULL;
  network->bits = is_dotted ? ALL_BITS - MAPPED_BITS : ALL_BITS;
  if (!client_address_parse(address, &network->address) ||
      (slash != NULL && !parse_bits(slash + 1, is_dotted, &network->bits)))
    return FALSE;
  network->bits += is_dotted ? MAPPED_BITS : 0;
  network->is_four = client_address_is_four(&network->address) && network->bits >= MAPPED_BITS;
  return TRUE;
}

gboolean networks_add(Networks *networks, const char *text) {
  Network network;
  if (networks->all->len >= MAX_NETWORKS || !parse(text, &network))
    return FALSE;
  g_array_append_val(networks->all, network);
  return TRUE;
}

char **networks_add_all(Networks *networks, char **texts, const char **wrong) {
  g_autoptr(GStrvBuilder) taken = g_strv_builder_new();
  *wrong = NULL;
  for (char **text = texts; *text != NULL; text++)
    if (networks_add(networks, *text))
      g_strv_builder_add(taken, *text);
    else if (*wrong == NULL)
      *wrong = *text;
  return g_strv_builder_end(taken);
}

static gboolean holds(const Network *network, const ClientAddress *address) {
  guint whole = network->bits / 8;
  guint8 mask = (guint8)(0xff00U >> network->bits % 8);
  return network->is_four == client_address_is_four(address) &&
         memcmp(network->address.bytes, address->bytes, whole) == 0 &&
         (mask == 0 || ((network->address.bytes[whole] ^ address->bytes[whole]) & mask) == 0);
}

gboolean networks_have(const Networks *networks, const ClientAddress *address) {
  for (guint i = 0; i < networks->all->len; i++)
    if (holds(&g_array_index(networks->all, Network, i), address))
      return TRUE;
  return FALSE;
}

gboolean networks_have_text(const Networks *networks, const char *text) {
  ClientAddress address;
  return client_address_parse(text, &address) && networks_have(networks, &address);
}
