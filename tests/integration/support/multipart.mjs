// SPDX-License-Identifier: Apache-2.0
// Writes multipart/form-data bodies, also ill-formed ones.
export const BOUNDARY = 'integration-boundary';
export const MULTIPART = `multipart/form-data; boundary=${BOUNDARY}`;

// part: {headers: [lines], data} or {name, fileName, type, data}.
function partBytes({ headers, name, fileName, type, data }) {
  const file = fileName === undefined ? '' : `; filename="${fileName}"`;
  const lines = headers ?? [
    `Content-Disposition: form-data; name="${name}"${file}`,
    ...(type ? [`Content-Type: ${type}`] : []),
  ];
  const head = `--${BOUNDARY}\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`;
  return [Buffer.from(head), Buffer.from(data), Buffer.from('\r\n')];
}

export function multipart(parts, { end = `--${BOUNDARY}--\r\n` } = {}) {
  return Buffer.concat([...parts.flatMap(partBytes), Buffer.from(end)]);
}
