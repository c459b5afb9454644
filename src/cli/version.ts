import { readFileSync } from 'node:fs';

/** Of gangway, as its package says. */
export function ownVersion(): string {
  const description = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(description) as { version: string }).version;
}
