/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OUTBOUND_LIBCURL_H
#define OUTBOUND_LIBCURL_H
/*
 * Loads libcurl when the first request needs it. With it come more than twenty libraries and 4.5
 * MB, which a server that asks nobody does without.
 *
 * Its functions, as far as we call them, are defined here under their own names, and pass the call
 * on. So who uses <curl/curl.h> sees nothing of this, but has to load it first.
 */
#include <stdbool.h>

/* Loads and prepares it, which may wait for a disk, unless that is done. Any thread. SIGPIPE must
 * be ignored. False: it cannot be loaded now; the log says why. */
bool libcurl_load(void);
bool libcurl_is_loaded(void);

#endif
