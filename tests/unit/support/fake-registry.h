/* SPDX-License-Identifier: MIT */
/* A registry that does as it is told, on a private bus: what the live view is
 * tested against. It answers Watch, Unwatch, ReadTree and Properties.Get from a
 * few string values in memory, in the process of the test and on its loop, and
 * can be made to hold its answers, to say no, and to send signals late. */
#ifndef TESTS_UNIT_SUPPORT_FAKE_REGISTRY_H
#define TESTS_UNIT_SUPPORT_FAKE_REGISTRY_H

#include "client/bus/loop.h"

/* ---- a private bus ---- */

typedef struct FakeBus FakeBus;
FakeBus *fake_bus_start(void);
/* Ends the daemon; fake_bus_restart() starts it again at the same address. */
void fake_bus_stop(FakeBus *bus);
void fake_bus_restart(FakeBus *bus);
/* Stops and continues its process. */
void fake_bus_freeze(FakeBus *bus);
void fake_bus_thaw(FakeBus *bus);
void fake_bus_free(FakeBus *bus);
const char *fake_bus_get_address(const FakeBus *bus);

/* ---- the registry ---- */

typedef struct FakeRegistry FakeRegistry;
/* Owns org.regd.Registry1. Values of @before (or NULL) are taken over, as by a
 * daemon that is started again on the same database. */
FakeRegistry *fake_new(FakeBus *bus, FakeRegistry *before);
/* Leaves the bus. Held answers are never given. */
void fake_vanish(FakeRegistry *fake);
void fake_free(FakeRegistry *fake);

guint64 fake_get_revision(const FakeRegistry *fake);
/* The revision of the next commit. */
void fake_set_revision(FakeRegistry *fake, guint64 revision);

/* Commits, and signals unless fake_hold_signals(). Keys are canonical. */
void fake_set(FakeRegistry *fake, const char *key, const char *name, const char *text);
/* Two values in one commit. */
void fake_set_both(FakeRegistry *fake, const char *key, const char *other_key, const char *name,
                   const char *text);
void fake_create(FakeRegistry *fake, const char *key);
/* With all below it. One signal names @key alone. */
void fake_delete(FakeRegistry *fake, const char *key);
/* A commit that touches nothing that is watched. */
void fake_commit_elsewhere(FakeRegistry *fake);
/* A commit that signals @kind of @key, whatever it may be. */
void fake_signal(FakeRegistry *fake, const char *kind, const char *key, const char *name);
/* Signals wait until they are let go, in their order. Meanwhile the property
 * Revision is that of the last signal sent; @hasty: the newest commit's. */
void fake_hold_signals(FakeRegistry *fake, gboolean hasty);
void fake_release_signals(FakeRegistry *fake);
/* The next signal of each watch takes a number but is not sent. */
void fake_lose_signal(FakeRegistry *fake);

/* Paths at or below @from are answered as those below @to, as through a link;
 * watches through it are told. */
void fake_link(FakeRegistry *fake, const char *from, const char *to);

/* Calls of @member are answered with this error until it is NULL. */
void fake_refuse(FakeRegistry *fake, const char *member, const char *error_name);
/* Answers to @member are made when the call comes, and sent when released. */
void fake_hold(FakeRegistry *fake, const char *member);
/* Calls of @member wait, and are worked on when released. */
void fake_stall(FakeRegistry *fake, const char *member);
void fake_release(FakeRegistry *fake);
/* Sends this one of those that are held, counted from 0, and goes on holding. */
void fake_release_only(FakeRegistry *fake, guint index);
guint fake_count_held(const FakeRegistry *fake);
/* Values a page of ReadTree; 0: all. @between (or NULL) is run after each page. */
void fake_set_page_size(FakeRegistry *fake, guint values, void (*between)(FakeRegistry *fake));
/* What is replayed comes after the answer to Watch, not before it. */
void fake_replay_late(FakeRegistry *fake);
/* `since` is HistoryGone from now on. */
void fake_forget_history(FakeRegistry *fake);

/* How often @member was called; ReadTree of one key counts as "ReadKey" too. */
guint fake_count(const FakeRegistry *fake, const char *member);
void fake_reset_counts(FakeRegistry *fake);
guint fake_count_watches(const FakeRegistry *fake);
/* The unique name of the client whose watch is the first; borrowed. */
const char *fake_get_watcher(const FakeRegistry *fake);

#endif
