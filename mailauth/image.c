/* See image.h. The program and its libraries are known by the tables that the linker
 * loaded them by: segments, and the names of the libraries that each needs (elf(5)). */
#include "mailauth/image.h"

#include <link.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "mailauth/sandbox.h"

/* A sanitiser has handlers of its own, and reads its libraries. */
#if defined(__GLIBC__) && !defined(SANDBOX_IS_SANITIZED)
#if __GLIBC_PREREQ(2, 34) /* which has _Fork() */
#define CAN_TRIM 1
#endif
#endif

#ifdef CAN_TRIM

typedef struct {
  const char *name; /* of its file, without the folder; borrowed */
  ElfW(Addr) base;
  const ElfW(Phdr) * segments;
  guint n_segments;
  gboolean is_programs; /* the program needs it */
  gboolean is_kept;
} Object;

static const char *get_file_name(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash != NULL ? slash + 1 : path;
}

static int add_object(struct dl_phdr_info *info, G_GNUC_UNUSED size_t size, void *data) {
  const Object object = {.name = get_file_name(info->dlpi_name),
                         .base = info->dlpi_addr,
                         .segments = info->dlpi_phdr,
                         .n_segments = info->dlpi_phnum};
  g_array_append_val((GArray *)data, object);
  return 0;
}

static Object *get_object(const GArray *objects, guint index) {
  return &g_array_index(objects, Object, index);
}

/* NULL: it has none. */
static const ElfW(Phdr) * find_segment(const Object *object, ElfW(Word) type) {
  for (guint i = 0; i < object->n_segments; i++)
    if (object->segments[i].p_type == type)
      return &object->segments[i];
  return NULL;
}

static gboolean holds(const Object *object, gconstpointer function) {
  ElfW(Addr) offset = (ElfW(Addr))function - object->base;
  for (guint i = 0; i < object->n_segments; i++) {
    const ElfW(Phdr) *segment = &object->segments[i];
    if (segment->p_type == PT_LOAD && offset - segment->p_vaddr < segment->p_memsz)
      return TRUE;
  }
  return FALSE;
}

/* ---- who needs whom ---- */

typedef enum { MARK_PROGRAMS, MARK_KEPT } Mark;

static gboolean *get_mark(Object *object, Mark mark) {
  return mark == MARK_KEPT ? &object->is_kept : &object->is_programs;
}

static const ElfW(Dyn) * get_entries(const Object *object) {
  static const ElfW(Dyn) none = {.d_tag = DT_NULL};
  const ElfW(Phdr) *segment = find_segment(object, PT_DYNAMIC);
  return segment != NULL ? (const ElfW(Dyn) *)(object->base + segment->p_vaddr) : &none;
}

/* Some machines' linkers put the address into the entry, others leave the offset. */
static const char *get_names(const Object *object) {
  for (const ElfW(Dyn) *entry = get_entries(object); entry->d_tag != DT_NULL; entry++)
    if (entry->d_tag == DT_STRTAB)
      return (const char *)(entry->d_un.d_ptr < object->base ? object->base + entry->d_un.d_ptr
                                                             : entry->d_un.d_ptr);
  return NULL;
}

static void mark_object(const GArray *objects, Object *object, Mark mark);

static void mark_by_name(const GArray *objects, const char *path, Mark mark) {
  for (guint i = 0; i < objects->len; i++) {
    Object *object = get_object(objects, i);
    if (strcmp(object->name, get_file_name(path)) == 0)
      mark_object(objects, object, mark);
  }
}

/* With all that it needs. */
static void mark_object(const GArray *objects, Object *object, Mark mark) {
  const char *names = get_names(object);
  if (names == NULL || *get_mark(object, mark))
    return;
  *get_mark(object, mark) = TRUE;
  for (const ElfW(Dyn) *entry = get_entries(object); entry->d_tag != DT_NULL; entry++)
    if (entry->d_tag == DT_NEEDED)
      mark_by_name(objects, names + entry->d_un.d_val, mark);
}

static void mark_holder(const GArray *objects, gconstpointer function) {
  for (guint i = 0; i < objects->len; i++)
    if (holds(get_object(objects, i), function))
      mark_object(objects, get_object(objects, i), MARK_KEPT);
}

/* ---- leaving out ---- */

/* What the kernel refuses stays, which costs time alone. */
static void leave_out(const Object *object) {
  const ElfW(Addr) page = (ElfW(Addr))sysconf(_SC_PAGESIZE);
  for (guint i = 0; i < object->n_segments; i++) {
    const ElfW(Phdr) *segment = &object->segments[i];
    ElfW(Addr) start = (object->base + segment->p_vaddr) & ~(page - 1);
    ElfW(Addr) end = object->base + segment->p_vaddr + segment->p_memsz;
    if (segment->p_type == PT_LOAD)
      (void)madvise((void *)start, end - start, MADV_DONTFORK);
  }
}

void image_trim(const gconstpointer *functions, guint n_functions) {
  g_autoptr(GArray) objects = g_array_new(FALSE, FALSE, sizeof(Object));
  if (g_getenv(IMAGE_BIND_VARIABLE) == NULL)
    return;
  dl_iterate_phdr(add_object, objects);
  for (guint i = 0; i < n_functions; i++)
    mark_holder(objects, functions[i]);
  /* The first is the program. */
  mark_object(objects, get_object(objects, 0), MARK_PROGRAMS);
  for (guint i = 1; i < objects->len; i++) {
    const Object *object = get_object(objects, i);
    if (object->is_programs && !object->is_kept)
      leave_out(object);
  }
}

pid_t image_split(void) {
  return _Fork();
}

#else

void image_trim(G_GNUC_UNUSED const gconstpointer *functions, G_GNUC_UNUSED guint n_functions) {
}

pid_t image_split(void) {
  return fork();
}

#endif
