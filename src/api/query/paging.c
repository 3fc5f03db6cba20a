/* SPDX-License-Identifier: Apache-2.0 */
#include "api/query/paging.h"

#include <inttypes.h>

#include "api/exchange.h"
#include "api/parameters.h"
#include "api/reply.h"

#define DEFAULT_SIZE       100u
#define DEFAULT_TIMEOUT_MS 5000u
#define MOST               1000000000u

static bool read_number(struct api_exchange *exchange, const char *name, uint64_t least,
                        uint64_t *number)
{
    const char *text = h2_form_get(&exchange->query, name);

    if (!text ||
        (api_whole_number(text, MOST + 1, number) == 0 && *number >= least && *number <= MOST))
        return true;
    api_reply_error(exchange, 400, "%s must be a whole number from %" PRIu64 " to %u", name, least,
                    MOST);
    return false;
}

bool paging_read(struct api_exchange *exchange, struct paging *paging)
{
    *paging = (struct paging){.number = 1, .size = DEFAULT_SIZE, .timeout_ms = DEFAULT_TIMEOUT_MS};
    if (!read_number(exchange, "pageNum", 1, &paging->number) ||
        !read_number(exchange, "pageSize", 1, &paging->size) ||
        !read_number(exchange, "timeout", 0, &paging->timeout_ms))
        return false;
    if (paging->size > PAGING_MAX_SIZE)
        paging->size = PAGING_MAX_SIZE;
    return true;
}

size_t paging_start(const struct paging *paging)
{
    return (size_t)((paging->number - 1) * paging->size);
}

size_t paging_end(const struct paging *paging)
{
    return (size_t)(paging->number * paging->size);
}

void paging_open(struct buf *text, const struct paging *paging, size_t total)
{
    buf_printf(text, "{\"total\":%zu,\"pageNum\":%" PRIu64 ",\"pageSize\":%" PRIu64 ",\"list\":[",
               total, paging->number, paging->size);
}

void paging_close(struct buf *text, bool is_timeout)
{
    buf_printf(text, "],\"timeout\":%s}", is_timeout ? "true" : "false");
}
