/* SPDX-License-Identifier: Apache-2.0 */
#include "h2/static.h"

#include <assert.h>
#include <stdbool.h>

#include "base/bytes.h"
#include "h2/negotiate.h"
#include "h2/request.h"
#include "h2/stream.h"

#define ETAG_SIZE  96u
#define OWN_FIELDS 4u

static struct bytes *body_of(const struct h2_asset *asset, enum h2_coding coding)
{
    switch (coding) {
    case H2_CODING_BROTLI:
        return asset->brotli;
    case H2_CODING_GZIP:
        return asset->gzip;
    default:
        return asset->identity;
    }
}

static enum h2_coding choose_coding(const struct h2_request *request, const struct h2_asset *asset)
{
    const bool available[H2_CODINGS] = {
        [H2_CODING_BROTLI] = asset->brotli != NULL,
        [H2_CODING_GZIP] = asset->gzip != NULL,
        [H2_CODING_IDENTITY] = true,
    };

    return h2_negotiate_coding(h2_request_header(request, "accept-encoding"), available);
}

void h2_static_respond(struct h2_stream *stream, const struct h2_asset *asset,
                       const char *cache_control, const struct h2_field *extra, size_t extra_count)
{
    const struct h2_request *request = h2_stream_request(stream);
    struct h2_field fields[OWN_FIELDS + H2_STATIC_MAX_EXTRA];
    struct h2_response response = {.status = 200, .fields = fields};
    enum h2_coding coding;
    const char *if_none_match;
    char etag[ETAG_SIZE];

    if (!request)
        return;
    assert(extra_count <= H2_STATIC_MAX_EXTRA);
    coding = choose_coding(request, asset);
    h2_negotiate_etag(asset->etag, coding, etag, sizeof(etag));
    fields[response.field_count++] = (struct h2_field){"etag", etag};
    fields[response.field_count++] = (struct h2_field){"cache-control", cache_control};
    fields[response.field_count++] = (struct h2_field){"vary", "accept-encoding"};
    for (size_t i = 0; i < extra_count; i++)
        fields[response.field_count++] = extra[i];
    if_none_match = h2_request_header(request, "if-none-match");
    if (if_none_match && h2_negotiate_is_match(if_none_match, etag)) {
        response.status = 304;
    } else {
        if (coding != H2_CODING_IDENTITY)
            fields[response.field_count++] =
                (struct h2_field){"content-encoding", h2_coding_names[coding]};
        response.content_type = asset->content_type;
        response.body = bytes_ref(body_of(asset, coding));
    }
    h2_stream_respond(stream, &response);
}
