/* What a process that is split off has of the program: by what is mapped in it. */
#include "mailauth/image.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mailauth/sandbox.h"

static const gconstpointer kept[] = {g_malloc, CRYPTO_secure_allocated};

static gboolean is_there(gconstpointer function) {
  unsigned char resident;
  guintptr page = (guintptr)sysconf(_SC_PAGESIZE);
  return mincore((void *)((guintptr)function & ~(page - 1)), 1, &resident) == 0;
}

/* What a mailbox's process does: GLib, C's library, OpenSSL's memory. */
static gboolean can_work(void) {
  g_autofree char *text = g_strdup_printf("%s %d %.3f", g_strerror(ENOENT), 42, 1.5);
  g_autoptr(GHashTable) table = g_hash_table_new(g_str_hash, g_str_equal);
  return g_hash_table_add(table, text) && CRYPTO_secure_allocated(text) == 0 &&
         g_ascii_strtoull("17", NULL, 10) == 17;
}

/* A bit for each of what is as it should not be. */
static int look(void) {
  return (is_there(sqlite3_libversion) ? 1 : 0) | (is_there(g_malloc) ? 0 : 2) |
         (is_there(CRYPTO_secure_allocated) ? 0 : 4) | (is_there(look) ? 0 : 8) |
         (can_work() ? 0 : 16);
}

static void test_trim(void) {
  int status = -1;
  g_assert_true(is_there(sqlite3_libversion));
  image_trim(kept, G_N_ELEMENTS(kept));
  pid_t child = image_split();
  if (child == 0)
    _exit(look());
  g_assert_cmpint(child, >, 0);
  g_assert_cmpint(waitpid(child, &status, 0), ==, child);
  g_assert_cmphex((guint)status, ==, 0);
  /* This one has all of it. */
  g_assert_true(is_there(sqlite3_libversion));
  g_assert_cmpint(sqlite3_libversion_number(), >, 0);
}

int main(int argc, char **argv) {
  /* Binding is done before the program begins. */
  if (g_getenv(IMAGE_BIND_VARIABLE) == NULL) {
    setenv(IMAGE_BIND_VARIABLE, "1", TRUE);
    execv("/proc/self/exe", argv);
  }
  g_test_init(&argc, &argv, NULL);
#ifdef SANDBOX_IS_SANITIZED
  g_test_message("A sanitiser keeps its libraries: nothing is left out");
  (void)test_trim;
#else
  g_test_add_func("/image/trim", test_trim);
#endif
  return g_test_run();
}
