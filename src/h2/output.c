/* SPDX-License-Identifier: Apache-2.0 */
#include "h2/output.h"

#include "h2/session_state.h"
#include "h2/stream_state.h"

/* Three full records and the frame that did not fit any more. */
#define GATHER       (3 * H2_WIRE_RECORD)
#define FRAME_HEADER 9u /* RFC 9113 4.1 */

int h2_output_finish(struct h2_output *output, struct h2_session *session)
{
    int result = 0;

    if (output->frames.length > 0)
        result = h2_wire_write(&session->wire, output->frames.data, output->frames.length);
    session->endpoint->counters.bytes_out += output->frames.length;
    buf_clear(&output->frames);
    return result;
}

int h2_output_append(struct h2_output *output, struct h2_session *session, const void *data,
                     size_t length)
{
    buf_append(&output->frames, data, length);
    return output->frames.length < GATHER ? 0 : h2_output_finish(output, session);
}

int h2_output_data(struct h2_output *output, struct h2_session *session, const uint8_t *header,
                   size_t length, struct h2_stream *stream)
{
    buf_append(&output->frames, header, FRAME_HEADER);
    return h2_output_take(output, session, length, stream);
}

int h2_output_take(struct h2_output *output, struct h2_session *session, size_t length,
                   struct h2_stream *stream)
{
    buf_reserve(&output->frames, length);
    if (length > 0)
        h2_stream_take(stream, output->frames.data + output->frames.length, length);
    output->frames.length += length;
    return output->frames.length < GATHER ? 0 : h2_output_finish(output, session);
}
