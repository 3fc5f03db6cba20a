/* SPDX-License-Identifier: Apache-2.0 */
/* Where a slice of the body ends must not matter; and any text may come as the content-type. */
#include <string.h>

#include "fuzz/fuzz.h"
#include "support/parts.h"

static void try_content_type(const char *data, size_t size)
{
    struct buf type = BUF_INIT;
    const char *fault;

    buf_append_str(&type, "multipart/form-data; boundary=");
    buf_append(&type, data, size);
    h2_multipart_free(h2_multipart_new(type.data, &parts_limits, &parts_recorder, NULL, &fault));
    buf_release(&type);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *body = (const char *)data;
    size_t slice = size > 0 ? data[size - 1] % 16u + 2 : 2;
    struct buf whole = BUF_INIT;
    struct buf bytes = BUF_INIT;
    struct buf slices = BUF_INIT;
    int rc = parts_read(body, size, size, &whole);

    assert(parts_read(body, size, 1, &bytes) == rc);
    assert(parts_read(body, size, slice, &slices) == rc);
    assert(whole.length == bytes.length && whole.length == slices.length);
    assert(memcmp(buf_str(&whole), buf_str(&bytes), whole.length) == 0);
    assert(memcmp(buf_str(&whole), buf_str(&slices), whole.length) == 0);
    buf_release(&whole);
    buf_release(&bytes);
    buf_release(&slices);
    try_content_type(body, size);
    return 0;
}
