/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OUTBOUND_LOADING_H
#define OUTBOUND_LOADING_H
/*
 * What the first request waits for, loaded by a thread: libcurl and, where it needs TLS, the
 * certificate authorities.
 */
struct file_readers;
struct outbound_authorities;
struct outbound_loading;

/* Here and now. authorities: NULL: none are needed. */
void outbound_load(struct outbound_authorities *authorities);

/* By a thread. done runs later, in the client's loop, once, whether or not it could be loaded.
 * NULL: there is no thread. */
struct outbound_loading *outbound_loading_start(struct outbound_authorities *authorities,
                                                const struct file_readers *readers,
                                                void (*done)(void *context), void *context);
/* done does not run. Accepts NULL. */
void outbound_loading_cancel(struct outbound_loading *loading);

#endif
