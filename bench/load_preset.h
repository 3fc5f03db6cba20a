/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOAD_PRESET_H
#define LOAD_PRESET_H
/*
 * How each target is connected to, published to and asked: whatever the command line left open.
 */
struct load_options;

/* 0; or -EINVAL with what is wrong told on stderr. */
int load_preset_apply(struct load_options *options);

#endif
