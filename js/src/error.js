/* SPDX-License-Identifier: Apache-2.0 */

/** What went wrong: for people in `message`, which names the fix, and for programs in `code`. */
export class SseError extends Error {
    constructor(code, message, cause) {
        super(message, { cause });
        this.name = 'SseError';
        this.code = code;
    }
}
