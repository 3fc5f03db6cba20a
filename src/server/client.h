/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_CLIENT_H
#define SERVER_CLIENT_H
/* What the commands health and backup do beside a server that runs. */

struct config;
struct config_fault;

/* What the server with these settings says of itself, for supervisors that have no HTTP client, as
 * in a container: asks /health/WHAT ("ready" or "live") of a listener, on this machine. 0: 200.
 * -EAGAIN for another status, or -ECONNREFUSED when there was no answer; *fault says so then. */
int check_health(const struct config *config, const char *what, struct config_fault *fault);

/* Where the copy of the stored messages goes: writes all that is in from to path, which is replaced
 * when the new file is whole and on the disk (mode 0600); "-": to standard output. A signal that
 * ends the process leaves nothing half, either. 0 or a negative errno. */
int backup_file_write(int from, const char *path);

#endif
