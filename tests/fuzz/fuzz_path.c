/* SPDX-License-Identifier: Apache-2.0 */
/* A path that was taken is clean, and stays what it is when it is escaped and parsed again. */
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "fuzz/fuzz.h"
#include "h2/uri.h"

static void check(const struct buf *path)
{
    struct buf escaped = BUF_INIT;
    struct buf again = BUF_INIT;
    const char *query;

    assert(path->data[0] == '/' && path->length == strlen(path->data));
    assert(!strstr(path->data, "/../") && !strstr(path->data, "/./") && !strchr(path->data, '\\'));
    assert(utf8_is_valid(path->data, path->length));
    for (const char *at = path->data; *at; at++)
        buf_printf(&escaped, *at == '/' ? "%c" : "%%%02x", (unsigned char)*at);
    assert(!h2_path_parse(escaped.data, &again, &query));
    assert(strcmp(again.data, path->data) == 0 && *query == '\0');
    buf_release(&escaped);
    buf_release(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf raw = BUF_INIT;
    struct buf path = BUF_INIT;
    const char *query;

    buf_append(&raw, data, size);
    if (!h2_path_parse(buf_str(&raw), &path, &query))
        check(&path);
    buf_release(&raw);
    buf_release(&path);
    return 0;
}
