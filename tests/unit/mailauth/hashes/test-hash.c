/* SPDX-License-Identifier: MIT */
/* Which password hashes are accepted, and what is proved against them: rows of data, most of
 * them as doveadm, slappasswd and the argon2 tool have printed them. */
#include <glib.h>
#include <string.h>

#include "mailauth/base/limits.h"
#include "mailauth/hashes/hash.h"

#define SALT "$k2XAnEHBqQ1Ct2aMXFKNa/$"
#define TAG43 "mdpQlb5UtHfmyoKDsDzgKCgGBuw9LQ9fPW6nX9qwZK/"
#define TAG86 TAG43 TAG43
#define BCRYPT "abcdefghijklmnopqrstuuinwY/tkBVrn3xrxQI/TgnMHhkvl85RW"
#define ARGON2 "$2FFTyWXmD9hGXWX+FurUGA$a0fk9Wh0N/IRtWcHASF9h+W8F0I9z+4VnmFGGvHdXlE"
#define KEY20 "$Z.8UYBffLF/1OUDJ7nsg8A$lIifTpuoO2uWKY6nLZsTHAIAv0w"
#define HEX20 "$afbb688d739db8f57495b08b44a001e08e119c58"

/* ---- which can be proved at all ---- */

typedef enum { OK, UNKNOWN, DEAR, DAMAGED } Fault;

typedef struct {
  const char *name;
  const char *hash;
  Fault fault;
} Row;

static const Row rows[] = {
    {"yescrypt", "$y$j9T" SALT TAG43, OK},
    {"yescrypt-small-blocks", "$y$j75" SALT TAG43, OK},
    {"yescrypt-dearest", "$y$jFT" SALT TAG43, OK},
    {"yescrypt-rounds", "$y$jGT" SALT TAG43, DEAR},
    {"yescrypt-blocks", "$y$j9U" SALT TAG43, DEAR},
    {"yescrypt-more-parameters", "$y$j9T/.." SALT TAG43, DEAR},
    {"yescrypt-none", "$y$" SALT TAG43, DAMAGED},
    {"yescrypt-only-cost", "$y$j9T", DAMAGED},
    {"yescrypt-no-digest", "$y$j9T" SALT, DAMAGED},
    {"sha512", "$6$saltsalt$" TAG86, OK},
    {"sha512-cut", "$6$saltsalt$" TAG43, DAMAGED},
    {"sha512-long-salt", "$6$saltsaltsaltsalt.$" TAG86, DAMAGED},
    {"sha512-other-characters", "$6$saltsalt$=" TAG43 "=" TAG43, DAMAGED},
    {"sha512-rounds", "$6$rounds=656000$saltsalt$" TAG86, OK},
    {"sha512-dearest", "$6$rounds=5000000$saltsalt$" TAG86, OK},
    {"sha512-too-dear", "$6$rounds=5000001$saltsalt$" TAG86, DEAR},
    {"sha512-hours", "$6$rounds=999999999$saltsalt$" TAG86, DEAR},
    {"sha512-no-rounds", "$6$rounds=$saltsalt$" TAG86, DAMAGED},
    {"sha512-rounds-cut", "$6$rounds=5000", DAMAGED},
    {"sha512-negative", "$6$rounds=-1$saltsalt$" TAG86, DAMAGED},
    {"sha256-too-dear", "$5$rounds=999999999$saltsalt$" TAG43, DEAR},
    {"sha256", "$5$saltsalt$" TAG43, OK},
    {"bcrypt", "$2b$12$" BCRYPT, OK},
    {"bcrypt-dearest", "$2b$16$" BCRYPT, OK},
    {"bcrypt-too-dear", "$2b$17$" BCRYPT, DEAR},
    {"bcrypt-cheapest", "$2b$03$" BCRYPT, DAMAGED},
    {"bcrypt-cut", "$2b$12$abcdefghijklmnopqrstuu", DAMAGED},
    {"bcrypt-php", "$2y$12$" BCRYPT, OK},
    {"bcrypt-old", "$2a$12$" BCRYPT, OK},
    {"bcrypt-php-too-dear", "$2y$17$" BCRYPT, DEAR},
    {"bcrypt-broken", "$2x$12$" BCRYPT, UNKNOWN},
    {"scheme", "{SHA512-CRYPT}$6$saltsalt$" TAG86, OK},
    {"scheme-any-case", "{blf-crypt}$2y$12$" BCRYPT, OK},
    {"scheme-too-dear", "{CRYPT}$6$rounds=999999999$saltsalt$" TAG86, DEAR},
    {"scheme-only", "{CRYPT}", UNKNOWN},
    {"scheme-twice", "{CRYPT}{CRYPT}$6$saltsalt$" TAG86, UNKNOWN},
    {"scheme-unknown", "{MD5-CRYPT}$6$saltsalt$" TAG86, UNKNOWN},
    {"scheme-of-argon2", "{CRYPT}$argon2id$v=19$m=65536,t=3,p=4" ARGON2, UNKNOWN},
    {"argon2-of-scheme", "{ARGON2ID}$6$saltsalt$" TAG86, UNKNOWN},
    {"argon2id", "$argon2id$v=19$m=65536,t=3,p=4" ARGON2, OK},
    {"argon2-old-version", "$argon2i$m=65536,t=3,p=4" ARGON2, OK},
    {"argon2-scheme", "{argon2id}$argon2id$v=19$m=65536,t=3,p=4" ARGON2, OK},
    {"argon2-other-version", "$argon2id$v=20$m=65536,t=3,p=4" ARGON2, DAMAGED},
    {"argon2d", "$argon2d$v=19$m=65536,t=3,p=4" ARGON2, UNKNOWN},
    {"argon2-dearest", "$argon2id$v=19$m=1048576,t=4,p=64" ARGON2, OK},
    {"argon2-64-gigabytes", "$argon2id$v=19$m=67108864,t=3,p=4" ARGON2, DEAR},
    {"argon2-4-terabytes", "$argon2id$v=19$m=4294967295,t=1,p=1" ARGON2, DEAR},
    {"argon2-beyond-numbers", "$argon2id$v=19$m=4294967304,t=1,p=1" ARGON2, DAMAGED},
    {"argon2-passes", "$argon2id$v=19$m=8,t=1025,p=1" ARGON2, DEAR},
    {"argon2-memory-by-passes", "$argon2id$v=19$m=1048576,t=5,p=1" ARGON2, DEAR},
    {"argon2-lanes", "$argon2id$v=19$m=65536,t=1,p=65" ARGON2, DEAR},
    {"argon2-no-passes", "$argon2id$v=19$m=65536,t=0,p=1" ARGON2, DAMAGED},
    {"argon2-memory-below-lanes", "$argon2id$v=19$m=31,t=1,p=4" ARGON2, DAMAGED},
    {"argon2-sign", "$argon2id$v=19$m=+65536,t=1,p=4" ARGON2, DAMAGED},
    {"argon2-order", "$argon2id$v=19$t=1,m=65536,p=4" ARGON2, DAMAGED},
    {"argon2-short-tag", "$argon2id$v=19$m=65536,t=1,p=4$2FFTyWXmD9hGXWX+FurUGA$a0fk9Wh0", DAMAGED},
    {"argon2-short-salt", "$argon2id$v=19$m=65536,t=1,p=4$2FFT$" TAG43, DAMAGED},
    {"ssha", "{SSHA}URlnkIjcG41RfpEGzDFTS8fuW5oXUtCa", OK},
    {"ssha-any-case", "{ssha}URlnkIjcG41RfpEGzDFTS8fuW5oXUtCa", OK},
    {"ssha-no-salt", "{SSHA}CEo1Ae3vaEXy8eQZjsOiuBz1xrw=", DAMAGED},
    {"ssha-no-base64", "{SSHA}URlnkIjcG41RfpEGzDFTS8fuW5oXUt Ca", DAMAGED},
    {"ssha-padding-cut",
     "{SSHA256}A+tPB5QTMLgycn55lNJSvjU5EI6X+7l0oWr0HRNTW7nZNWy0D3oL7g=", DAMAGED},
    {"sha-with-salt", "{SHA}URlnkIjcG41RfpEGzDFTS8fuW5oXUtCa", DAMAGED},
    {"ssha-open", "{SSHA", DAMAGED},
    {"ssha-unknown", "{SSHA224}URlnkIjcG41RfpEGzDFTS8fuW5oXUtCa", DAMAGED},
    {"encoding-unknown", "{CRYPT.B32}$6$saltsalt$" TAG86, UNKNOWN},
    {"encoding-damaged", "{CRYPT.B64}$6$saltsalt$" TAG86, UNKNOWN},
    {"encoding-of-nul", "{CRYPT.B64}JDYkAHNhbHQ=", UNKNOWN},
    {"encoding-of-nothing", "{CRYPT.HEX}", UNKNOWN},
    {"encoding-twice", "{CRYPT.B64.HEX}2436", UNKNOWN},
    {"encoding-of-a-scheme", "{CRYPT.HEX}7b504c41494e7d78", UNKNOWN},
    {"encoding-too-dear", "{CRYPT.B64}JDYkcm91bmRzPTk5OTk5OTk5OSRzYWx0c2FsdCR4", DEAR},
    {"encoding-cut", "{CRYPT.HEX}24362473616c7473616c742478", DAMAGED},
    {"ssha-unknown-encoding", "{SSHA.URL}URlnkIjcG41RfpEGzDFTS8fuW5oXUtCa", DAMAGED},
    {"pbkdf2", "{PBKDF2}10000" KEY20, OK},
    {"pbkdf2-dearest", "{PBKDF2-SHA1}5000000" KEY20, OK},
    {"pbkdf2-too-dear", "{PBKDF2-SHA1}5000001" KEY20, DEAR},
    {"pbkdf2-padded", "{PBKDF2}10000" KEY20 "=", DAMAGED},
    {"pbkdf2-none", "{PBKDF2-SHA1}0" KEY20, DAMAGED},
    {"pbkdf2-key-of-another", "{PBKDF2-SHA256}10000" KEY20, DAMAGED},
    {"pbkdf2-of-another", "{PBKDF2-MD5}10000" KEY20, DAMAGED},
    {"pbkdf2-dovecot", "{PBKDF2}$1$salt$5000" HEX20, OK},
    {"pbkdf2-dovecot-too-dear", "{PBKDF2}$1$salt$4294967295" HEX20, DEAR},
    {"pbkdf2-dovecot-version", "{PBKDF2}$2$salt$5000" HEX20, DAMAGED},
    {"pbkdf2-dovecot-no-hex", "{PBKDF2}$1$salt$5000$xfbb688d739db8f57495b08b44a001e08e119c58",
     DAMAGED},
    {"two-lines", "{PBKDF2}$1$sa\nlt$5000" HEX20, UNKNOWN},
    {"md5", "$1$saltsalt$", UNKNOWN},
    {"des", "ab", UNKNOWN},
    {"empty", "", UNKNOWN},
    {"plain", "sesame", UNKNOWN},
    {"plain-scheme", "{PLAIN}sesame", UNKNOWN},
    {"smd5", "{SMD5}URlnkIjcG41RfpEGzDFTS8fuW5oXUtCa", UNKNOWN},
};

static gboolean is_left_out(const char *hash) {
  const char *fault = hash_find_fault(hash);
  return fault != NULL && strstr(fault, "without Argon2") != NULL;
}

static void test_fault(gconstpointer data) {
  static const char *const words[] = {NULL, "method", "cost", "damaged"};
  const Row *row = data;
  const char *fault = hash_find_fault(row->hash);
  if (is_left_out(row->hash)) {
    g_test_skip("takes libargon2");
    return;
  }
  g_assert_cmpint(hash_is_accepted(row->hash), ==, row->fault == OK);
  g_assert_true((fault == NULL) == (words[row->fault] == NULL));
  g_assert_true(fault == NULL || strstr(fault, words[row->fault]) != NULL);
  /* And nothing is computed. */
  if (row->fault != OK)
    g_assert_cmpint(hash_prove("sesame", 6, row->hash), ==, HASH_UNUSABLE);
}

/* ---- what is proved ---- */

/* All of "sesame". */
static const char *const hashes[] = {
    "$6$ApzqqbiDiURm8JhG$bHI7LDmAgJD2jpZ/kx3CPLt5lrPH4ij3hYDpyiK0bzbSzNSUUnM.rLZ4pjnPOKekRFnsirItI"
    "CryvkCqvF0hl0",
    "{SHA512-CRYPT}$6$ApzqqbiDiURm8JhG$bHI7LDmAgJD2jpZ/kx3CPLt5lrPH4ij3hYDpyiK0bzbSzNSUUnM.rLZ4pjn"
    "POKekRFnsirItICryvkCqvF0hl0",
    "{SHA256-CRYPT}$5$xtcpMfR4EWOeD7dJ$MsDJRmTBXiRwSaAJelS/arKbesXi1FOtGKt25d5BlZB",
    "{BLF-CRYPT}$2y$05$lZuGcLcx6dN4r3x1.5HQLeAVA79IJ6Hbsuicu7FNiqWqwAbg4jwDO",
    "$2a$05$lZuGcLcx6dN4r3x1.5HQLeAVA79IJ6Hbsuicu7FNiqWqwAbg4jwDO",
    "{crypt}$2b$05$lZuGcLcx6dN4r3x1.5HQLeAVA79IJ6Hbsuicu7FNiqWqwAbg4jwDO",
    "{ARGON2}$argon2i$v=19$m=4096,t=3,p=1" ARGON2,
    "{ARGON2I}$argon2i$v=19$m=32768,t=4,p=1$5kMH0UxkmPfhPYb4PR1INg$X7kGeAuMGMceUTxLlQEgooQctOKb9rs"
    "UyTTI0h9rIxw",
    "{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1$FS+PjFZUGR4825nlx0AMZg$xGmCHBI/pYX7fN7QyiQTeRHADWH4f"
    "HxH+TtWHxb+5Mg",
    "$argon2id$v=19$m=256,t=2,p=4$c2FsdHNhbHQ$aMjH6mnHquQ1jkKfEPJ273HZ5ipvokc41D/b13itVBI",
    "$argon2i$v=19$m=256,t=2,p=1$c2FsdHNhbHQ$SXYJgCWtbJKz9Y2MqbUyXvYsM6B0c+qzlRDAT5LCcBY",
    "{SSHA}URlnkIjcG41RfpEGzDFTS8fuW5oXUtCa",
    "{SSHA}fPCokhi3BOxb6/XXHuUs/LeFkDQ3V0vV",
    "{SSHA256}A+tPB5QTMLgycn55lNJSvjU5EI6X+7l0oWr0HRNTW7nZNWy0D3oL7g==",
    "{SSHA384}6UdlLkhSEJxjuKQad38//31gyJcmAnxL3VYdVuUPfqaxKm6RT0JNPvuDMp5yJyU5KPr5qXUDOek=",
    "{SSHA512}/zrcCK2atYCaluUBtX30XJN0XKqO7Ezy1LZFQ/1RWEbKMCnW7DuIy+SqGPCbfk3dnZdE3Z746nmaAxxo1bNoL"
    "8fOaEpIPui6",
    "{SSHA512}LWxgvEIBaw1RXd0zsFZB8Fnv4a7VRJwuhw9Mqt7X8R6cgBvNxhpMQOpYnYwjKQnfO9B3lSVLcitUpJ0FsBw1D"
    "R1FPlY=",
    "{SSHA256.HEX}07a70857b976a13b46a97bbdf6df54e048979d3d19cb2738d27b3940f888c1d9278da771",
    "{SSHA.B64}vEldtk8T1oqx06fr/upFR0Mds9A4e9Zh",
    "{SHA}CEo1Ae3vaEXy8eQZjsOiuBz1xrw=",
    "{SHA1}CEo1Ae3vaEXy8eQZjsOiuBz1xrw=",
    "{SHA256}0MBPSxlR5K6q7IIj7SA55ULzqugFpvp/bXlOWv/10nI=",
    "{SHA384}/Q+mMBuZ2KGL/6QrS+Pf+8a3Qn0wEgB36gKVhH8ONyTlmfIr4qJf2orRwzviEcGv",
    "{SHA512}u5R+nJalYgxpa9F1obKO6mM3+oymw90Z77ZeLLGk3+4CVsyHwhWJNU8an1iHr10jzgXXKhQ64vHv6pxFW/PQVg"
    "==",
    "{SHA512.HEX}bb947e9c96a5620c696bd175a1b28eea6337fa8ca6c3dd19efb65e2cb1a4dfee0256cc87c21589354"
    "f1a9f5887af5d23ce05d72a143ae2f1efea9c455bf3d056",
    "{SHA}084A3501EDEF6845F2F1E4198EC3A2B81CF5C6BC",
    "{PBKDF2}10000" KEY20,
    "{PBKDF2-SHA1}10000$oRV4vDLN0n0dfh7lraW0iA$nBSmsV/xA4yoKC6NVuuK4IHkuyg",
    "{PBKDF2-SHA256}10000$Vf5Sqyx/RPN6zZpNDxM.Ug$l4Fh3dKtp0IYAiVg1JLWkNk/wS4KGanoWir1AjjumbM",
    "{PBKDF2-SHA512}10000$rF9bsAAGggame4y24uiiJQ$FetjIs4VY6ThBh5Jar7otNNloKiPio.Y14UtMqkmH6q41SREE"
    "HhrfxwsdBF6xP0ySZHK1hpN4sVzQDc5K4cAww",
    "{PBKDF2}$1$6VxfgTn8jbutVB8F$5000" HEX20,
    "{SHA512-CRYPT.B64}JDYkQXB6cXFiaURpVVJtOEpoRyRiSEk3TERtQWdKRDJqcFova3gzQ1BMdDVsclBINGlqM2hZ"
    "RHB5aUswYnpiU3pOU1VVbk0uckxaNHBqblBPS2VrUkZuc2lySXRJQ3J5dmtDcXZGMGhsMA==",
    "{crypt.base64}JDJ5JDA1JGxadUdjTGN4NmRONHIzeDEuNUhRTGVBVkE3OUlKNkhic3VpY3U3Rk5pcVdxd0FiZzRq"
    "d0RP",
    "{BLF-CRYPT.HEX}243279243035246C5A7547634C637836644E34723378312E3548514C654156413739494A364"
    "862737569637537464E6971577177416267346A77444F",
    "{PBKDF2.b64}JDEkNlZ4ZmdUbjhqYnV0VkI4RiQ1MDAwJGFmYmI2ODhkNzM5ZGI4ZjU3NDk1YjA4YjQ0YTAwMWUwOG"
    "UxMTljNTg=",
    "{ARGON2ID.hex}246172676f6e32696424763d3139246d3d3235362c743d322c703d34246332467364484e6862"
    "485124614d6a48366d6e48717551316a6b4b6645504a323733485a356970766f6b633431442f62313369745642"
    "49",
};

static void test_proved(gconstpointer data) {
  const char *hash = data;
  if (is_left_out(hash)) {
    g_test_skip("takes libargon2");
    return;
  }
  g_assert_cmpint(hash_prove("sesame", 6, hash), ==, HASH_RIGHT);
  g_assert_cmpint(hash_prove("Sesame", 6, hash), ==, HASH_WRONG);
  g_assert_cmpint(hash_prove("sesam", 5, hash), ==, HASH_WRONG);
  g_assert_cmpint(hash_prove("sesame\0x", 8, hash), ==, HASH_WRONG);
  g_assert_cmpint(hash_prove("", 0, hash), ==, HASH_WRONG);
  g_autofree char *kind = hash_dup_kind(hash);
  g_autofree char *dummy = hash_dup_dummy(hash);
  g_autofree char *same_kind = hash_dup_kind(dummy);
  g_assert_cmpstr(same_kind, ==, kind);
  g_assert_cmpint(hash_prove("sesame", 6, dummy), ==, HASH_WRONG);
  /* Nothing of the digest stays. */
  g_autofree char *end = g_strdup(dummy + strlen(dummy) - 12);
  g_assert_true(g_str_has_prefix(g_strdelimit(end, "=", 'A'), "AAAAAAAAAAAA"));
}

/* However little is missing: nobody is let in, and crypt(3)'s and Argon2's are known for cut. */
static void test_cut(gconstpointer data) {
  const char *whole = data;
  for (gsize length = 0; length < strlen(whole); length++) {
    g_autofree char *cut = g_strndup(whole, length);
    g_autofree char *kind = hash_dup_kind(cut);
    g_assert_cmpint(hash_prove("sesame", 6, cut), !=, HASH_RIGHT);
    g_assert_true(strchr(whole, '$') == NULL || strstr(whole, "$argon2") != NULL || kind == NULL);
  }
}

/* RFC 6070 and RFC 7914, section 11: vectors of PBKDF2 whose key is as long as the digest. */
static void test_public_vectors(void) {
  g_assert_cmpint(
      hash_prove("password", 8, "{PBKDF2}$1$salt$1$0c60c80f961f0e71f3a9b524af6012062fe037a6"), ==,
      HASH_RIGHT);
  g_assert_cmpint(
      hash_prove("password", 8, "{PBKDF2}$1$salt$4096$4B007901B765489ABEAD49D926F721D065A429C1"),
      ==, HASH_RIGHT);
  /* libargon2's own. */
  static const char *const argon2[] = {
      "$argon2i$m=65536,t=2,p=1$c29tZXNhbHQ$9sTbSlTio3Biev89thdrlKKiCaYsjjYVJxGAL3swxpQ",
      "$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA",
      "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
  };
  for (gsize i = 0; i < G_N_ELEMENTS(argon2); i++)
    if (!is_left_out(argon2[i]))
      g_assert_cmpint(hash_prove("password", 8, argon2[i]), ==, HASH_RIGHT);
}

static void test_kind(void) {
  const struct {
    const char *hash, *kind;
  } kinds[] = {
      {"$y$j9T" SALT TAG43, "$y$j9T$"},
      {"$6$saltsalt$" TAG86, "$6$"},
      {"$6$rounds=656000$saltsalt$" TAG86, "$6$rounds=656000$"},
      {"$5$rounds=1000$saltsalt$" TAG43, "$5$rounds=1000$"},
      {"$2b$12$" BCRYPT, "$2b$12$"},
      {"{CRYPT}$2y$12$" BCRYPT, "$2b$12$"},
      {"{ssha}URlnkIjcG41RfpEGzDFTS8fuW5oXUtCa", "{SSHA}"},
      {"{SSHA.b64}vEldtk8T1oqx06fr/upFR0Mds9A4e9Zh", "{SSHA}"},
      {"{pbkdf2}10000" KEY20, "{PBKDF2}10000$"},
      {"{PBKDF2}$1$salt$5000" HEX20, "{PBKDF2}5000$"},
      {"$1$saltsalt$", NULL},
      {"!", NULL},
      {"", NULL},
  };
  for (guint i = 0; i < G_N_ELEMENTS(kinds); i++) {
    g_autofree char *kind = hash_dup_kind(kinds[i].hash);
    g_assert_cmpstr(kind, ==, kinds[i].kind);
  }
}

static void test_locked(void) {
  static const char *const locked[] = {"!",        "*",        "!$6$saltsalt$" TAG86,
                                       "{CRYPT}!", "{crypt}*", "{CRYPT.HEX}21"};
  for (gsize i = 0; i < G_N_ELEMENTS(locked); i++)
    g_assert_true(hash_is_locked(locked[i]));
  g_assert_false(hash_is_locked("$6$saltsalt$" TAG86));
  g_assert_false(hash_is_locked(""));
}

/* Longer than crypt(3) takes, and as long as a login's password may be. */
static void test_long_passwords(void) {
  char password[MAX_PASSWORD + 1];
  memset(password, 'x', MAX_PASSWORD);
  password[MAX_PASSWORD] = '\0';
  for (gsize i = 0; i < G_N_ELEMENTS(hashes); i++)
    if (!is_left_out(hashes[i]))
      g_assert_cmpint(hash_prove(password, MAX_PASSWORD, hashes[i]), ==, HASH_WRONG);
}

static void test_long_hash(void) {
  g_autofree char *salt = g_strnfill(1 << 20, 'A');
  g_autofree char *hash = g_strconcat("{SSHA}", salt, NULL);
  g_assert_cmpint(hash_prove("sesame", 6, hash), ==, HASH_UNUSABLE);
}

static void test_new(void) {
  g_autofree char *hash = hash_new("sesame", 6, NULL);
  g_assert_nonnull(hash);
  g_assert_true(hash_is_accepted(hash));
  g_assert_cmpint(hash_prove("sesame", 6, hash), ==, HASH_RIGHT);
  g_assert_cmpint(hash_prove("sesam", 5, hash), ==, HASH_WRONG);
  test_proved(hash);
  g_autofree char *dummy = hash_dup_dummy(NULL);
  g_autofree char *kind = hash_dup_kind(dummy);
  g_assert_cmpstr(kind, ==, "$y$j9T$");
}

static void test_new_of_random(void) {
  static const char password[] = "abcd-efgh-ijkm-npqr-stuv-wxyz-2345";
  g_autofree char *hash = hash_new_of_random(password, strlen(password), NULL);
  g_autofree char *other = hash_new_of_random(password, strlen(password), NULL);
  g_assert_true(g_str_has_prefix(hash, "{SSHA512}"));
  g_assert_cmpstr(hash, !=, other);
  g_assert_cmpint(hash_prove(password, strlen(password), hash), ==, HASH_RIGHT);
  g_assert_cmpint(hash_prove("abcd", 4, hash), ==, HASH_WRONG);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_autofree char *path = g_strconcat("/hash/fault/", rows[i].name, NULL);
    g_test_add_data_func(path, &rows[i], test_fault);
  }
  for (guint i = 0; i < G_N_ELEMENTS(hashes); i++) {
    g_autofree char *proved = g_strdup_printf("/hash/proved/%u", i);
    g_autofree char *cut = g_strdup_printf("/hash/cut/%u", i);
    g_test_add_data_func(proved, hashes[i], test_proved);
    g_test_add_data_func(cut, hashes[i], test_cut);
  }
  g_test_add_func("/hash/public-vectors", test_public_vectors);
  g_test_add_func("/hash/kind", test_kind);
  g_test_add_func("/hash/locked", test_locked);
  g_test_add_func("/hash/long-passwords", test_long_passwords);
  g_test_add_func("/hash/long-hash", test_long_hash);
  g_test_add_func("/hash/new", test_new);
  g_test_add_func("/hash/new-of-random", test_new_of_random);
  return g_test_run();
}
