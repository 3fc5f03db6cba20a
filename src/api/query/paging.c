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
    paging->shown_number = (int64_t)paging->number;
    paging->shown_size = (int64_t)paging->size;
    return true;
}

static bool read_any(struct api_exchange *exchange, const char *name, int64_t *number)
{
    const char *text = h2_form_get(&exchange->query, name);
    const bool is_negative = text && *text == '-';
    uint64_t digits;

    if (!text || *text == '\0')
        return true;
    if (api_whole_number(text + is_negative, MOST + 1, &digits) != 0 || digits > MOST) {
        api_reply_error(exchange, 400, "%s must be a whole number from -%u to %u", name, MOST,
                        MOST);
        return false;
    }
    *number = is_negative ? -(int64_t)digits : (int64_t)digits;
    return true;
}

bool paging_read_java(struct api_exchange *exchange, struct paging *paging)
{
    int64_t timeout_ms = DEFAULT_TIMEOUT_MS;

    *paging = (struct paging){.shown_number = 1, .shown_size = DEFAULT_SIZE};
    if (!read_any(exchange, "pageNum", &paging->shown_number) ||
        !read_any(exchange, "pageSize", &paging->shown_size) ||
        !read_any(exchange, "timeout", &timeout_ms))
        return false;
    if (paging->shown_size > PAGING_MAX_SIZE)
        paging->shown_size = PAGING_MAX_SIZE;
    paging->number = paging->shown_number < 1 ? 1 : (uint64_t)paging->shown_number;
    paging->size = paging->shown_size < 0 ? 0 : (uint64_t)paging->shown_size;
    paging->timeout_ms = timeout_ms < 0 ? 0 : (uint64_t)timeout_ms;
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
    buf_printf(text, "{\"total\":%zu,\"pageNum\":%" PRId64 ",\"pageSize\":%" PRId64 ",\"list\":[",
               total, paging->shown_number, paging->shown_size);
}

void paging_close(struct buf *text, bool is_timeout)
{
    buf_printf(text, "],\"timeout\":%s}", is_timeout ? "true" : "false");
}
