/* SPDX-License-Identifier: Apache-2.0 */
/* What a page loads that wants no module: the same client as window.Sse. */
import Sse from './sse.js';

window.Sse = Sse;
