/* SPDX-License-Identifier: Apache-2.0 */
#ifndef H2_TICKETS_H
#define H2_TICKETS_H
/*
 * The keys of session tickets (RFC 5077, RFC 8446 4.6.1): one set for all workers, so that a client
 * resumes with any of them, and beyond a change of certificates. Either made here, in memory only:
 * a new one every 12 hours, and a ticket is good for 24; or read from a file, which a restart and
 * other nodes share, and which whoever keeps it rotates. Counted; any thread.
 */
#include <openssl/ssl.h>
#include <stddef.h>

struct h2_tickets;

#define H2_TICKET_SECONDS      (24L * 3600)
#define H2_TICKET_KEY_SECONDS  (12L * 3600)
#define H2_TICKET_KEYS         3u  /* of these that are made here: what the oldest ticket needs */
#define H2_TICKET_KEYS_IN_FILE 16u /* at most */

struct h2_tickets *h2_tickets_new(void);
/* Keys behind each other, as nginx has them in a file each: all of 80 octets (a name of 16, 32 for
 * HMAC, 32 for AES-256), or all of 48 (a name, 16 for AES-128, 16 for HMAC). The first encrypts.
 * NULL with a sentence that names the file. */
struct h2_tickets *h2_tickets_read(const char *file, char *fault, size_t fault_size);
struct h2_tickets *h2_tickets_ref(struct h2_tickets *tickets);
void h2_tickets_unref(struct h2_tickets *tickets); /* accepts NULL */

/* Readies one ticket to be encrypted, or decrypted: what SSL_CTX_set_tlsext_ticket_key_evp_cb()
 * asks for, and answers. */
int h2_tickets_ready(struct h2_tickets *tickets, unsigned char name[16], unsigned char *iv,
                     EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int encrypts);

#endif
