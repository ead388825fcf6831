/* secret.h: the one growing buffer for what may hold a password. */
#include "mailauth/secret.h"

#include <string.h>

#define FIRST_ROOM 128

/* realloc() would leave the old bytes where they were. */
static void secret_grow(Secret *secret, gsize room) {
  guint8 *bytes = g_malloc(room);
  if (secret->bytes != NULL) {
    memcpy(bytes, secret->bytes, secret->size);
    explicit_bzero(secret->bytes, secret->room);
    g_free(secret->bytes);
  }
  secret->bytes = bytes;
  secret->room = room;
}

void secret_append(Secret *secret, gconstpointer bytes, gsize size) {
  gsize needed = secret->size + size + 1;
  if (needed > secret->room)
    secret_grow(secret, MAX(needed, MAX(FIRST_ROOM, 2 * secret->room)));
  if (size > 0)
    memcpy(secret->bytes + secret->size, bytes, size);
  secret->size += size;
  secret->bytes[secret->size] = '\0';
}

void secret_clear(Secret *secret) {
  if (secret->bytes != NULL)
    explicit_bzero(secret->bytes, secret->room);
  g_free(secret->bytes);
  *secret = (Secret){0};
}

void secret_move(Secret *to, Secret *from) {
  secret_clear(to);
  *to = *from;
  *from = (Secret){0};
}
