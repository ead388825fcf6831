/* SPDX-License-Identifier: MIT */
/* See keyring.h. */
#include "regd/fleet/seal/keyring.h"

#include <errno.h>
#include <fcntl.h>
#include <nettle/aes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/base/error.h"

#define LINE_DIGITS (2U * FLEET_KEY_BYTES)
/* More than FLEET_LIMIT_KEYS lines. */
#define LIMIT_FILE_BYTES 8192U
/* A key's id is the beginning of this block, encrypted: GCM encrypts no such block. */
#define ID_BLOCK "regd fleet keyid"

/* ---- lines ---- */

static gboolean read_digits(const char *line, guint8 *key) {
  for (guint i = 0; i < LINE_DIGITS; i += 2) {
    int high = g_ascii_xdigit_value(line[i]);
    int low = g_ascii_xdigit_value(line[i + 1]);
    if (high < 0 || low < 0)
      return FALSE;
    key[i / 2] = (guint8)(high << 4 | low);
  }
  return TRUE;
}

static void fill_id(FleetSealKey *key) {
  struct aes256_ctx context;
  guint8 block[AES_BLOCK_SIZE];
  G_STATIC_ASSERT(sizeof ID_BLOCK - 1 == AES_BLOCK_SIZE);
  aes256_set_encrypt_key(&context, key->key);
  aes256_encrypt(&context, sizeof block, block, (const guint8 *)ID_BLOCK);
  memcpy(key->id, block, sizeof key->id);
  explicit_bzero(&context, sizeof context);
}

static gboolean add_line(FleetKeyring *keyring, const char *line, gsize length, guint number,
                         GError **error) {
  if (length == 0)
    return TRUE;
  if (keyring->n_keys == FLEET_LIMIT_KEYS)
    return error_set(error, REGISTRY_ERROR_INVALID_VALUE, "it holds more than %u keys",
                     FLEET_LIMIT_KEYS);
  FleetSealKey *key = &keyring->keys[keyring->n_keys];
  if (length != LINE_DIGITS || !read_digits(line, key->key))
    return error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                     "line %u is not %u hexadecimal digits (`openssl rand -hex %u` makes a line)",
                     number, LINE_DIGITS, FLEET_KEY_BYTES);
  fill_id(key);
  keyring->n_keys++;
  return TRUE;
}

FleetKeyring *fleet_keyring_parse(const char *text, gsize size, GError **error) {
  g_autoptr(FleetKeyring) keyring = g_new0(FleetKeyring, 1);
  guint number = 0;
  for (gsize at = 0; at < size;) {
    const char *end = memchr(text + at, '\n', size - at);
    gsize length = end != NULL ? (gsize)(end - (text + at)) : size - at;
    if (!add_line(keyring, text + at, length, ++number, error))
      return NULL;
    at += length + 1;
  }
  if (keyring->n_keys > 0)
    return g_steal_pointer(&keyring);
  error_set(error, REGISTRY_ERROR_INVALID_VALUE, "it holds no key");
  return NULL;
}

void fleet_keyring_free(FleetKeyring *keyring) {
  if (keyring == NULL)
    return;
  explicit_bzero(keyring, sizeof *keyring);
  g_free(keyring);
}

/* ---- the file ---- */

static gboolean refuse(GError **error, const char *file, const char *why) {
  return error_set(error, REGISTRY_ERROR_ACCESS_DENIED, "the Key File %s: %s", file, why);
}

/* Any process of an ordinary user might read what everybody may. */
static gboolean check_file(int descriptor, const char *file, GError **error) {
  struct stat status;
  if (fstat(descriptor, &status) < 0)
    return refuse(error, file, g_strerror(errno));
  if (!S_ISREG(status.st_mode))
    return refuse(error, file, "it is not a regular file");
  return (status.st_mode & S_IRWXO) == 0 ||
         refuse(error, file, "everybody may read or write it: chmod o=");
}

/* Returns how many bytes there were, at most @size; negative: errno. */
static gssize read_all(int descriptor, char *buffer, gsize size) {
  gsize filled = 0;
  while (filled < size) {
    gssize got = TEMP_FAILURE_RETRY(read(descriptor, buffer + filled, size - filled));
    if (got < 0)
      return got;
    if (got == 0)
      break;
    filled += (gsize)got;
  }
  return (gssize)filled;
}

static FleetKeyring *read_keys(int descriptor, const char *file, GError **error) {
  char text[LIMIT_FILE_BYTES];
  gssize size = read_all(descriptor, text, sizeof text);
  g_autoptr(GError) problem = NULL;
  FleetKeyring *keyring = NULL;
  if (size < 0)
    refuse(error, file, g_strerror(errno));
  else if ((keyring = fleet_keyring_parse(text, (gsize)size, &problem)) == NULL)
    refuse(error, file, problem->message);
  explicit_bzero(text, sizeof text);
  return keyring;
}

FleetKeyring *fleet_keyring_load(const char *file, GError **error) {
  int descriptor = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (descriptor < 0) {
    refuse(error, file, g_strerror(errno));
    return NULL;
  }
  FleetKeyring *keyring =
      check_file(descriptor, file, error) ? read_keys(descriptor, file, error) : NULL;
  close(descriptor);
  return keyring;
}
