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
void fleet_engine_list_hosts(guint32 ticket, gpointer data);
/* Of engine.c, for other handlers of the agent's calls. FALSE: the call is answered. */
gboolean fleet_engine_is_agent(DispatchCall *call, const FleetFaces *faces);
FleetFaces *fleet_faces_get(gpointer data);
/* hosts-face.c: the agent's answers, and what it asks of regd. */
void fleet_engine_handle_report(DispatchCall *call, gpointer data);
void fleet_engine_handle_hosts(DispatchCall *call, gpointer data);
/* ... and what everybody asks. */
void fleet_open_handle_list_hosts(DispatchCall *call, gpointer data);
void fleet_open_handle_wait(DispatchCall *call, gpointer data);
/* verify-face.c */
void fleet_open_handle_verify(DispatchCall *call, gpointer data);
void fleet_open_handle_clear_problems(DispatchCall *call, gpointer data);
/* public.c: FALSE: the call is answered. */
gboolean fleet_open_is_administrator(DispatchCall *call);
/* StateChanged and the properties; public.c. */
void fleet_open_state_changed(const char *before, gpointer data);

#endif
