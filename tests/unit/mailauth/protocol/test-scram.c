/* SPDX-License-Identifier: MIT */
/* SCRAM-SHA-256: the messages that are one, the exchange of RFC 7677, what each
 * change to it comes to, keys as text, and SASLprep. */
#include "mailauth/protocol/scram.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "mailauth/base/saslprep.h"
#include "mailauth/protocol/sasl.h"

#define X64 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X256 X64 X64 X64 X64
#define X1K X256 X256 X256 X256

/* ---- what a client says first ---- */

typedef struct {
  const char *text;
  gboolean plus;
  const char *user, *identity, *header, *nonce; /* user NULL: it is no such message */
} FirstRow;

static const FirstRow firsts[] = {
    {"n,,n=user,r=rOprNGfwEbeRWgbNEkqO", FALSE, "user", NULL, "n,,", "rOprNGfwEbeRWgbNEkqO"},
    {"y,,n=user,r=abc", FALSE, "user", NULL, "y,,", "abc"},
    {"n,a=user,n=user,r=abc", FALSE, "user", "user", "n,a=user,", "abc"},
    {"n,,n=a=2Cb=3Dc,r=abc", FALSE, "a,b=c", NULL, "n,,", "abc"},
    {"n,a=x=3D,n=u,r=abc", FALSE, "u", "x=", "n,a=x=3D,", "abc"},
    {"n,,n=\xc3\xa9,r=abc", FALSE, "\xc3\xa9", NULL, "n,,", "abc"},
    {"n,,n=u,r=abc,x=what,y=ever", FALSE, "u", NULL, "n,,", "abc"},
    {"p=tls-exporter,,n=u,r=abc", TRUE, "u", NULL, "p=tls-exporter,,", "abc"},
    {"p=x.Y-9,,n=u,r=abc", TRUE, "u", NULL, "p=x.Y-9,,", "abc"},
    /* the mechanism is the other one */
    {"p=tls-exporter,,n=u,r=abc", FALSE, NULL, NULL, NULL, NULL},
    {"n,,n=u,r=abc", TRUE, NULL, NULL, NULL, NULL},
    {"y,,n=u,r=abc", TRUE, NULL, NULL, NULL, NULL},
    {"", FALSE, NULL, NULL, NULL, NULL},
    {"n", FALSE, NULL, NULL, NULL, NULL},
    {"n,", FALSE, NULL, NULL, NULL, NULL},
    {"n,,", FALSE, NULL, NULL, NULL, NULL},
    {"x,,n=u,r=abc", FALSE, NULL, NULL, NULL, NULL},
    {"nn,,n=u,r=abc", FALSE, NULL, NULL, NULL, NULL},
    {"n,n=u,r=abc", FALSE, NULL, NULL, NULL, NULL},
    {"n,a=,n=u,r=abc", FALSE, NULL, NULL, NULL, NULL},
    {"n,b=u,n=u,r=abc", FALSE, NULL, NULL, NULL, NULL},
    {"n,,n=,r=abc", FALSE, NULL, NULL, NULL, NULL},
    {"n,,n=a=2c,r=abc", FALSE, NULL, NULL, NULL, NULL},
    {"n,,n=a=,r=abc", FALSE, NULL, NULL, NULL, NULL},
    {"n,,n=a=2,r=abc", FALSE, NULL, NULL, NULL, NULL},
    {"n,,n=a=41,r=abc", FALSE, NULL, NULL, NULL, NULL},
    {"n,,n=u\xff,r=abc", FALSE, NULL, NULL, NULL, NULL},
    {"n,,n=u,r=", FALSE, NULL, NULL, NULL, NULL},
    {"n,,n=u,r=a b", FALSE, NULL, NULL, NULL, NULL},
    {"n,,n=u,r=\xc3\xa9", FALSE, NULL, NULL, NULL, NULL},
    {"n,,r=abc,n=u", FALSE, NULL, NULL, NULL, NULL},
    {"n,,m=what,n=u,r=abc", FALSE, NULL, NULL, NULL, NULL},
    {"n,,n=u,r=abc,m=what", FALSE, NULL, NULL, NULL, NULL},
    {"n,,n=u,r=abc,", FALSE, NULL, NULL, NULL, NULL},
    {"n,,n=u,r=abc,x", FALSE, NULL, NULL, NULL, NULL},
    {"n,,n=u,r=abc,x=", FALSE, NULL, NULL, NULL, NULL},
    {"n,,n=u,r=abc,1=x", FALSE, NULL, NULL, NULL, NULL},
    {"n,,n=u", FALSE, NULL, NULL, NULL, NULL},
    {"p=,,n=u,r=abc", TRUE, NULL, NULL, NULL, NULL},
    {"p,,n=u,r=abc", TRUE, NULL, NULL, NULL, NULL},
    {"p=tls exporter,,n=u,r=abc", TRUE, NULL, NULL, NULL, NULL},
    {"p=" X64 "x,,n=u,r=abc", TRUE, NULL, NULL, NULL, NULL},
    {"n,,n=u,r=" X256 "x", FALSE, NULL, NULL, NULL, NULL},
    {"n,,n=u,r=abc,x=" X1K X1K X1K X1K X1K X1K, FALSE, NULL, NULL, NULL, NULL},
};

static void test_firsts(void) {
  for (gsize i = 0; i < G_N_ELEMENTS(firsts); i++) {
    const FirstRow *row = &firsts[i];
    g_auto(ScramFirst) first = {0};
    g_test_message("%s", row->text);
    gboolean valid =
        scram_first_parse((const guint8 *)row->text, strlen(row->text), row->plus, &first);
    g_assert_cmpint(valid, ==, row->user != NULL);
    if (!valid)
      continue;
    g_assert_cmpstr(first.user, ==, row->user);
    g_assert_cmpstr(first.identity, ==, row->identity);
    g_assert_cmpstr(first.header, ==, row->header);
    g_assert_cmpstr(first.nonce, ==, row->nonce);
  }
  g_auto(ScramFirst) first = {0};
  g_assert_false(scram_first_parse((const guint8 *)"n,,n=u\0,r=abc", 13, FALSE, &first));
}

/* ---- what a client says last ---- */

#define PROOF "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="

static void test_finals(void) {
  static const struct {
    const char *text;
    gboolean valid;
  } rows[] = {
      {"c=biws,r=abc," PROOF, TRUE},
      {"c=biws,r=abc,x=y,z=1," PROOF, TRUE},
      {"c=biws,r=abc,m=y," PROOF, FALSE},
      {"c=biws,r=abc", FALSE},
      {"c=biws,r=abc,p=", FALSE},
      {"c=biws,r=abc,p=AAAA", FALSE},
      {"c=biws,r=abc,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ", FALSE},
      {"c=biws,r=abc," PROOF ",x=y", FALSE},
      {"c=biws,r=abc," PROOF "," PROOF, TRUE}, /* the first of them is an extension */
      {"c=biw,r=abc," PROOF, FALSE},
      {"c=,r=abc," PROOF, FALSE},
      {"r=abc," PROOF, FALSE},
      {"c=biws," PROOF, FALSE},
      {"c=biws,r=," PROOF, FALSE},
      {PROOF, FALSE},
      {"", FALSE},
      {",", FALSE},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_test_message("%s", rows[i].text);
    g_assert_cmpint(scram_final_is_valid((const guint8 *)rows[i].text, strlen(rows[i].text)), ==,
                    rows[i].valid);
  }
}

/* ---- the exchange of RFC 7677, section 3 ---- */

#define FIRST "n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
#define SERVER_NONCE "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
#define NONCE "rOprNGfwEbeRWgbNEkqO" SERVER_NONCE
#define ASKED "r=" NONCE ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
#define SIGNATURE "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="

static void make_pencil(ScramKeys *keys) {
  gsize size = 0;
  g_autofree guchar *salt = g_base64_decode("W22ZaJ0SNY7soEsUEjb6gQ==", &size);
  *keys = (ScramKeys){.iterations = 4096, .salt_size = size};
  memcpy(keys->salt, salt, size);
  g_assert_true(scram_keys_derive(keys, "pencil", strlen("pencil")));
}

static Scram *begin(const char *first, gboolean plus) {
  Scram *scram = scram_new((const guint8 *)first, strlen(first), plus);
  g_assert_nonnull(scram);
  return scram;
}

static ScramResult prove(const Scram *scram, const char *final, const ScramKeys *keys,
                         char **signature) {
  return scram_prove(scram, (const guint8 *) final, strlen(final), keys, signature);
}

static void test_rfc7677(void) {
  static const struct {
    const char *final;
    ScramResult result;
  } rows[] = {
      {"c=biws,r=" NONCE "," PROOF, SCRAM_RIGHT},
      {"c=biws,r=" NONCE ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVU=", SCRAM_WRONG},
      {"c=biws,r=" NONCE ",x=y," PROOF, SCRAM_WRONG},
      {"c=biws,r=" NONCE "x," PROOF, SCRAM_WRONG},
      {"c=biws,r=rOprNGfwEbeRWgbNEkqO," PROOF, SCRAM_WRONG},
      {"c=eSws,r=" NONCE "," PROOF, SCRAM_UNBOUND},
      {"c=biwsYQ==,r=" NONCE "," PROOF, SCRAM_UNBOUND},
      {"c=bg==,r=" NONCE "," PROOF, SCRAM_UNBOUND},
      {"c=biws,r=" NONCE, SCRAM_MALFORMED},
  };
  g_auto(ScramKeys) keys = {0};
  g_autoptr(Scram) scram = begin(FIRST, FALSE);
  make_pencil(&keys);
  g_assert_cmpstr(scram_get_user(scram), ==, "user");
  g_assert_cmpstr(scram_ask(scram, &keys, SERVER_NONCE), ==, ASKED);
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_autofree char *signature = NULL;
    g_test_message("%s", rows[i].final);
    g_assert_cmpint(prove(scram, rows[i].final, &keys, &signature), ==, rows[i].result);
    g_assert_cmpstr(signature, ==, rows[i].result == SCRAM_RIGHT ? SIGNATURE : NULL);
  }
}

static void test_overtaken(void) {
  g_auto(ScramKeys) keys = {0};
  g_autofree char *signature = NULL;
  g_autoptr(Scram) scram = begin(FIRST, FALSE);
  make_pencil(&keys);
  scram_ask(scram, &keys, SERVER_NONCE);
  g_auto(ScramKeys) others = keys;
  others.salt[0] ^= 1;
  g_assert_cmpint(prove(scram, "c=biws,r=" NONCE "," PROOF, &others, &signature), ==,
                  SCRAM_OVERTAKEN);
  others = keys;
  others.iterations++;
  g_assert_cmpint(prove(scram, "c=biws,r=" NONCE "," PROOF, &others, &signature), ==,
                  SCRAM_OVERTAKEN);
  others = keys;
  others.stored_key[31] ^= 1;
  g_assert_cmpint(prove(scram, "c=biws,r=" NONCE "," PROOF, &others, &signature), ==, SCRAM_WRONG);
}

/* ---- channel binding ---- */

static void sign(const guint8 *key, const char *text, guint8 *result) {
  HMAC(EVP_sha256(), key, SCRAM_KEY_BYTES, (const guint8 *)text, strlen(text), result, NULL);
}

/* What a client that knows "pencil" says last, for @bare after a question by
 * make_pencil()'s keys. @channel: what it takes the channel for. */
static char *answer(const char *bare, const char *asked, const char *channel) {
  guint8 salted[SCRAM_KEY_BYTES];
  guint8 client_key[SCRAM_KEY_BYTES];
  guint8 stored_key[SCRAM_KEY_BYTES];
  guint8 proof[SCRAM_KEY_BYTES];
  g_auto(ScramKeys) keys = {0};
  make_pencil(&keys);
  PKCS5_PBKDF2_HMAC("pencil", 6, keys.salt, (int)keys.salt_size, (int)keys.iterations, EVP_sha256(),
                    sizeof salted, salted);
  sign(salted, "Client Key", client_key);
  EVP_Digest(client_key, sizeof client_key, stored_key, NULL, EVP_sha256(), NULL);
  g_autofree char *encoded = g_base64_encode((const guchar *)channel, strlen(channel));
  g_autofree char *unproved = g_strconcat("c=", encoded, ",r=" NONCE, NULL);
  g_autofree char *message = g_strjoin(",", bare, asked, unproved, NULL);
  sign(stored_key, message, proof);
  for (gsize i = 0; i < sizeof proof; i++)
    proof[i] ^= client_key[i];
  g_autofree char *text = g_base64_encode(proof, sizeof proof);
  return g_strconcat(unproved, ",p=", text, NULL);
}

typedef struct {
  const char *header;
  gboolean plus, offered;
  const char *channel; /* what the client takes it for, its header included */
  ScramResult result;
} BindingRow;

static const BindingRow binding_rows[] = {
    {"n,,", FALSE, FALSE, "n,,", SCRAM_RIGHT},
    {"n,,", FALSE, TRUE, "n,,", SCRAM_RIGHT},
    {"y,,", FALSE, FALSE, "y,,", SCRAM_RIGHT},
    {"y,,", FALSE, TRUE, "y,,", SCRAM_UNBOUND}, /* somebody has cut the list on the way */
    {"y,,", FALSE, FALSE, "n,,", SCRAM_UNBOUND},
    {"p=tls-exporter,,", TRUE, TRUE, "p=tls-exporter,,exported", SCRAM_RIGHT},
    {"p=tls-exporter,,", TRUE, TRUE, "p=tls-exporter,,exportee", SCRAM_UNBOUND},
    {"p=tls-exporter,,", TRUE, TRUE, "p=tls-exporter,,", SCRAM_UNBOUND},
    {"p=tls-exporter,,", TRUE, TRUE, "p=tls-unique,,exported", SCRAM_UNBOUND},
    {"p=tls-exporter,,", TRUE, TRUE, "p=tls-exporter,,one", SCRAM_UNBOUND},
    {"p=tls-exporter,,", TRUE, FALSE, "p=tls-exporter,,exported", SCRAM_UNBOUND},
    {"p=tls-server-end-point,,", TRUE, TRUE, "p=tls-server-end-point,,one", SCRAM_RIGHT},
    {"p=tls-server-end-point,,", TRUE, TRUE, "p=tls-server-end-point,,two", SCRAM_RIGHT},
    {"p=tls-server-end-point,,", TRUE, TRUE, "p=tls-server-end-point,,three", SCRAM_UNBOUND},
    {"p=tls-unique,,", TRUE, TRUE, "p=tls-unique,,exported", SCRAM_UNBOUND},
    {"p=tls-exporter,a=user,", TRUE, TRUE, "p=tls-exporter,a=user,exported", SCRAM_RIGHT},
    {"p=tls-exporter,a=user,", TRUE, TRUE, "p=tls-exporter,,exported", SCRAM_UNBOUND},
};

static void add(Scram *scram, const char *type, const char *value) {
  g_assert_true(scram_add_binding(scram, type, (const guint8 *)value, strlen(value)));
}

static void test_bindings(void) {
  g_auto(ScramKeys) keys = {0};
  make_pencil(&keys);
  for (gsize i = 0; i < G_N_ELEMENTS(binding_rows); i++) {
    const BindingRow *row = &binding_rows[i];
    static const char bare[] = "n=user,r=rOprNGfwEbeRWgbNEkqO";
    g_autofree char *first = g_strconcat(row->header, bare, NULL);
    g_autofree char *signature = NULL;
    g_autoptr(Scram) scram = begin(first, row->plus);
    if (row->offered) {
      add(scram, "tls-exporter", "exported");
      add(scram, "tls-server-end-point", "one");
      add(scram, "tls-server-end-point", "two");
    }
    g_autofree char *final = answer(bare, scram_ask(scram, &keys, SERVER_NONCE), row->channel);
    g_test_message("%s: %s", row->header, row->channel);
    g_assert_cmpint(prove(scram, final, &keys, &signature), ==, row->result);
    g_assert_cmpint(signature != NULL, ==, row->result == SCRAM_RIGHT);
  }
}

static void test_binding_limits(void) {
  g_autoptr(Scram) scram = begin(FIRST, FALSE);
  guint8 bytes[MAX_CHANNEL_BINDING + 1] = {0};
  g_assert_false(scram_add_binding(scram, "x", bytes, sizeof bytes));
  g_assert_false(scram_add_binding(scram, "a b", bytes, 1));
  for (guint i = 0; i < MAX_CHANNEL_BINDINGS; i++)
    g_assert_true(scram_add_binding(scram, "x", bytes, MAX_CHANNEL_BINDING));
  g_assert_false(scram_add_binding(scram, "x", bytes, 1));
}

/* ---- keys ---- */

#define HASH "$y$j9T$6zzqgHVwyuXzjjt6Bv1Jl1$mdpQlb5UtHfmyoKDsDzgKCgGBuw9LQ9fPW6nX9qwZK/"
#define KEYS                                                                                       \
  "W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:"                         \
  "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="

static void test_key_text(void) {
  static const struct {
    const char *text;
    gboolean valid;
  } rows[] = {
      {"SCRAM-SHA-256$4096:" KEYS, TRUE},
      {"SCRAM-SHA-256$1000000:" KEYS, TRUE},
      {"SCRAM-SHA-256$4095:" KEYS, FALSE},
      {"SCRAM-SHA-256$1000001:" KEYS, FALSE},
      {"SCRAM-SHA-256$99999999999999999999:" KEYS, FALSE},
      {"SCRAM-SHA-256$+4096:" KEYS, FALSE},
      {"SCRAM-SHA-256$:" KEYS, FALSE},
      {"SCRAM-SHA-1$4096:" KEYS, FALSE},
      {"scram-sha-256$4096:" KEYS, FALSE},
      {"SCRAM-SHA-256$4096:" KEYS "\n", FALSE},
      {"SCRAM-SHA-256$4096:" KEYS ":", FALSE},
      {"SCRAM-SHA-256$4096:$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:"
       "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=",
       FALSE},
      {"SCRAM-SHA-256$4096:" X64 X64 "$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:"
       "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=",
       FALSE},
      {"SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d:"
       "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=",
       FALSE},
      {"SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==", FALSE},
      {"SCRAM-SHA-256$", FALSE},
      {"", FALSE},
  };
  g_auto(ScramKeys) pencil = {0};
  make_pencil(&pencil);
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_auto(ScramKeys) keys = {0};
    g_test_message("%s", rows[i].text);
    g_assert_cmpint(scram_keys_parse(rows[i].text, &keys), ==, rows[i].valid);
    if (!rows[i].valid)
      continue;
    g_autofree char *again = scram_keys_format(&keys);
    g_assert_cmpstr(again, ==, rows[i].text);
    g_assert_cmpmem(keys.stored_key, sizeof keys.stored_key, pencil.stored_key,
                    sizeof pencil.stored_key);
    g_assert_cmpmem(keys.server_key, sizeof keys.server_key, pencil.server_key,
                    sizeof pencil.server_key);
  }
}

static void test_new_keys(void) {
  g_auto(ScramKeys) one = {0};
  g_auto(ScramKeys) two = {0};
  g_assert_true(scram_keys_make(&one, "sesame", 6, HASH, NULL));
  g_assert_true(scram_keys_make(&two, "sesame", 6, HASH, NULL));
  g_assert_cmpuint(one.iterations, ==, SCRAM_ITERATIONS);
  g_assert_cmpint(memcmp(one.salt, two.salt, SCRAM_SALT_BYTES), !=, 0);
  g_assert_true(scram_keys_belong(&one, HASH));
  g_assert_true(scram_keys_belong(&two, HASH));
  g_assert_false(scram_keys_belong(&one, HASH "."));
  g_assert_false(scram_keys_belong(&one, ""));
  one.salt[SCRAM_SALT_BYTES - 1] ^= 1;
  g_assert_false(scram_keys_belong(&one, HASH));
  two.salt_size--;
  g_assert_false(scram_keys_belong(&two, HASH));
}

static void test_invented_keys(void) {
  guint8 decoy[SCRAM_DECOY_BYTES];
  guint8 another[SCRAM_DECOY_BYTES];
  g_auto(ScramKeys) one = {0};
  g_auto(ScramKeys) again = {0};
  g_auto(ScramKeys) other = {0};
  g_auto(ScramKeys) elsewhere = {0};
  g_assert_true(scram_keys_make_decoy(decoy));
  g_assert_true(scram_keys_make_decoy(another));
  scram_keys_invent(&one, decoy, "nobody", 5000);
  scram_keys_invent(&again, decoy, "nobody", 5000);
  scram_keys_invent(&other, decoy, "nobodx", 5000);
  scram_keys_invent(&elsewhere, another, "nobody", 5000);
  g_assert_cmpmem(&one, sizeof one, &again, sizeof again);
  g_assert_cmpuint(one.iterations, ==, 5000);
  g_assert_cmpuint(one.salt_size, ==, SCRAM_SALT_BYTES);
  g_assert_cmpint(memcmp(one.salt, other.salt, SCRAM_SALT_BYTES), !=, 0);
  g_assert_cmpint(memcmp(one.salt, elsewhere.salt, SCRAM_SALT_BYTES), !=, 0);
}

/* ---- SASLprep: the examples of RFC 4013, section 3, and what is left as it is ---- */

static void test_saslprep(void) {
  static const char *const rows[][2] = {
      {"I\xc2\xadX", "IX"},
      {"user", "user"},
      {"USER", "USER"},
      {"\xc2\xaa", "a"},
      {"\xe2\x85\xa8", "IX"},
      {"a\xc2\xa0"
       "b",
       "a b"},
      {"a\xe3\x80\x80"
       "b",
       "a b"},
      {"a\xe2\x80\x8d"
       "b",
       "ab"},
      {"e\xcc\x81", "\xc3\xa9"},
      {"\xc2\xaa\x07", "\xc2\xaa\x07"},                 /* a control character */
      {"\xc2\xaa\xee\x80\x80", "\xc2\xaa\xee\x80\x80"}, /* for private use */
      {"\xc2\xaa\xef\xbf\xbe", "\xc2\xaa\xef\xbf\xbe"}, /* no character */
      {"\xc2\xaa\xff", "\xc2\xaa\xff"},                 /* no UTF-8 */
      {"\xc2\xad", "\xc2\xad"},                         /* nothing would be left */
      {"", ""},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_auto(Secret) prepared = {0};
    saslprep_append(rows[i][0], strlen(rows[i][0]), &prepared);
    g_assert_cmpmem(prepared.bytes, prepared.size, rows[i][1], strlen(rows[i][1]));
  }
  g_auto(Secret) prepared = {0};
  saslprep_append("\xc2\xaa\0b", 4, &prepared);
  g_assert_cmpmem(prepared.bytes, prepared.size, "\xc2\xaa\0b", 4);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/scram/first", test_firsts);
  g_test_add_func("/scram/final", test_finals);
  g_test_add_func("/scram/rfc7677", test_rfc7677);
  g_test_add_func("/scram/overtaken", test_overtaken);
  g_test_add_func("/scram/bindings", test_bindings);
  g_test_add_func("/scram/binding-limits", test_binding_limits);
  g_test_add_func("/scram/key-text", test_key_text);
  g_test_add_func("/scram/new-keys", test_new_keys);
  g_test_add_func("/scram/invented-keys", test_invented_keys);
  g_test_add_func("/scram/saslprep", test_saslprep);
  return g_test_run();
}
