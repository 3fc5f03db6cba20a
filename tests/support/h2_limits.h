/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SUPPORT_H2_LIMITS_H
#define SUPPORT_H2_LIMITS_H
/* The limits of HTTP as the settings have them by default, for tests without settings
 * (unit/server/test_config_keys.c compares the two). */
#include "h2/limits.h"

static const struct h2_limits h2_limits_default = {
    .concurrent_streams = 100,
    .header_fields = 100,
    .header_list_bytes = (size_t)16 * 1024,
    .header_field_bytes = (size_t)8 * 1024,
    .path_bytes = (size_t)4 * 1024,
    .continuations = 2,
    .stream_window = 64u * 1024,
    .session_window = 1024u * 1024,
    .session_body_bytes = (size_t)8 * 1024 * 1024,
    .inbound_bytes = (size_t)64 * 1024 * 1024,
    .output_soft_bytes = (size_t)256 * 1024,
    .output_hard_bytes = (size_t)512 * 1024,
    .unsent_bytes = 128u * 1024,
    .send_buffer_bytes = 512u * 1024,
    .outbound_frames = 1000,
    .outbound_acks = 100,
    .settings_entries = 16,
    .client_resets = {200, 20},
    .server_resets = {100, 10},
    .glitches = {1000, 33},
    .pings = {20, 1},
    .settings = {10, 1},
    .tiny_windows = {10000, 5000},
    .handshake_ms = 5000,
    .preface_ms = 5000,
    .settings_ack_ms = 10000,
    .headers_ms = 10000,
    .body_idle_ms = 10000,
    .body_floor = 1024,
    .idle_ms = 180000,
    .write_stall_ms = 30000,
    .ping_ms = 24000,
    .ping_ack_ms = 10000,
    .sessions = 100000,
    .handshakes = 512,
    .handshakes_per_address = 64,
};

#endif
