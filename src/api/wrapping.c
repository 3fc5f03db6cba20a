/* SPDX-License-Identifier: Apache-2.0 */
#include "api/wrapping.h"

#include <string.h>
#include <strings.h>

#include "api/api_settings.h"
#include "api/envelope.h"
#include "api/json_text.h"
#include "api/worker.h"
#include "h2/request.h"

struct wrapping wrapping_of(const struct api_service *service, const struct h2_request *request,
                            bool is_for_pages)
{
    const char *wish = request ? h2_request_header(request, "x-sse-envelope") : NULL;

    if (!service || (wish && strcasecmp(wish, "plain") == 0))
        return (struct wrapping){.is_bare = false};
    return (struct wrapping){
        .is_bare = !service->settings->envelope,
        .ok = is_for_pages ? service->settings->envelope_ok : NULL,
        .error = is_for_pages ? service->settings->envelope_error : NULL,
    };
}

void wrapping_append_data(const struct wrapping *wrapping, struct buf *to, int status,
                          const struct buf *data)
{
    static const char tail[] = ",\"message\":null,\"errorMessage\":null}";

    buf_reserve(to, data->length + 128);
    if (wrapping->is_bare) {
        buf_append(to, data->data, data->length);
    } else if (wrapping->ok) {
        envelope_append(wrapping->ok, to,
                        &(struct envelope_values){
                            .status = status, .data = data->data, .length = data->length});
    } else {
        buf_printf(to, "{\"success\":true,\"code\":%d,\"data\":", status);
        buf_append(to, data->data, data->length);
        buf_append(to, tail, sizeof(tail) - 1);
    }
}

/* For people; the detail beside it is for who can mend it. */
static const char *sentence(int status)
{
    static const struct {
        int status;
        const char *text;
    } sentences[] = {
        {400, "The request is malformed."},
        {401, "Please sign in."},
        {403, "This is not allowed."},
        {404, "There is no such thing here."},
        {405, "This cannot be done here."},
        {406, "This cannot be given in that form."},
        {413, "That is too large."},
        {414, "That address is too long."},
        {415, "That type of content is not taken here."},
        {422, "Something in the request cannot be done as it stands."},
        {429, "Too many at once. Please try again later."},
        {431, "The request's header fields are too large."},
        {502, "A service behind this one failed."},
        {503, "The server takes no new work just now. Please try again later."},
        {504, "A service behind this one took too long."},
    };

    for (size_t i = 0; i < sizeof(sentences) / sizeof(sentences[0]); i++) {
        if (sentences[i].status == status)
            return sentences[i].text;
    }
    return status < 500 ? "The request was refused." : "The server failed. We are sorry.";
}

void wrapping_append_error(const struct wrapping *wrapping, struct buf *to, int status,
                           const char *data, const char *detail)
{
    if (wrapping->error) {
        if (!data)
            data = "null";
        envelope_append(wrapping->error, to,
                        &(struct envelope_values){.status = status,
                                                  .data = data,
                                                  .length = strlen(data),
                                                  .message = sentence(status),
                                                  .error = detail});
        return;
    }
    if (wrapping->is_bare) {
        buf_append_str(to, "{\"error\":");
        json_text_string(to, detail);
        if (data)
            buf_printf(to, ",\"data\":%s", data);
        buf_append_char(to, '}');
        return;
    }
    buf_printf(to, "{\"success\":false,\"code\":%d,\"data\":%s,\"message\":", status,
               data ? data : "null");
    json_text_string(to, sentence(status));
    buf_append_str(to, ",\"errorMessage\":");
    json_text_string(to, detail);
    buf_append_char(to, '}');
}
