/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_DESCRIPTORS_H
#define BASE_DESCRIPTORS_H

/* Opens /dev/null where standard input, output or error are closed: else the next file or socket
 * would get the number, and what is written to the log would go there. Before anything is opened.
 * 0 or a negative errno. */
int descriptors_fill_standard(void);

#endif
