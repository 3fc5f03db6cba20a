/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever is read as a message without a tree is the same message, or the same refusal, with one.
 */
#include "fuzz/fuzz.h"
#include "support/same_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct sse_message_bounds bounds[] = {
        {.data = 65536, .line = 65536},
        {.data = 20, .line = 10, .of_tenant = true},
    };
    const char *text = (const char *)data;
    struct json_view views[SSE_MESSAGE_FIELDS];

    if (!is_plain_message(text, size, views))
        return 0;
    for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++)
        assert(is_same_to_a_tree(views, text, size, &bounds[i]));
    return 0;
}
