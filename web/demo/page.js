/* SPDX-License-Identifier: Apache-2.0 */
/* What both pages of the demo are made with. */

export const service = '/sse/demo';

export const find = (id) => document.getElementById(id);

/** make('li', {className: 'x'}, 'text', otherNode) */
export function make(tag, properties, ...children) {
    const node = Object.assign(document.createElement(tag), properties);
    node.append(...children);
    return node;
}

export function showResult(output, good, text) {
    output.dataset.state = good ? 'good' : 'bad';
    output.textContent = text;
}

/** One run at a time, and a failure is shown where its button is. */
export function onSubmit(form, output, run) {
    let running = false;
    form.addEventListener('submit', async (event) => {
        event.preventDefault();
        if (running) {
            return;
        }
        running = true;
        const button = form.querySelector('[type=submit]');
        button.setAttribute('aria-disabled', 'true');
        try {
            await run();
        } catch (error) {
            showResult(output, false, error.message);
        }
        button.removeAttribute('aria-disabled');
        running = false;
    });
}

/** The data of an answer in the envelope, or an error that says what the server said. */
export async function readAnswer(response) {
    const answer = await response.json().catch(() => ({}));
    if (!response.ok || answer.success === false) {
        const said = [answer.message, answer.errorMessage, answer.error].filter(Boolean);
        const text = said.join(': ') || response.statusText;
        throw Object.assign(new Error(`${response.status} ${text}`), { status: response.status });
    }
    return 'data' in answer ? answer.data : answer;
}
