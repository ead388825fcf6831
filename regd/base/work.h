/* SPDX-License-Identifier: MIT */
/* Work that may block (NSS, files of strangers, schema directories), off the
 * main loop: a function runs on a thread, and another one afterwards on the
 * main context. */
#ifndef REGD_BASE_WORK_H
#define REGD_BASE_WORK_H

#include <glib.h>

typedef struct Work Work;
typedef void (*WorkFunction)(gpointer data);

/* @context: where the second function is called; NULL: the default. Threads are
 * made as they are needed: whoever submits bounds how many there are. */
Work *work_new(GMainContext *context);
/* What still runs is left to itself: its second function is not called. */
void work_free(Work *work);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Work, work_free)

/* Borrowed. */
GMainContext *work_get_context(Work *work);

/* @run on a thread, then @done on the context, both with @data, which @done
 * frees. @destroy frees it where @done can't be called any more. */
void work_submit(Work *work, WorkFunction run, WorkFunction done, gpointer data,
                 GDestroyNotify destroy);

#endif
