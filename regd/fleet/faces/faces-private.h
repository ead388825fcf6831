/* SPDX-License-Identifier: MIT */
/* What the two faces share. For nobody else. */
#ifndef REGD_FLEET_FACES_FACES_PRIVATE_H
#define REGD_FLEET_FACES_FACES_PRIVATE_H

#include "regd/fleet/desk/desk.h"
#include "regd/fleet/faces/faces.h"

struct FleetFaces {
  BusFace *face;
  FleetDesk *desk;
  Dispatcher *engine, *open; /* NULL while there is no bus */
  char *agent;               /* its unique name; NULL: there is none */
};

/* The tables of engine.c and public.c; @data is the BusFace. */
extern const DispatchInterface fleet_engine_interfaces[];
extern const DispatchInterface fleet_open_interfaces[];
/* Signals to the agent; engine.c. @data is the FleetFaces. */
void fleet_engine_configure(gpointer data);
void fleet_engine_propose(guint32 ticket, GBytes *guard, GBytes *head, const GPtrArray *operations,
                          gpointer data);
void fleet_engine_task(guint32 ticket, const FleetTask *task, GBytes *info, GBytes *head,
                       const GPtrArray *operations, gpointer data);
/* StateChanged and the properties; public.c. */
void fleet_open_state_changed(const char *before, gpointer data);

#endif
