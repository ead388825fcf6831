/* SPDX-License-Identifier: MIT */
/* The settings as they stand at one moment, read, typed and checked: a snapshot that a
 * login keeps until it is answered. Pure: it reads from whatever serves the keys (the
 * live views, or rows of a test). Every setting that can't be used is a problem that
 * names it; a default stands if nothing is set. */
#ifndef MAILAUTH_SETTINGS_SETTINGS_H
#define MAILAUTH_SETTINGS_SETTINGS_H

#include "client/registry.h"
#include "mailauth/base/kinds.h"
#include "mailauth/base/networks.h"

/* The keys that settings are read from. */
/* Where Maildirs are unless it is set: a folder that the installation makes, and that is
 * the user mail's. */
#define DEFAULT_MAIL_DIRECTORY "/var/lib/mailauthd/mail/%u/Maildir"

typedef enum {
  SETTINGS_STORE,   /* Services\MSExchangeIS\ParametersSystem */
  SETTINGS_SERVICE, /* Services\MailAuth, with Parameters below it */
  SETTINGS_BROKERS, /* Services\MBS\Instances, with the instances below it */
  SETTINGS_POP3,    /* Services\MSExchangePOP3\Parameters */
  SETTINGS_IMAP,    /* Services\MSExchangeIMAP4\Parameters */
  N_SETTINGS_KEYS
} SettingsKey;

/* "HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\..."; static. */
const char *settings_get_path(SettingsKey key);
/* The key of the accounts. */
#define ACCOUNTS_PATH "HKEY_LOCAL_MACHINE\\SAM\\Domains\\Account\\Users"
/* Values of an account that lead to its mailbox, in place of the protocol's. */
#define MAIL_DIRECTORY_VALUE "Mail Directory"
#define BACKEND_VALUE "Backend"

typedef enum { STORE_MAILDIR, STORE_BACKEND } StoreKind;

/* A mail server behind. */
typedef struct {
  char *host; /* NULL if no backend is set, or it is a path; an IPv6 address without its
                 brackets */
  char *path; /* of a Unix socket, or NULL */
  guint16 port;
  Protocol protocol;
  gboolean tls; /* from the start */
} BackendAddress;

typedef struct {
  guint32 enabled;
  char **listen;
  char **listen_tls;
  guint32 clear_text;    /* ClearText */
  guint32 login_timeout; /* s */
  guint32 idle_timeout;  /* s */
  guint32 max_connections;
  guint32 max_connections_per_address;
  guint32 logging_level; /* 0 to 5 */
  guint32 store;         /* StoreKind */
  char *mail_directory;  /* "" for none */
  char *mail_user;       /* "" for the Maildir's owner */
  char *unique_ids;      /* "name", or a format (unique-id-format.h) */
  char *backend_text;    /* as it is set; "" for none */
  BackendAddress backend;
  char *backend_master_user;
  char *backend_master_password; /* wiped when the snapshot goes */
  char *backend_ca_file;         /* "": the system's */
  char *backend_fingerprint;     /* fingerprint.h; "": the certificate is proved by its issuer */
} ProtocolSettings;

/* The membership broker that is named. Of the types' own settings only those of
 * its type are read; the others stand at their defaults. */
typedef struct {
  gboolean exists; /* its key is there */
  char *type;      /* "" if there is none */
  /* of type sqlite */
  char *database; /* "" for none */
  /* of type ldap */
  char *uri;            /* one or several, with spaces in between */
  char *base_dn;        /* where users are searched */
  char *user_filter;    /* RFC 4515, with %u */
  char *user_attribute; /* the account's name; "": what was typed is it */
  char *bind_dn;        /* "": the search is anonymous */
  char *bind_password;  /* wiped when the snapshot goes */
  guint32 start_tls;
  char *ca_file; /* "": the system's */
  /* of types postgresql and mysql */
  char *connection;          /* connection-words.h */
  char *connection_password; /* "" for none; wiped when the snapshot goes */
  char *query;               /* sql-query.h */
  /* of all that are servers */
  guint32 timeout;   /* ms that a login waits for the server in all */
  guint32 pool_size; /* connections at once */
} Broker;

/* The files of one certificate. */
typedef struct {
  char *certificate; /* "" for none */
  char *private_key; /* "": it is in the certificate's file */
} CertificateFiles;

/* A host that clients may name when they begin TLS. */
typedef struct {
  char *name; /* canonical (host-name.h); "" for clients that ask for none of the others */
  CertificateFiles files[N_CERTIFICATE_SLOTS];
} HostSettings;

typedef enum {
  SCOPE_NOTHING,  /* a default, or the rest of the setting, stands in for it */
  SCOPE_PROTOCOL, /* no login of that protocol can be decided */
  SCOPE_NATIVE,   /* ... no native login */
  SCOPE_BROKER,   /* ... no login by that broker */
  SCOPE_ALL,      /* ... no login at all */
} ProblemScope;

typedef struct {
  ProblemScope scope;
  SettingsKey key;
  char *text; /* "<key>, <name>: <what is wrong and what would be right>" */
} SettingProblem;

typedef struct {
  gatomicrefcount references;
  gboolean known;    /* regd has answered for every key */
  gboolean readable; /* FALSE: defaults stand in for listeners, sockets or certificates, as
                        their key is barred or has failed */
  char *package;     /* "" for native */
  char *broker;      /* "" for none */
  Broker chosen;
  char **logon_only_as;
  char *object_name;
  char *native_source;
  char *pam_service;
  guint32 pam_timeout;     /* ms that a login waits for PAM in all */
  char **domains;          /* as name_get_domain() gives them, each once */
  GPtrArray *hosts;        /* of HostSettings; "" is the first, and there always */
  guint32 minimum_tls;     /* 0x0303: 1.2 */
  char *ciphers;           /* of TLS 1.2, as they are set; "": the server's own list */
  gboolean has_ciphers;    /* they can be used */
  char **mechanisms;       /* as they are set; none for all */
  guint left_out;          /* MECHANISM_BIT() of each that is not among them */
  char **trusted_networks; /* those of them that networks_add() takes; loopback if none is set */
  Networks *trusted;       /* the same */
  char **proxy_networks;   /* those of them that networks_add() takes */
  guint32 failure_delay;   /* ms */
  guint32 lockout_threshold;
  guint32 lockout_seconds;
  guint32 failures_per_account; /* wrong passwords in lockout_seconds, over all addresses */
  guint32 failures_per_minute;  /* wrong passwords in all; 0 for either: no bound */
  guint32 verified_seconds;     /* 0: a password is proved each time */
  char *sockets[N_AUTH_KINDS];  /* absolute paths, short enough to be bound; "" for none */
  guint32 socket_mode;
  char *socket_group; /* "" for this server's own */
  ProtocolSettings protocols[N_PROTOCOLS];
  GPtrArray *problems; /* of SettingProblem */
} Settings;

Settings *settings_ref(Settings *settings);
void settings_unref(Settings *settings);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Settings, settings_unref)

/* The first problem that keeps every login of @protocol from being decided,
 * whichever package decides; NULL for none. Borrowed. */
const SettingProblem *settings_find_problem(const Settings *settings, Protocol protocol);
/* The first problem of exactly @scope; NULL for none. */
const SettingProblem *settings_find_scope(const Settings *settings, ProblemScope scope);

/* Whether @protocol listens at all: IMAP does not before it has a `Backend`, whatever
 * else is set. */
gboolean protocol_is_served(const Settings *settings, Protocol protocol);

/* The texts of a REG_MULTI_SZ, or the one of a REG_SZ; NULL for other types. Owned. */
char **settings_dup_names(const RegistryValue *value);
/* `Domain`, as name_get_account() takes it. Borrowed. */
const char *const *settings_get_domains(const Settings *settings);
/* name_get_account() by them. */
char *settings_get_account(const Settings *settings, const char *user);
/* Whether there are several, so that accounts are kept by their full names. */
gboolean settings_has_full_names(const Settings *settings);

/* Whether any login needs a server that is elsewhere. */
gboolean settings_have_servers(const Settings *settings);

/* "MSExchangePOP3", "MSExchangeIMAP4" or "MailAuth": the source of a protocol's events. */
const char *protocol_get_source(Protocol protocol);
/* "POP3", "IMAP" or "SASL". */
const char *protocol_get_name(Protocol protocol);
/* What a login by it is for: "pop3", "imap", or @told (NULL: nothing) by the server that asks.
 * Owned by the caller. */
char *protocol_dup_service(Protocol protocol, const char *told);
/* "Auth Socket" or "Saslauthd Socket". */
const char *auth_kind_get_setting(AuthKind kind);

/* "Certificate", or "Alternative Private Key", and so on. */
const char *certificate_slot_get_setting(CertificateSlot slot, gboolean is_key);

void backend_address_clear(BackendAddress *address);
/* Of a SettingProblem, and of HostSettings. */
void setting_problem_free(gpointer data);
void host_settings_free(gpointer data);

#endif
