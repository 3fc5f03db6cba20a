/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_PAGING_H
#define API_PAGING_H
/* The pages of a list: which one is asked for, and the shape that it is answered in. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct api_exchange;

#define PAGING_MAX_SIZE 1000u

struct paging {
    uint64_t number; /* from 1 */
    uint64_t size;   /* 0: the page is empty */
    int64_t shown_number, shown_size;
    /* For what may take long; 0: as long as it takes. Connections need no limit: the workers of one
     * process always answer. */
    uint64_t timeout_ms;
};

/* pageNum, pageSize, timeout. False: then it has answered 400. */
bool paging_read(struct api_exchange *exchange, struct paging *paging);
/* The same as the Java system takes them: numbers below 1 are served, too. */
bool paging_read_java(struct api_exchange *exchange, struct paging *paging);

/* Elements before the page, and up to its end. */
size_t paging_start(const struct paging *paging);
size_t paging_end(const struct paging *paging);

/* {"total":…,"list":[…]}: the caller appends the elements between the two, and answers. is_timeout:
 * it took too long, and what is answered is not all. */
void paging_open(struct buf *text, const struct paging *paging, size_t total);
void paging_close(struct buf *text, bool is_timeout);

#endif
