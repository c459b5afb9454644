/** The networks that are always there, and that nobody made: their ids are made from their names. */
import { createHash } from 'node:crypto';
import type { NetworkSummary } from './engine.ts';

export interface PredefinedNetwork {
  readonly id: string;
  readonly createdAt: Date;
}

function named(name: string): PredefinedNetwork {
  return { id: createHash('sha256').update(`gangway network ${name}`).digest('hex'), createdAt: new Date(0) };
}

/** The default bridge before the first container needs it. */
export const noNetwork: PredefinedNetwork = named('bridge');

export const predefined: readonly NetworkSummary[] = [
  { ...named('host'), name: 'host', driver: 'host', scope: 'local' },
  { ...named('none'), name: 'none', driver: 'null', scope: 'local' },
];
