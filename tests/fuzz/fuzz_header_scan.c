/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any header block: we must find as many fields in it as nghttp2's decoder does, whatever the
 * pieces it comes in. The first octet says which those are.
 */
#include <nghttp2/nghttp2.h>

#include "fuzz/fuzz.h"
#include "h2/rates.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct h2_header_scan scan;
    nghttp2_hd_inflater *inflater;
    uint32_t found = 0;

    if (size < 1)
        return 0;
    const size_t piece = data[0] ? data[0] : size;
    assert(nghttp2_hd_inflate_new(&inflater) == 0);
    scan = (struct h2_header_scan){0};
    for (size_t at = 1; at < size; at += piece) {
        const size_t length = size - at < piece ? size - at : piece;
        assert(h2_header_scan_take(&scan, UINT32_MAX, data + at, length) == length);
        for (size_t done = 0; done < length;) {
            nghttp2_nv field;
            int flags = 0;
            ssize_t taken = nghttp2_hd_inflate_hd2(inflater, &field, &flags, data + at + done,
                                                   length - done, 0);
            if (taken < 0) {
                nghttp2_hd_inflate_del(inflater);
                return 0;
            }
            done += (size_t)taken;
            found += (flags & NGHTTP2_HD_INFLATE_EMIT) != 0;
        }
        assert(scan.fields >= found);
    }
    nghttp2_hd_inflate_del(inflater);
    return 0;
}
