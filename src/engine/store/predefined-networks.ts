/** The networks that are always there, and that nobody made: their ids are made from their names. */
import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { ignoring } from '../../values/errors.ts';
import type { NetworkSummary } from '../engine.ts';

/** Docker's word for a moment that has not come. */
export const never = '0001-01-01T00:00:00Z';

/** All three, as they are while the default bridge has not been needed. */
export function predefined(stateDirectory: string): readonly NetworkSummary[] {
  const createdAt = sinceWhen(stateDirectory);
  const all = { scope: 'local', families: [4], internal: false, labels: {}, dangling: true } as const;
  return [
    { id: idOf('bridge'), createdAt: new Date(never), name: 'bridge', driver: 'bridge', ...all },
    { id: idOf('host'), createdAt, name: 'host', driver: 'host', ...all },
    { id: idOf('none'), createdAt, name: 'none', driver: 'null', ...all },
  ];
}

export function idOf(name: string): string {
  return createHash('sha256').update(`gangway network ${name}`).digest('hex');
}

/** With Docker they are there since its daemon first ran; with us, since the state directory was made. */
function sinceWhen(stateDirectory: string): Date {
  const found = ignoring(['ENOENT', 'ENOTDIR'], () => statSync(stateDirectory));
  return found === undefined ? new Date(never) : found.birthtime;
}
