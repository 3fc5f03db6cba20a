/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_CERTIFICATE_LIST_H
#define SERVER_CERTIFICATE_LIST_H
/* The certificates of all listeners, for who operates the server (GET /certificates). */

struct buf;
struct tls_contexts;

/* Appends {"certificates":[…]}: of each the address of the listener, the file, the names, subject
 * and issuer, its times, and what browsers will object to ("": nothing). */
void certificate_list_append(struct buf *json, const struct tls_contexts *contexts);

#endif
