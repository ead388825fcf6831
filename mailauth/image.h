/* What a process that is split off gets of this program's image: its own code and
 * data, and the libraries that it has a use for. The others are left out: they
 * would be mapped, and unmapped again at its end, at a cost beside which that of a
 * short life is small; and what is not there serves no intruder. */
#ifndef MAILAUTH_IMAGE_H
#define MAILAUTH_IMAGE_H

#include <sys/types.h>

#include <glib.h>

/* In the environment of a process that is to call image_trim(): its libraries are
 * bound to each other when it starts. What is bound at its first use is looked for in
 * all of them (ld.so(8)). */
#define IMAGE_BIND_VARIABLE "LD_BIND_NOW"

/* Leaves out of all that image_split() makes from now on the libraries that came
 * with the program, but those that hold one of @functions, and what these need.
 * Libraries that came otherwise (LD_PRELOAD) stay. This process keeps all. For a
 * process with one thread; does nothing where the libraries are not bound. */
void image_trim(const gconstpointer *functions, guint n_functions);

/* fork() without the handlers that libraries have for it: for a process with one
 * thread. Who is split off leaves by _exit(), and calls nothing that loads code. */
pid_t image_split(void);

#endif
