/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OUTBOUND_FAULT_H
#define OUTBOUND_FAULT_H
/* What libcurl's errors are here: a negative errno, and a sentence for the log. */
#include <curl/curl.h>

struct outbound_fault {
    int error; /* 0: none */
    const char *reason;
};

/* Of a transfer that has ended so. */
struct outbound_fault outbound_fault_of(CURL *easy, CURLcode code);

#endif
