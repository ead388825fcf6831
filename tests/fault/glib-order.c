/* SPDX-License-Identifier: MIT */
/* Preloaded into programs that ThreadSanitizer watches: tells it of the order that GLib makes
 * between threads. GLib is not built with it, and its locks are its own, so without this everything
 * that they guard would be called a race. Each function calls GLib's, and says before that this
 * thread hands over all it has done, and after that it takes over what others have. */
#include <dlfcn.h>
#include <glib.h>

#define EXPORTED __attribute__((visibility("default")))

/* Weak: other programs that tests start have no ThreadSanitizer. */
extern void __tsan_acquire(void *address) __attribute__((weak));
extern void __tsan_release(void *address) __attribute__((weak));

static void take_over(gpointer place) {
  if (__tsan_acquire != NULL)
    __tsan_acquire(place);
}

static void hand_over(gpointer place) {
  if (__tsan_release != NULL)
    __tsan_release(place);
}

/* Declares `real`: GLib's function of this name and type. */
#define REAL(name, result, ...)                                                                    \
  static result (*real)(__VA_ARGS__);                                                              \
  if (g_atomic_pointer_get(&real) == NULL) {                                                       \
    gpointer found = dlsym(RTLD_NEXT, #name);                                                      \
    g_atomic_pointer_set((gpointer *)&real, found);                                                \
  }

/* ---- locks ---- */

EXPORTED void(g_mutex_lock)(GMutex *mutex) {
  REAL(g_mutex_lock, void, GMutex *);
  real(mutex);
  take_over(mutex);
}

EXPORTED gboolean(g_mutex_trylock)(GMutex *mutex) {
  REAL(g_mutex_trylock, gboolean, GMutex *);
  gboolean locked = real(mutex);
  if (locked)
    take_over(mutex);
  return locked;
}

EXPORTED void(g_mutex_unlock)(GMutex *mutex) {
  REAL(g_mutex_unlock, void, GMutex *);
  hand_over(mutex);
  real(mutex);
}

EXPORTED void(g_cond_wait)(GCond *cond, GMutex *mutex) {
  REAL(g_cond_wait, void, GCond *, GMutex *);
  hand_over(mutex);
  real(cond, mutex);
  take_over(mutex);
}

EXPORTED gboolean(g_cond_wait_until)(GCond *cond, GMutex *mutex, gint64 end) {
  REAL(g_cond_wait_until, gboolean, GCond *, GMutex *, gint64);
  hand_over(mutex);
  gboolean signalled = real(cond, mutex, end);
  take_over(mutex);
  return signalled;
}

/* ---- pools of threads ---- */

typedef struct {
  GFunc run;
  gpointer data;
} Pool;

static void run_job(gpointer job, gpointer data) {
  const Pool *pool = data;
  take_over(job);
  pool->run(job, pool->data);
}

/* A pool lives as long as its program, or nearly; what is kept for it is never freed. */
EXPORTED GThreadPool *(g_thread_pool_new)(GFunc run, gpointer data, gint threads,
                                          gboolean exclusive, GError **error) {
  REAL(g_thread_pool_new, GThreadPool *, GFunc, gpointer, gint, gboolean, GError **);
  Pool *pool = g_new(Pool, 1);
  *pool = (Pool){run, data};
  return real(run_job, pool, threads, exclusive, error);
}

EXPORTED gboolean(g_thread_pool_push)(GThreadPool *pool, gpointer job, GError **error) {
  REAL(g_thread_pool_push, gboolean, GThreadPool *, gpointer, GError **);
  hand_over(job);
  return real(pool, job, error);
}

/* ---- references: the last one frees what all others have used ---- */

#define COUNTED(name, result, type)                                                                \
  EXPORTED result(name)(type * counted) {                                                          \
    REAL(name, result, type *);                                                                    \
    take_over((gpointer)counted);                                                                  \
    hand_over((gpointer)counted);                                                                  \
    return real(counted);                                                                          \
  }

COUNTED(g_atomic_ref_count_inc, void, gatomicrefcount)
COUNTED(g_atomic_ref_count_dec, gboolean, gatomicrefcount)
COUNTED(g_ref_string_release, void, char)
COUNTED(g_ref_string_acquire, char *, char)
COUNTED(g_bytes_ref, GBytes *, GBytes)
COUNTED(g_bytes_unref, void, GBytes)
COUNTED(g_hash_table_ref, GHashTable *, GHashTable)
COUNTED(g_hash_table_unref, void, GHashTable)
COUNTED(g_ptr_array_ref, GPtrArray *, GPtrArray)
COUNTED(g_ptr_array_unref, void, GPtrArray)

EXPORTED void(g_atomic_rc_box_release_full)(gpointer box, GDestroyNotify clear) {
  REAL(g_atomic_rc_box_release_full, void, gpointer, GDestroyNotify);
  hand_over(box);
  take_over(box);
  real(box, clear);
}
