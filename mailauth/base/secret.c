/* SPDX-License-Identifier: MIT */
/* secret.h: locked memory by OpenSSL's secure heap, which leaves it out of core
 * files and puts guards around it; and the one growing buffer. */
#include "mailauth/base/secret.h"

#include <openssl/crypto.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "client/confine/sanitizer.h"

#define FIRST_ROOM 128
/* Enough for what 10,000 clients who have not logged in may have said; pages are
 * taken as they are used. */
#define LOCKED_BYTES ((gsize)4 << 20)
#define LOCKED_STACK ((gsize)256 << 10)
#define LEAST_BLOCK 64
/* What is larger is no password: mail on its way. */
#define LARGEST_LOCKED ((gsize)32 << 10)

#ifdef IS_SANITIZED /* it checks only memory of its own */
#define IS_WANTED FALSE
#else
#define IS_WANTED TRUE
#endif

/* ---- locked memory ---- */

static rlim_t raise_limit(rlim_t wanted) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_MEMLOCK, &limit) < 0)
    return 0;
  if (limit.rlim_cur >= wanted)
    return limit.rlim_cur;
  const struct rlimit raised = {wanted, MAX(wanted, limit.rlim_max)};
  if (setrlimit(RLIMIT_MEMLOCK, &raised) == 0)
    return wanted;
  limit.rlim_cur = limit.rlim_max;
  return setrlimit(RLIMIT_MEMLOCK, &limit) == 0 ? limit.rlim_cur : 0;
}

/* Where messages are read, and passwords hashed. It is kept by the process once it
 * has been touched. */
static gboolean lock_stack(void) {
  guint8 bytes[LOCKED_STACK];
  explicit_bzero(bytes, sizeof bytes);
  return mlock(bytes, sizeof bytes) == 0;
}

gboolean secret_lock_memory(void) {
  gsize room = LOCKED_BYTES;
  if (!IS_WANTED)
    return TRUE;
  rlim_t limit = raise_limit(LOCKED_BYTES + LOCKED_STACK);
  while (room + LOCKED_STACK > limit && room > LEAST_BLOCK)
    room /= 2;
  return room >= LARGEST_LOCKED && CRYPTO_secure_malloc_init(room, LEAST_BLOCK) == 1 &&
         lock_stack() && room == LOCKED_BYTES;
}

gpointer secret_alloc(gsize size) {
  gpointer bytes = NULL;
  if (size <= LARGEST_LOCKED && CRYPTO_secure_malloc_initialized())
    bytes = CRYPTO_secure_malloc(size, NULL, 0);
  return bytes != NULL ? bytes : g_malloc(size);
}

void secret_free(gpointer bytes, gsize size) {
  if (bytes == NULL)
    return;
  explicit_bzero(bytes, size);
  if (CRYPTO_secure_allocated(bytes))
    CRYPTO_secure_free(bytes, NULL, 0);
  else
    g_free(bytes);
}

/* ---- the buffer ---- */

/* realloc() would leave the old bytes where they were. */
static void secret_grow(Secret *secret, gsize room) {
  guint8 *bytes = secret_alloc(room);
  if (secret->bytes != NULL)
    memcpy(bytes, secret->bytes, secret->size);
  secret_free(secret->bytes, secret->room);
  secret->bytes = bytes;
  secret->room = room;
}

void secret_free_text(char *text) {
  if (text != NULL)
    explicit_bzero(text, strlen(text));
  g_free(text);
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

const char *secret_get_text(const Secret *secret) {
  return secret->bytes != NULL ? (const char *)secret->bytes : "";
}

gboolean secret_has_nul(const Secret *secret) {
  return secret->size > 0 && memchr(secret->bytes, '\0', secret->size) != NULL;
}

void secret_clear(Secret *secret) {
  secret_free(secret->bytes, secret->room);
  *secret = (Secret){0};
}

gboolean secret_is_same(const Secret *secret, const Secret *other) {
  return secret->size == other->size &&
         (secret->size == 0 || memcmp(secret->bytes, other->bytes, secret->size) == 0);
}

void secret_move(Secret *to, Secret *from) {
  secret_clear(to);
  *to = *from;
  *from = (Secret){0};
}
