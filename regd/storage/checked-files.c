/* SPDX-License-Identifier: MIT */
/* See checked-files.h. SQLite asks a VFS for files, and a file for bytes; this VFS stands before
 * the system's own. */
#include "regd/storage/checked-files.h"

#include <errno.h>
#include <string.h>

#include "regd/storage/gather.h"
#include "regd/storage/log-frame.h"
#include "regd/storage/page-sum.h"

#define VFS_NAME "regd-checked"
/* What SQLite reads of a header by itself, before it knows how long a page is. */
#define HEADER_BYTES 100
/* SQLite reads no part of a page that is shorter than this, but for the header. */
#define SMALLEST_PART 512
/* In a database's header. */
#define RESERVED_AT 20
/* An operation of sqlite3_file_control(), for checked files only. */
#define CONTROL_GET_STATE 0x72656764
/* Pages that are looked at for the database's own number. */
#define PAGES_FOR_NUMBER 64
/* A capability that lets SQLite read parts of pages; older headers don't have its name. */
#define CAPABILITY_SUBPAGE_READ 0x00008000

typedef struct {
  gboolean sealed;
  guint64 database; /* its own number; 0: not known yet */
  Witness *witness; /* NULL: there is none */
  GPtrArray *problems;
  guint most;
  guint32 bad_page; /* 0: none was met */
  gint64 bad_frame; /* of the log, or one of these */
} State;

#define NOT_IN_LOG (-1)
#define OLDER (-2)

typedef struct CheckedFile {
  sqlite3_file file; /* first: SQLite knows no more of it */
  State *state;      /* the database's; also of its log */
  gboolean is_log;
  LogFrames frames; /* of a log */
  Gather gather;    /* of a log */
} CheckedFile;

typedef struct {
  sqlite3_vfs vfs;
  sqlite3_vfs *system;
} CheckedVfs;

static CheckedFile *checked(sqlite3_file *file) {
  return (CheckedFile *)(gpointer)file;
}

/* The system's own file lies behind ours. */
static sqlite3_file *system_file(sqlite3_file *file) {
  return (sqlite3_file *)(gpointer)(checked(file) + 1);
}

/* ---- damage ---- */

static char *describe(guint32 page, gint64 frame) {
  if (page == 0)
    return g_strdup("the log ends before a page that it held");
  if (frame == OLDER)
    return g_strdup_printf("page %u is older than what was written last", page);
  g_autofree char *place = frame == NOT_IN_LOG
                               ? g_strdup("")
                               : g_strdup_printf(" in the log (frame %" G_GINT64_FORMAT ")", frame);
  return g_strdup_printf("page %u is not what was written: its checksum%s is wrong", page, place);
}

/* What to tell SQLite of a page that is wrong. */
static int meet_damage(State *state, guint32 page, gint64 frame) {
  if (state->problems == NULL) {
    state->bad_page = page;
    state->bad_frame = frame;
    return SQLITE_IOERR_DATA;
  }
  g_autofree char *problem = describe(page, frame);
  if (state->problems->len < state->most &&
      !g_ptr_array_find_with_equal_func(state->problems, problem, g_str_equal, NULL))
    g_ptr_array_add(state->problems, g_steal_pointer(&problem));
  return SQLITE_OK;
}

/* ---- the database ---- */

static gboolean is_whole_page(int size, sqlite3_int64 at) {
  return size == PAGE_SUM_PAGE && at % PAGE_SUM_PAGE == 0;
}

static guint32 page_at(sqlite3_int64 at) {
  return (guint32)(at / PAGE_SUM_PAGE) + 1;
}

static gboolean is_right(State *state, const guint8 *page, guint32 number) {
  if (!page_sum_is_right(page, number))
    return FALSE;
  guint64 database = page_sum_get_database(page);
  if (state->database == 0)
    state->database = database;
  return state->database == database;
}

static int read_page(sqlite3_file *file, guint8 *page, guint32 number) {
  State *state = checked(file)->state;
  sqlite3_file *system = system_file(file);
  sqlite3_int64 at = (sqlite3_int64)(number - 1) * PAGE_SUM_PAGE;
  int code = system->pMethods->xRead(system, page, PAGE_SUM_PAGE, at);
  if (code != SQLITE_OK && code != SQLITE_IOERR_SHORT_READ)
    return code;
  if (!is_right(state, page, number))
    return meet_damage(state, number, NOT_IN_LOG);
  if (state->witness != NULL && witness_contradicts(state->witness, number, page_sum_get(page)))
    return meet_damage(state, number, OLDER);
  return SQLITE_OK;
}

/* Newer versions of SQLite read a part of a page that holds nothing but a part of a value. */
static int read_part(sqlite3_file *file, void *bytes, int size, sqlite3_int64 at) {
  guint8 page[PAGE_SUM_PAGE];
  gsize from = (gsize)(at % PAGE_SUM_PAGE);
  sqlite3_file *system = system_file(file);
  if (from + (gsize)size > PAGE_SUM_PAGE) { /* the header has another size of pages */
    int wrong = meet_damage(checked(file)->state, 1, NOT_IN_LOG);
    return wrong != SQLITE_OK ? wrong : system->pMethods->xRead(system, bytes, size, at);
  }
  int code = read_page(file, page, page_at(at));
  memcpy(bytes, page + from, (gsize)size);
  return code;
}

static int read_database(sqlite3_file *file, void *bytes, int size, sqlite3_int64 at) {
  sqlite3_file *system = system_file(file);
  if (!checked(file)->state->sealed || size < SMALLEST_PART)
    return system->pMethods->xRead(system, bytes, size, at);
  return is_whole_page(size, at) ? read_page(file, bytes, page_at(at))
                                 : read_part(file, bytes, size, at);
}

static guint64 new_database_number(void) {
  guint64 number = 0;
  while (number == 0)
    sqlite3_randomness(sizeof number, &number);
  return number;
}

static int write_database(sqlite3_file *file, const void *bytes, int size, sqlite3_int64 at) {
  State *state = checked(file)->state;
  sqlite3_file *system = system_file(file);
  if (!state->sealed || !is_whole_page(size, at))
    return system->pMethods->xWrite(system, bytes, size, at);
  guint8 page[PAGE_SUM_PAGE];
  memcpy(page, bytes, sizeof page);
  if (state->database == 0)
    state->database = new_database_number();
  page_sum_set(page, page_at(at), state->database);
  /* First: until the log is taken in as a whole, its pages are read from there. */
  if (state->witness != NULL && !witness_note_page(state->witness, page_at(at), page_sum_get(page)))
    return errno == ENOSPC || errno == EDQUOT ? SQLITE_FULL : SQLITE_IOERR_WRITE;
  return system->pMethods->xWrite(system, page, size, at);
}

/* ---- the log ---- */

static int read_log(sqlite3_file *file, void *bytes, int size, sqlite3_int64 at) {
  CheckedFile *log = checked(file);
  int code = gather_read(&log->gather, system_file(file), bytes, size, at);
  gboolean is_checked = log->state->sealed && log_frames_is_page(size, at);
  if (code == SQLITE_IOERR_SHORT_READ && is_checked)
    return meet_damage(log->state, 0, 0);
  if (code != SQLITE_OK || !is_checked)
    return code;
  guint32 page = 0;
  if (!log_frames_check(&log->frames, file, bytes, at, &page, &code))
    return code != SQLITE_OK ? code : meet_damage(log->state, page, log_frames_number(at));
  return SQLITE_OK;
}

static int write_log(sqlite3_file *file, const void *bytes, int size, sqlite3_int64 at) {
  CheckedFile *log = checked(file);
  log_frames_note_write(&log->frames, bytes, size, at);
  return gather_write(&log->gather, system_file(file), bytes, size, at);
}

/* ---- files ---- */

static int on_read(sqlite3_file *file, void *bytes, int size, sqlite3_int64 at) {
  return checked(file)->is_log ? read_log(file, bytes, size, at)
                               : read_database(file, bytes, size, at);
}

static int on_write(sqlite3_file *file, const void *bytes, int size, sqlite3_int64 at) {
  return checked(file)->is_log ? write_log(file, bytes, size, at)
                               : write_database(file, bytes, size, at);
}

static void state_free(State *state) {
  witness_free(state->witness);
  g_free(state);
}

static int on_close(sqlite3_file *file) {
  if (checked(file)->is_log) {
    gather_clear(&checked(file)->gather); /* what was not synced was not committed */
    log_frames_clear(&checked(file)->frames);
  } else {
    state_free(checked(file)->state);
  }
  sqlite3_file *system = system_file(file);
  return system->pMethods->xClose(system);
}

static int on_truncate(sqlite3_file *file, sqlite3_int64 size) {
  sqlite3_file *system = system_file(file);
  int code = gather_flush(&checked(file)->gather, system);
  return code == SQLITE_OK ? system->pMethods->xTruncate(system, size) : code;
}

static int on_sync(sqlite3_file *file, int flags) {
  CheckedFile *synced = checked(file);
  sqlite3_file *system = system_file(file);
  int code = gather_flush(&synced->gather, system);
  if (code != SQLITE_OK)
    return code;
  if (!synced->is_log && synced->state->witness != NULL && !witness_flush(synced->state->witness))
    return SQLITE_IOERR_FSYNC;
  return system->pMethods->xSync(system, flags);
}

static int on_file_size(sqlite3_file *file, sqlite3_int64 *size) {
  sqlite3_file *system = system_file(file);
  int code = gather_flush(&checked(file)->gather, system);
  return code == SQLITE_OK ? system->pMethods->xFileSize(system, size) : code;
}

static int on_lock(sqlite3_file *file, int lock) {
  sqlite3_file *system = system_file(file);
  return system->pMethods->xLock(system, lock);
}

static int on_unlock(sqlite3_file *file, int lock) {
  sqlite3_file *system = system_file(file);
  return system->pMethods->xUnlock(system, lock);
}

static int on_check_reserved_lock(sqlite3_file *file, int *reserved) {
  sqlite3_file *system = system_file(file);
  return system->pMethods->xCheckReservedLock(system, reserved);
}

static int on_file_control(sqlite3_file *file, int operation, void *argument) {
  if (operation == CONTROL_GET_STATE) {
    *(State **)argument = checked(file)->state;
    return SQLITE_OK;
  }
  sqlite3_file *system = system_file(file);
  return system->pMethods->xFileControl(system, operation, argument);
}

static int on_sector_size(sqlite3_file *file) {
  sqlite3_file *system = system_file(file);
  return system->pMethods->xSectorSize(system);
}

static int on_device_characteristics(sqlite3_file *file) {
  sqlite3_file *system = system_file(file);
  return system->pMethods->xDeviceCharacteristics(system) & ~CAPABILITY_SUBPAGE_READ;
}

static int on_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **memory) {
  sqlite3_file *system = system_file(file);
  return system->pMethods->xShmMap(system, page, size, extend, memory);
}

static int on_shm_lock(sqlite3_file *file, int offset, int count, int flags) {
  sqlite3_file *system = system_file(file);
  return system->pMethods->xShmLock(system, offset, count, flags);
}

static void on_shm_barrier(sqlite3_file *file) {
  sqlite3_file *system = system_file(file);
  system->pMethods->xShmBarrier(system);
}

static int on_shm_unmap(sqlite3_file *file, int remove) {
  sqlite3_file *system = system_file(file);
  return system->pMethods->xShmUnmap(system, remove);
}

/* Nothing is mapped into memory: it would be read past the checks. */
static int on_fetch(G_GNUC_UNUSED sqlite3_file *file, G_GNUC_UNUSED sqlite3_int64 at,
                    G_GNUC_UNUSED int size, void **memory) {
  *memory = NULL;
  return SQLITE_OK;
}

static int on_unfetch(G_GNUC_UNUSED sqlite3_file *file, G_GNUC_UNUSED sqlite3_int64 at,
                      G_GNUC_UNUSED void *memory) {
  return SQLITE_OK;
}

static const sqlite3_io_methods methods = {
    .iVersion = 3,
    .xClose = on_close,
    .xRead = on_read,
    .xWrite = on_write,
    .xTruncate = on_truncate,
    .xSync = on_sync,
    .xFileSize = on_file_size,
    .xLock = on_lock,
    .xUnlock = on_unlock,
    .xCheckReservedLock = on_check_reserved_lock,
    .xFileControl = on_file_control,
    .xSectorSize = on_sector_size,
    .xDeviceCharacteristics = on_device_characteristics,
    .xShmMap = on_shm_map,
    .xShmLock = on_shm_lock,
    .xShmBarrier = on_shm_barrier,
    .xShmUnmap = on_shm_unmap,
    .xFetch = on_fetch,
    .xUnfetch = on_unfetch,
};

/* ---- opening ---- */

/* The number that the database's pages have. The first page may be half written: its checkpoint
 * was cut off, and the log has it whole. */
static guint64 find_database_number(sqlite3_file *system, const guint8 *first_page) {
  guint8 page[PAGE_SUM_PAGE];
  for (guint32 number = 2; number <= PAGES_FOR_NUMBER; number++) {
    sqlite3_int64 at = (sqlite3_int64)(number - 1) * PAGE_SUM_PAGE;
    if (system->pMethods->xRead(system, page, sizeof page, at) != SQLITE_OK)
      break;
    if (page_sum_is_right(page, number))
      return page_sum_get_database(page);
  }
  return page_sum_get_database(first_page);
}

/* Either of the header and the checksum of the first page is enough: damage to one of them does
 * not turn the checks off. A database without a page is about to be made. */
static void look_at_first_page(sqlite3_file *file) {
  State *state = checked(file)->state;
  sqlite3_file *system = system_file(file);
  guint8 page[PAGE_SUM_PAGE] = {0};
  sqlite3_int64 size = 0;
  if (system->pMethods->xFileSize(system, &size) != SQLITE_OK || size == 0) {
    state->sealed = size == 0;
    return;
  }
  if (system->pMethods->xRead(system, page, sizeof page, 0) != SQLITE_OK && size < HEADER_BYTES)
    return;
  gboolean right = page_sum_is_right(page, 1);
  state->sealed = right || page[RESERVED_AT] == PAGE_SUM_RESERVED;
  if (state->sealed)
    state->database = right ? page_sum_get_database(page) : find_database_number(system, page);
}

/* Other files, journals and temporary ones, hold nothing that is read after this process. */
static int on_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                   int *out_flags) {
  sqlite3_vfs *system_vfs = ((CheckedVfs *)(gpointer)vfs)->system;
  if ((flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL)) == 0)
    return system_vfs->xOpen(system_vfs, name, file, flags, out_flags);
  CheckedFile *opened = checked(file);
  memset(opened, 0, sizeof *opened);
  int code = system_vfs->xOpen(system_vfs, name, system_file(file), flags, out_flags);
  if (code != SQLITE_OK)
    return code;
  opened->file.pMethods = &methods;
  opened->is_log = (flags & SQLITE_OPEN_WAL) != 0;
  if (opened->is_log) {
    opened->state = checked(sqlite3_database_file_object(name))->state;
    log_frames_init(&opened->frames);
    return SQLITE_OK;
  }
  opened->state = g_new0(State, 1);
  look_at_first_page(file);
  return SQLITE_OK;
}

/* The system's other methods find all that they use in the copy. */
static gpointer register_vfs(G_GNUC_UNUSED gpointer data) {
  CheckedVfs *checked_vfs = g_new0(CheckedVfs, 1);
  checked_vfs->system = sqlite3_vfs_find(NULL);
  if (checked_vfs->system == NULL)
    g_error("SQLite can't begin: out of memory");
  checked_vfs->vfs = *checked_vfs->system;
  checked_vfs->vfs.zName = VFS_NAME;
  checked_vfs->vfs.pNext = NULL;
  checked_vfs->vfs.szOsFile = checked_vfs->system->szOsFile + (int)sizeof(CheckedFile);
  checked_vfs->vfs.xOpen = on_open;
  if (sqlite3_vfs_register(&checked_vfs->vfs, 0) != SQLITE_OK)
    g_error("SQLite can't begin: out of memory");
  return checked_vfs;
}

const char *checked_files_get_vfs(void) {
  static GOnce once = G_ONCE_INIT;
  g_once(&once, register_vfs, NULL);
  return VFS_NAME;
}

/* ---- of a connection ---- */

static State *get_state(sqlite3 *handle) {
  State *state = NULL;
  (void)sqlite3_file_control(handle, "main", CONTROL_GET_STATE, (gpointer)&state);
  return state;
}

void checked_files_begin(sqlite3 *handle) {
  int reserved = PAGE_SUM_RESERVED;
  (void)sqlite3_file_control(handle, "main", SQLITE_FCNTL_RESERVE_BYTES, &reserved);
}

gboolean checked_files_are_sealed(sqlite3 *handle) {
  const State *state = get_state(handle);
  return state != NULL && state->sealed;
}

char *checked_files_describe(sqlite3 *handle) {
  const State *state = get_state(handle);
  return describe(state != NULL ? state->bad_page : 0, state != NULL ? state->bad_frame : -1);
}

void checked_files_collect(sqlite3 *handle, GPtrArray *problems, guint most) {
  State *state = get_state(handle);
  if (state == NULL)
    return;
  state->problems = problems;
  state->most = problems->len + most;
}

gboolean checked_files_can_attach(sqlite3 *handle) {
  const State *state = get_state(handle);
  return state != NULL && state->sealed && state->database != 0 && state->witness == NULL;
}

void checked_files_attach(sqlite3 *handle, int file, gboolean begins) {
  State *state = get_state(handle);
  state->witness = witness_new(file, state->database, begins);
}

Witness *checked_files_get_witness(sqlite3 *handle) {
  const State *state = get_state(handle);
  return state != NULL ? state->witness : NULL;
}
