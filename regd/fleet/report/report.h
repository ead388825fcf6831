/* SPDX-License-Identifier: MIT */
/* Reports this host to the fleet: its record at `h/HOST`, and a sign of life at `a/HOST`, which
 * ends with its lease. After each change many hosts have something new: each reports at a moment of
 * its own in the report interval, and only if something is new. */
#ifndef REGD_FLEET_REPORT_REPORT_H
#define REGD_FLEET_REPORT_REPORT_H

#include "regd/fleet/etcd/cluster.h"

typedef struct {
  /* Asks regd for the record; it is handed to report_take(). */
  void (*ask)(gpointer data);
  /* Which endpoint is in use. */
  guint (*get_endpoint)(gpointer data);
  gpointer data;
} ReportEvents;

typedef struct Report Report;
Report *report_new(const ReportEvents *events);
void report_free(Report *report);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Report, report_free)

/* @cluster must outlive this. If the host's name has changed, the report of the old name is
 * deleted. */
void report_start(Report *report, Cluster *cluster, const AgentConfig *config);
/* Cancels all calls. */
void report_stop(Report *report);
/* Ends reporting, and deletes the report: this host has left the fleet. */
void report_withdraw(Report *report);
/* Something may be new. */
void report_note(Report *report);
/* The Host record as it is now; NULL: regd did not tell. */
void report_take(Report *report, GBytes *record);

#endif
