/* SPDX-License-Identifier: MIT */
/* The limits of the mail server: every size and count that a stranger could make grow,
 * by name. Limits that administrators set are settings, and not here. */
#ifndef MAILAUTH_BASE_LIMITS_H
#define MAILAUTH_BASE_LIMITS_H

/* A POP3 command with its CRLF (RFC 2449, section 4). */
#define MAX_POP3_COMMAND 255
/* A line of a SASL exchange with its CRLF, in either protocol, and so an AUTH
 * or AUTHENTICATE command with an initial response (RFC 5034, section 4). */
#define MAX_SASL_LINE 12288
/* What an IMAP command may come to before login, its literals included. */
#define MAX_IMAP_COMMAND 12288
/* One literal before login, in bytes. At least 4096: LITERAL- (RFC 7888). */
#define MAX_IMAP_LITERAL 4096
/* A non-synchronising literal that is too large but small enough to be read
 * past; a larger one ends the session (RFC 7888, section 4). */
#define MAX_IMAP_SKIPPED_LITERAL 65536
/* An IMAP tag, in bytes. */
#define MAX_IMAP_TAG 64

/* A user's name as a client gives it (domain and mailbox included), and a
 * password, in bytes. RFC 4616 asks for 255 at least. */
#define MAX_USER 512
#define MAX_PASSWORD 1024
/* The name of a mechanism or of a version of TLS, as it is recorded, in bytes. */
#define MAX_METHOD 32
/* A name with every character escaped, in bytes. */
#define MAX_SHOWN_NAME (8 * MAX_USER)

/* The cost of a password's hash, some seconds at most on a machine of today: rounds
 * of $6$ and $5$; bcrypt's logarithm; yescrypt's digits for rounds and block size at
 * the highest cost that crypt_gensalt(3) makes (1 GB). */
#define MAX_SHA_ROUNDS 5000000
#define MAX_BCRYPT_COST 16
#define MAX_YESCRYPT_ROUNDS 'F'
#define MAX_YESCRYPT_BLOCK 'T'
#define MAX_PBKDF2_ROUNDS 5000000
/* Argon2's memory in KiB (1 GiB), its passes over it, the product of both, and its lanes;
 * its result in bytes. */
#define MAX_ARGON2_MEMORY (1024 * 1024)
#define MAX_ARGON2_PASSES 1024
#define MAX_ARGON2_WORK (4 * 1024 * 1024)
#define MAX_ARGON2_LANES 64
#define MAX_ARGON2_TAG 128
/* A hash as text, and a salt in it, in bytes. */
#define MAX_HASH 1024
#define MAX_HASH_SALT 128

/* SCRAM-SHA-256: one message of a client's, and its nonce, in bytes (a name may
 * come three times as long as it is, RFC 5802, section 5.1); salts. */
#define MAX_SCRAM_MESSAGE 6144
#define MAX_SCRAM_NONCE 256
#define MAX_SCRAM_SALT 64
/* How often a password is hashed for its keys (RFC 7677 asks for 4096 at least;
 * clients with Cyrus SASL take up to 65536), and what is taken of keys that are
 * kept: it is the client that has the work. */
#define SCRAM_ITERATIONS 16384
#define SCRAM_MIN_ITERATIONS 4096
#define SCRAM_MAX_ITERATIONS 1000000
/* Exchanges that wait for their clients at once; a new one is refused then. */
#define MAX_SCRAM_EXCHANGES 16384
/* The channel bindings of a connection. */
#define MAX_CHANNEL_BINDINGS 4
#define MAX_CHANNEL_BINDING_TYPE 64
#define MAX_CHANNEL_BINDING 64

/* Commands that can't be used, and refused logins, before a session is ended. */
#define MAX_BAD_COMMANDS 3
#define MAX_FAILED_LOGINS 10

/* A line of the Dovecot authentication protocol with its LF, in what Dovecot
 * itself takes of it; requests of one connection under way at once. */
#define MAX_AUTH_LINE 16384
/* What another server calls its service ("smtp"), in bytes; a longer name is none. */
#define MAX_AUTH_SERVICE 64
#define MAX_AUTH_REQUESTS 256
/* Connections to each of the sockets for other servers, and how long a saslauthd
 * client may take for its question, in ms. */
#define MAX_AUTH_CONNECTIONS 2048
#define AUTH_QUESTION_MS 30000

/* A message between two roles, which has to fit a Unix socket's send buffer in
 * one piece; what waits for a role that is slow to read. */
#define MAX_MESSAGE 65536
#define MAX_MESSAGE_DESCRIPTORS 2
#define MAX_CHANNEL_QUEUE (8 * 1024 * 1024)
#define MAX_CHANNEL_QUEUED_MESSAGES 16384

/* Addresses listened on; store processes at one time. */
#define MAX_LISTENERS 256
#define MAX_STORES 1024

/* Logins that wait for one directory; PAM's processes, and logins that wait for them. */
#define MAX_DIRECTORY_WAITING 4096
#define PAM_PROCESSES 16
#define MAX_PAM_WAITING 4096
/* One message of a directory's; of its words, and of a whole explanation with an
 * entry's name, what is passed on; in bytes. */
#define MAX_DIRECTORY_MESSAGE (1024 * 1024)
#define MAX_DIRECTORY_TEXT 256
#define MAX_DIRECTORY_DETAIL 1024
/* SQL brokers. Of a `Connection` and a `Query` the bytes, the hosts and the parameters; processes
 * of one broker, each with a connection; logins that wait for them. */
#define MAX_SQL_CONNECTION 4096
#define MAX_SQL_HOSTS 16
#define MAX_SQL_QUERY 16384
#define MAX_SQL_PARAMETERS 64
#define MAX_SQL_PROCESSES 256
#define MAX_SQL_WAITING 4096
/* What a database may answer: columns, bytes of one packet or of memory that the process takes
 * for all (64 MiB), bytes of a value that is passed on (of `disabled` fewer), and of its words. */
#define MAX_SQL_COLUMNS 256
#define MAX_SQL_PACKET 65536
#define MAX_SQL_MEMORY (64 * 1024 * 1024)
#define MAX_SQL_VALUE 4096
#define MAX_SQL_FLAG 64
#define MAX_SQL_TEXT 512
/* Kinds of hashes that stand in for accounts that are not there: each costs a little at every
 * login, and a database says which there are. */
#define MAX_STAND_IN_KINDS 256
/* Accounts of an SQL database by whose rows the kinds are weighed. */
#define MAX_SQL_STAND_INS 65536U
/* How much longer than `Timeout` a process may be silent before it is killed, and how long one
 * that is not asked keeps its connection; in ms and s. */
#define SQL_GRACE_MS 250
#define SQL_IDLE_S 60
/* A connection to a server that nothing was said on for so long is asked by TCP
 * whether it still stands; one to a directory is not used again then; in s. */
#define SERVER_KEEPALIVE_S 30
#define DIRECTORY_IDLE_S 60
/* Connections to servers that are being made at once; how long each may take, in ms. */
#define MAX_CONNECTS 8192
#define MAX_CONNECT_MS 600000
/* How long a server that is set no longer is connected to for those who have begun
 * before, in s; and how many such servers are known. */
#define FORMER_SERVER_S 60
#define MAX_FORMER_SERVERS 256
/* Accounts with a mail server of their own that the connector has verified; the oldest is
 * evicted. */
#define MAX_ACCOUNT_SERVERS 65536

/* Accounts whose password is cached for a while (`Verified Seconds`); the oldest is
 * evicted. */
#define MAX_VERIFIED 65536

/* Messages in one mailbox, and the bytes of the files that keep their sizes and
 * unique IDs. */
#define MAX_MESSAGES 1000000
#define MAX_SIZES_FILE (192 * 1024 * 1024)
#define MAX_IDS_FILE (192 * 1024 * 1024)
/* A message that another server has packed, unpacked; the logarithm of the bytes that
 * zstd may keep of it at once (32 MiB; its levels up to 19 take 8). */
#define MAX_UNPACKED_MESSAGE (256 * 1024 * 1024)
#define MAX_UNPACK_WINDOW_LOG 25
/* How long an answer waits for the event that it follows to be recorded, in ms. */
#define MAX_RECORD_MS 2000
/* A message's unique ID (RFC 1939, section 7), and how Dovecot made it, in characters. */
#define MAX_UNIQUE_ID 70
#define MAX_UNIQUE_ID_FORMAT 255
/* Dovecot's list of a Maildir's messages, and a line of it with its LF, in bytes;
 * Dovecot reads no longer ones itself. */
#define MAX_UIDLIST_FILE (256 * 1024 * 1024)
#define MAX_UIDLIST_LINE 4096

/* Values that are no settings, and accounts with an unusable hash: how many of them are
 * listed. */
#define MAX_UNKNOWN_NAMES 20
#define MAX_LISTED_ACCOUNTS 20
/* App passwords of one account that are tried: each is proved at a login. */
#define MAX_APP_PASSWORDS 32

/* How many of those held back one answer lists. */
#define MAX_LISTED_HOLDS 10000

/* What is logged of sessions: bytes of a line, and lines a second; more are
 * counted and left out. */
#define MAX_TRANSCRIPT_LINE 1024
#define MAX_TRANSCRIPT_LINES 1000

/* Addresses and networks in `Trusted Networks`, and in `Proxy Networks`. */
#define MAX_NETWORKS 500

/* What a mail server behind has a user told, in characters. */
#define MAX_ALERT 255

/* What follows the head of a proxy's header, version 2, in bytes. */
#define MAX_PROXY_HEADER 4096

/* Clients refused by a limit, or in a TLS handshake: how many a second are told one by one; in
 * how many addresses' events they are told in a minute, and in bytes why. */
#define MAX_REFUSALS_TOLD 100
#define MAX_REFUSED_ADDRESSES 32
#define MAX_REFUSAL_DETAIL 128

/* A certificate with its chain, or a private key, in bytes; what is shown of a
 * certificate's subject, in bytes. */
#define MAX_PEM_FILE (256 * 1024)
#define MAX_SUBJECT 512
/* Hosts with a certificate of their own (`Certificates`). */
#define MAX_CERTIFICATE_HOSTS 1000
/* OpenSSL's: keys of less than 112 bits' strength, and SHA-1, are refused. */
#define TLS_SECURITY_LEVEL 2

/* The bytes of a client's input that are looked at before its answers are sent:
 * what a client that does not read can make the server hold. */
#define INPUT_SLICE 512
/* Logins that wait for a verdict at once; more are refused as a temporary failure. */
#define MAX_WAITING_LOGINS 4096
/* The longest that a verdict may have an answer wait, in ms. */
#define MAX_VERDICT_DELAY_MS 60000
/* The bytes on the wire that one reading of a TLS connection takes, and all that a
 * client may send before the handshake is done. Clients' are some 1,000. */
#define MAX_TLS_INPUT 65536
#define MAX_HANDSHAKE_INPUT 32768
/* Readings of one connection before others have their turn. */
#define MAX_READS_AT_ONCE 8
/* Connections taken from one listener, and messages from one role, before others
 * have their turn. */
#define MAX_ACCEPTS_AT_ONCE 64
#define MAX_MESSAGES_AT_ONCE 16
/* How long a listener rests when the system has no descriptor left, in ms. */
#define ACCEPT_REST_MS 100
/* The bytes that a relay holds for each direction while a side is slow. */
#define RELAY_BUFFER 16384
/* Sessions that one message tells a new verifier of, and those that it knows at most: each has two
 * descriptors, of the 1048576 that Linux lets a process have. */
#define MAX_SESSIONS_AT_ONCE 64
#define MAX_SESSIONS 524288
/* How long a login waits for a verifier that is being replaced, in ms. */
#define VERIFIER_WAIT_MS 5000
/* How long a session that is over may take to read its last answer, in ms. */
#define LINGER_MS 5000

#endif
