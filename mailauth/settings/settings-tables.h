/* SPDX-License-Identifier: MIT */
/* The settings as tables, a row each: its names, what it may be, its default, and what
 * can't be decided while it is wrong. settings-read.c reads by them. */
#ifndef MAILAUTH_SETTINGS_SETTINGS_TABLES_H
#define MAILAUTH_SETTINGS_SETTINGS_TABLES_H

#include "mailauth/settings/settings.h"

/* KIND_NAMES: a list, or one text. KIND_OCTAL: a number, or text that is read as an octal
 * one. */
typedef enum {
  KIND_STRING,
  KIND_STRINGS,
  KIND_NAMES,
  KIND_NUMBER,
  KIND_OCTAL,
  KIND_CHOICE
} SettingKind;

/* A word a setting may be, and what it stands for. */
typedef struct {
  const char *word;
  guint32 number;
} Choice;

typedef struct {
  const char *names[3]; /* the described name, then its aliases */
  SettingKind kind;
  ProblemScope scope;
  gsize offset;
  const char *text;         /* the default of KIND_STRING */
  guint32 number;           /* the default of KIND_NUMBER and KIND_CHOICE */
  guint32 minimum, maximum; /* of KIND_NUMBER */
  const Choice *choices;    /* of KIND_CHOICE */
} SettingRow;

/* Rows that are read from one key, into one structure. */
typedef enum {
  TABLE_STORE,      /* of Settings */
  TABLE_SERVICE,    /* ... */
  TABLE_PARAMETERS, /* ... */
  TABLE_SOCKETS,    /* ...; an AuthKind's path is at its number */
  TABLE_HOST,       /* of HostSettings; two a CertificateSlot */
  TABLE_PROTOCOL,   /* of ProtocolSettings; each protocol's `Store` and `Listen` have their own
                       defaults, which settings-read.c knows */
  TABLE_TRUST,      /* ..., in the protocol's key, else in SETTINGS_SERVICE's Parameters */
  TABLE_MAILDIR,    /* ..., of POP3 only */
  TABLE_BROKER,     /* of Broker */
  TABLE_SQLITE,     /* ... */
  TABLE_LDAP,       /* ... */
  TABLE_SQL,        /* ... */
  TABLE_SERVER,     /* ..., of each type that is a server */
  N_SETTING_TABLES
} SettingTable;

typedef struct {
  const SettingRow *rows;
  gsize n_rows;
} SettingRows;

extern const SettingRows setting_tables[N_SETTING_TABLES];

/* The rows of one protocol that no table has: `Store`, `Idle Timeout`, and the logging level
 * (in SETTINGS_STORE). */
extern const SettingRow setting_store_rows[N_PROTOCOLS];
extern const SettingRow setting_idle_rows[N_PROTOCOLS];
extern const SettingRow setting_logging_rows[N_PROTOCOLS];

#endif
