/* SPDX-License-Identifier: MIT */
/* Whether the modules of a PAM service can read what they need. pam_unix compares
 * passwords with /etc/shadow: by itself if it is root's, by its helper unix_chkpwd
 * otherwise, which runs with the caller's rights where new ones are ruled out and serves
 * nobody but its caller where they are not. Without the right to read the file it calls
 * every password wrong. */
#ifndef MAILAUTH_PAM_PAM_STACK_H
#define MAILAUTH_PAM_PAM_STACK_H

#include <glib.h>

/* The file with pam_unix that the stack of @service leads to, for authentication or for
 * accounts; owned. NULL: none does, or there is no such service. *@alone: no other module
 * of the stack proves passwords. @directory: where services are defined; NULL: the
 * system's. */
char *pam_stack_find_unix(const char *directory, const char *service, gboolean *alone);

/* Whether a process that is started as @user (a name or a uid) now, with the groups of the
 * user database, may read /etc/shadow; TRUE also if there is no such file. */
gboolean pam_stack_user_can_read_hashes(const char *user);

/* Whether @account (NULL: nobody) is in /etc/passwd, so that its password is for pam_unix to
 * prove, whatever other modules there are. TRUE also if the file can't be read. */
gboolean pam_stack_is_local_user(const char *account);

/* What is wrong with @service if its modules may not read /etc/shadow, and the cure; owned.
 * NULL: none needs it. *@all: no other module proves passwords. */
char *pam_stack_describe(const char *directory, const char *service, gboolean *all);

/* What keeps @service from knowing right passwords, and the cure; owned. NULL: nothing
 * that is known. *@all: nobody can log in at all. @user: NULL, if the modules run as this process
 * does; else as whom they are started. */
char *pam_stack_find_problem(const char *directory, const char *service, const char *user,
                             gboolean *all);

#endif
