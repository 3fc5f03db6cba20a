/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SUPPORT_SAME_MESSAGE_H
#define SUPPORT_SAME_MESSAGE_H
/* A body that is written plainly is read without a tree: to a tree it must be the same, with the
 * same refusals. */
#include <stdbool.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/json_view.h"
#include "sse/message.h"

#define SAME_FAULT_SIZE 512

static bool same_texts(const char *one, const char *other)
{
    return !one || !other ? one == other : strcmp(one, other) == 0;
}

static bool same_targets(const struct sse_target *one, const struct sse_target *other)
{
    bool are_same = one->dimension == other->dimension && one->count == other->count &&
                    same_texts(one->listening, other->listening);

    for (size_t i = 0; are_same && i < one->count; i++)
        are_same = strcmp(one->values[i], other->values[i]) == 0;
    return are_same;
}

/* Fresh ids differ, and nothing else. */
static bool same_wires(const struct sse_message *one, const struct sse_message *other)
{
    const char *left = strstr(one->wire->data, one->id);
    const char *right = strstr(other->wire->data, other->id);

    return left && right && same_texts(left + strlen(one->id), right + strlen(other->id));
}

static bool same_messages(const struct sse_message *one, const struct sse_message *other)
{
    return same_texts(one->event, other->event) && same_texts(one->comment, other->comment) &&
           one->retry_ms == other->retry_ms && one->has_name == other->has_name &&
           one->has_no_event == other->has_no_event && same_targets(&one->target, &other->target) &&
           one->is_stored == other->is_stored && one->is_id_fresh == other->is_id_fresh &&
           (one->is_id_fresh || same_texts(one->id, other->id)) && one->ttl_s == other->ttl_s &&
           same_texts(one->receipt, other->receipt) && same_texts(one->data, other->data) &&
           same_wires(one, other);
}

static bool is_plain_message(const char *text, size_t length, struct json_view *views)
{
    struct json_view_text at = {.text = text, .length = length};

    return sse_message_view_text(&at, views) && json_view_is_over(&at);
}

static bool is_same_to_a_tree(const struct json_view *views, const char *text, size_t length,
                              const struct sse_message_bounds *bounds)
{
    char ours[SAME_FAULT_SIZE] = "", trees[SAME_FAULT_SIZE] = "";
    struct json_fault json_fault;
    json_t *tree = json_parse_by(&sse_message_json, text, length, &json_fault);
    struct sse_message *one, *other;
    bool are_same;

    if (!tree)
        return false;
    json_drop_nulls(tree);
    are_same = sse_message_from_views(&one, views, bounds, ours, sizeof(ours)) ==
               sse_message_from_json(&other, tree, bounds, trees, sizeof(trees));
    if (are_same && one)
        are_same = same_messages(one, other);
    else
        are_same = are_same && !other && strcmp(ours, trees) == 0;
    sse_message_unref(one);
    sse_message_unref(other);
    json_decref(tree);
    return are_same;
}

#endif
