/* SPDX-License-Identifier: MIT */
/* See proxy-header.h. Both versions are gathered whole, and then read. */
#include "mailauth/origin/proxy-header.h"

#include <string.h>

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define SIGNATURE_SIZE 12
#define WORD "PROXY "
#define WORD_SIZE 6

#define COMMAND_LOCAL 0x20
#define COMMAND_PROXY 0x21
#define OVER_TCP4 0x11
#define OVER_TCP6 0x21
#define OVER_UNIX 0x31
#define UNSPECIFIED 0x00
#define UNIX_ADDRESSES 216U /* bytes; none of them is a client's here */
#define TLV_HEAD 3
#define TLV_SSL 0x20
#define TLV_SSL_VERSION 0x21
#define SSL_HEAD 5
#define CLIENT_SSL 0x01

struct ProxyHeader {
  GByteArray *bytes;
};

ProxyHeader *proxy_header_new(void) {
  ProxyHeader *header = g_new0(ProxyHeader, 1);
  header->bytes = g_byte_array_new();
  return header;
}

void proxy_header_free(ProxyHeader *header) {
  if (header == NULL)
    return;
  g_byte_array_unref(header->bytes);
  g_free(header);
}

/* ---- version 1: a line ---- */

/* A port without a sign, a blank or a leading zero. */
static gboolean parse_port(const char *text, guint16 *port) {
  gsize length = strlen(text);
  if (length == 0 || length > 5 || (length > 1 && *text == '0') ||
      strspn(text, "0123456789") != length)
    return FALSE;
  guint64 number = g_ascii_strtoull(text, NULL, 10);
  *port = (guint16)number;
  return number <= G_MAXUINT16;
}

static gboolean parse_address(const char *text, gboolean is_four, ClientAddress *address) {
  return client_address_parse(text, address) && (strchr(text, ':') == NULL) == is_four;
}

/* @line: without its CRLF. */
static gboolean read_line(const char *line, ProxyFacts *facts) {
  g_auto(GStrv) words = g_strsplit(line, " ", -1);
  guint16 port = 0;
  ClientAddress own;
  if (g_strv_length(words) >= 2 && g_str_equal(words[1], "UNKNOWN"))
    return TRUE;
  if (g_strv_length(words) != 6)
    return FALSE;
  gboolean is_four = g_str_equal(words[1], "TCP4");
  facts->has_address = TRUE;
  return (is_four || g_str_equal(words[1], "TCP6")) &&
         parse_address(words[2], is_four, &facts->address) &&
         parse_address(words[3], is_four, &own) && parse_port(words[4], &facts->port) &&
         parse_port(words[5], &port);
}

/* The line is in @bytes, with its LF. */
static ProxyResult end_line(const GByteArray *bytes, ProxyFacts *facts) {
  if (bytes->len < WORD_SIZE + 2 || bytes->data[bytes->len - 2] != '\r' ||
      memchr(bytes->data, '\0', bytes->len) != NULL)
    return PROXY_WRONG;
  g_autofree char *line = g_strndup((const char *)bytes->data, bytes->len - 2);
  return strchr(line, '\r') == NULL && read_line(line, facts) ? PROXY_DONE : PROXY_WRONG;
}

/* ---- version 2: a head, addresses, additions ---- */

static gsize get_length(const guint8 *two) {
  return (gsize)two[0] << 8 | two[1];
}

static gboolean take_tlv(const guint8 **at, gsize *left, guint8 *type, const guint8 **value,
                         gsize *size) {
  if (*left < TLV_HEAD || get_length(*at + 1) > *left - TLV_HEAD)
    return FALSE;
  *type = **at;
  *size = get_length(*at + 1);
  *value = *at + TLV_HEAD;
  *at += TLV_HEAD + *size;
  *left -= TLV_HEAD + *size;
  return TRUE;
}

/* A version as OpenSSL names it; else only that there is one. */
static void set_tls(const guint8 *version, gsize size, ProxyFacts *facts) {
  gboolean plain = size > 0 && size <= MAX_METHOD;
  for (gsize i = 0; plain && i < size; i++)
    plain = g_ascii_isalnum(version[i]) || version[i] == '.' || version[i] == '-';
  g_strlcpy(facts->tls, "TLS", sizeof facts->tls);
  if (plain) {
    memcpy(facts->tls, version, size);
    facts->tls[size] = '\0';
  }
}

/* Section 2.2.5. */
static gboolean read_ssl(const guint8 *value, gsize size, ProxyFacts *facts) {
  guint8 type = 0;
  const guint8 *version = NULL;
  gsize length = 0;
  if (size < SSL_HEAD)
    return FALSE;
  gboolean is_tls = (value[0] & CLIENT_SSL) != 0;
  if (is_tls)
    set_tls(NULL, 0, facts);
  value += SSL_HEAD;
  size -= SSL_HEAD;
  while (size > 0) {
    if (!take_tlv(&value, &size, &type, &version, &length))
      return FALSE;
    if (is_tls && type == TLV_SSL_VERSION)
      set_tls(version, length, facts);
  }
  return TRUE;
}

static gboolean read_additions(const guint8 *at, gsize left, ProxyFacts *facts) {
  guint8 type = 0;
  const guint8 *value = NULL;
  gsize size = 0;
  while (left > 0) {
    if (!take_tlv(&at, &left, &type, &value, &size) ||
        (type == TLV_SSL && !read_ssl(value, size, facts)))
      return FALSE;
  }
  return TRUE;
}

/* Two addresses of @width bytes and two ports: the client's first. */
static gboolean read_addresses(const guint8 *at, gsize left, gsize width, ProxyFacts *facts) {
  static const guint8 mapped[12] = {[10] = 0xff, [11] = 0xff};
  gsize size = 2 * width + 4;
  if (left < size)
    return FALSE;
  facts->has_address = TRUE;
  if (width == 4)
    memcpy(facts->address.bytes, mapped, sizeof mapped);
  memcpy(facts->address.bytes + 16 - width, at, width);
  facts->port = (guint16)get_length(at + 2 * width);
  return read_additions(at + size, left - size, facts);
}

/* Where the proxy's own client has no address TLS may have ended all the same. */
static gboolean read_unix(const guint8 *at, gsize left, ProxyFacts *facts) {
  return left >= UNIX_ADDRESSES &&
         read_additions(at + UNIX_ADDRESSES, left - UNIX_ADDRESSES, facts);
}

/* The whole header is in @bytes. */
static ProxyResult end_binary(const GByteArray *bytes, ProxyFacts *facts) {
  const guint8 *rest = bytes->data + PROXY_HEAD;
  gsize left = bytes->len - PROXY_HEAD;
  guint8 command = bytes->data[12];
  guint8 family = bytes->data[13];
  if (command == COMMAND_LOCAL)
    return PROXY_DONE; /* whatever follows is to be passed over */
  gboolean read = family == OVER_TCP4   ? read_addresses(rest, left, 4, facts)
                  : family == OVER_TCP6 ? read_addresses(rest, left, 16, facts)
                  : family == OVER_UNIX ? read_unix(rest, left, facts)
                                        : family == UNSPECIFIED;
  return read ? PROXY_DONE : PROXY_WRONG;
}

/* ---- gathering ---- */

static gboolean has_prefix(const guint8 *bytes, gsize size, const void *prefix, gsize prefix_size) {
  return memcmp(bytes, prefix, MIN(size, prefix_size)) == 0;
}

/* How many bytes the header has, as far as is known; 0: it is none. */
static gsize get_binary_size(const GByteArray *bytes) {
  guint8 command = bytes->len > 12 ? bytes->data[12] : COMMAND_LOCAL;
  if (command != COMMAND_LOCAL && command != COMMAND_PROXY)
    return 0;
  if (bytes->len < PROXY_HEAD)
    return PROXY_HEAD;
  gsize length = get_length(bytes->data + 14);
  return length <= MAX_PROXY_HEADER ? PROXY_HEAD + length : 0;
}

static void take(ProxyHeader *header, const guint8 **input, gsize *size, gsize count) {
  g_byte_array_append(header->bytes, *input, (guint)count);
  *input += count;
  *size -= count;
}

static ProxyResult feed_binary(ProxyHeader *header, const guint8 **input, gsize *size,
                               ProxyFacts *facts) {
  gsize whole = get_binary_size(header->bytes);
  if (whole == 0)
    return PROXY_WRONG;
  if (header->bytes->len < whole)
    take(header, input, size, MIN(*size, whole - header->bytes->len));
  whole = get_binary_size(header->bytes);
  if (whole == 0)
    return PROXY_WRONG;
  return header->bytes->len < whole ? PROXY_MORE : end_binary(header->bytes, facts);
}

static ProxyResult feed_line(ProxyHeader *header, const guint8 **input, gsize *size,
                             ProxyFacts *facts) {
  const guint8 *end = *size > 0 ? memchr(*input, '\n', *size) : NULL;
  gsize count = end == NULL ? *size : (gsize)(end - *input) + 1;
  if (header->bytes->len + count > PROXY_MAX_LINE)
    return PROXY_WRONG;
  take(header, input, size, count);
  return end == NULL ? PROXY_MORE : end_line(header->bytes, facts);
}

ProxyResult proxy_header_feed(ProxyHeader *header, const guint8 **input, gsize *size,
                              ProxyFacts *facts) {
  GByteArray *bytes = header->bytes;
  ProxyResult result = PROXY_MORE;
  *facts = (ProxyFacts){0};
  while (result == PROXY_MORE && *size > 0) {
    if (bytes->len == 0)
      take(header, input, size, 1);
    if (bytes->data[0] != WORD[0] && bytes->data[0] != SIGNATURE[0])
      return PROXY_WRONG;
    gboolean is_line = bytes->data[0] == WORD[0];
    gsize known = is_line ? WORD_SIZE : SIGNATURE_SIZE;
    if (bytes->len < known)
      take(header, input, size, MIN(*size, known - bytes->len));
    if (!has_prefix(bytes->data, bytes->len, is_line ? WORD : SIGNATURE, known))
      return PROXY_WRONG;
    if (bytes->len >= known)
      result =
          is_line ? feed_line(header, input, size, facts) : feed_binary(header, input, size, facts);
  }
  return result;
}

gboolean proxy_header_has_begun(const ProxyHeader *header) {
  return header->bytes->len > 0;
}

gboolean proxy_header_is_one(const guint8 *bytes, gsize size) {
  return (size >= WORD_SIZE && has_prefix(bytes, size, WORD, WORD_SIZE)) ||
         (size >= SIGNATURE_SIZE && has_prefix(bytes, size, SIGNATURE, SIGNATURE_SIZE));
}
