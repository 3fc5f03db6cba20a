// SPDX-License-Identifier: Apache-2.0
// Chromium that speaks no HTTP/2, as behind a company's proxy: six connections at once for all of a profile.
import { launch } from './chromium.mjs';

export function start(options) {
  return launch(['--disable-http2'], options);
}
