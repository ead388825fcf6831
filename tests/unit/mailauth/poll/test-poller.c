/* SPDX-License-Identifier: MIT */
/* The front's loop: what is watched for is heard, and what is no longer wanted is
 * heard neither now nor, over and over, later. */
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mailauth/poll/poller.h"

typedef struct {
  Watch watch; /* the first: a watch is its stage */
  Poller *poller;
  int peer;
  guint32 heard; /* the events of the last turn */
  Timer end;     /* of a turn in which nothing comes */
} Stage;

static void on_ready(Watch *watch, guint32 events) {
  ((Stage *)(gpointer)watch)->heard |= events;
}

static void on_end(G_GNUC_UNUSED Timer *timer) {
}

static void set_up(Stage *stage, G_GNUC_UNUSED gconstpointer data) {
  int ends[2];
  g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), ==, 0);
  stage->poller = poller_new(NULL);
  stage->watch = (Watch){.descriptor = ends[0], .ready = on_ready};
  stage->peer = ends[1];
  stage->end.fire = on_end;
}

static void tear_down(Stage *stage, G_GNUC_UNUSED gconstpointer data) {
  poller_stop_timer(stage->poller, &stage->end);
  poller_free(stage->poller);
  close(stage->watch.descriptor);
  if (stage->peer >= 0)
    close(stage->peer);
}

/* What comes in one turn, or now. */
static guint32 take_turn(Stage *stage) {
  stage->heard = 0;
  poller_set_timer(stage->poller, &stage->end, 0);
  poller_run_once(stage->poller);
  return stage->heard;
}

static void say(const Stage *stage) {
  g_assert_cmpint(write(stage->peer, "x", 1), ==, 1);
}

static void watch(Stage *stage, guint32 events) {
  g_assert_true(poller_watch(stage->poller, &stage->watch, events));
  g_assert_cmphex(stage->watch.events, ==, events);
}

static void test_wanted(Stage *stage, G_GNUC_UNUSED gconstpointer data) {
  watch(stage, EPOLLIN);
  g_assert_cmphex(take_turn(stage), ==, 0);
  say(stage);
  g_assert_cmphex(take_turn(stage), ==, EPOLLIN);
  g_assert_cmphex(take_turn(stage), ==, EPOLLIN);
  watch(stage, EPOLLIN | EPOLLOUT);
  g_assert_cmphex(take_turn(stage), ==, EPOLLIN | EPOLLOUT);
  watch(stage, 0);
  g_assert_cmphex(take_turn(stage), ==, 0);
  watch(stage, EPOLLOUT);
  g_assert_cmphex(take_turn(stage), ==, EPOLLOUT);
}

/* The system is told that an event is not wanted when it comes, and not before. */
static void test_no_longer_wanted(Stage *stage, G_GNUC_UNUSED gconstpointer data) {
  watch(stage, EPOLLIN);
  watch(stage, EPOLLHUP);
  g_assert_cmphex(take_turn(stage), ==, 0);
  g_assert_cmphex(stage->watch.armed, ==, EPOLLIN);
  say(stage);
  g_assert_cmphex(take_turn(stage), ==, 0);
  g_assert_cmphex(stage->watch.armed, ==, EPOLLHUP);
  g_assert_cmphex(take_turn(stage), ==, 0);
  watch(stage, EPOLLIN);
  g_assert_cmphex(take_turn(stage), ==, EPOLLIN);
}

static void test_wanted_again(Stage *stage, G_GNUC_UNUSED gconstpointer data) {
  watch(stage, EPOLLIN | EPOLLOUT);
  watch(stage, EPOLLHUP);
  watch(stage, EPOLLIN);
  say(stage);
  g_assert_cmphex(take_turn(stage), ==, EPOLLIN);
  g_assert_cmphex(stage->watch.armed, ==, EPOLLIN);
}

/* It comes unasked, and with what is not wanted. */
static void test_hang_up(Stage *stage, G_GNUC_UNUSED gconstpointer data) {
  watch(stage, EPOLLIN);
  watch(stage, EPOLLHUP);
  say(stage);
  close(stage->peer);
  stage->peer = -1;
  g_assert_cmphex(take_turn(stage), ==, EPOLLHUP);
}

/* Another descriptor may have its number, and the watch another use. */
static void test_forgotten(Stage *stage, G_GNUC_UNUSED gconstpointer data) {
  int number = stage->watch.descriptor;
  watch(stage, EPOLLIN);
  say(stage);
  poller_forget(&stage->watch);
  close(number);
  g_assert_cmphex(take_turn(stage), ==, 0);
  close(stage->peer);
  int ends[2];
  g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), ==, 0);
  stage->watch.descriptor = ends[0];
  stage->peer = ends[1];
  watch(stage, EPOLLIN);
  say(stage);
  g_assert_cmphex(take_turn(stage), ==, EPOLLIN);
}

int main(int count, char **arguments) {
  static const struct {
    const char *path;
    void (*run)(Stage *stage, gconstpointer data);
  } rows[] = {
      {"/poller/wanted", test_wanted},
      {"/poller/no-longer-wanted", test_no_longer_wanted},
      {"/poller/wanted-again", test_wanted_again},
      {"/poller/hang-up", test_hang_up},
      {"/poller/forgotten", test_forgotten},
  };
  g_test_init(&count, &arguments, NULL);
  for (guint i = 0; i < G_N_ELEMENTS(rows); i++)
    g_test_add(rows[i].path, Stage, NULL, set_up, rows[i].run, tear_down);
  return g_test_run();
}
