/** Chapters in reading order. */
import { bridge } from './bridge.ts';
import type { Chapter } from './chapter.ts';
import { cleanup } from './cleanup.ts';
import { host } from './host.ts';
import { inbound } from './inbound.ts';
import { joined } from './joined.ts';
import { names } from './names.ts';
import { none } from './none.ts';
import { outbound } from './outbound.ts';
import { process } from './process.ts';
import { userDefined } from './user-defined.ts';

export const story: readonly Chapter[] = [
  none,
  host,
  bridge,
  userDefined,
  names,
  joined,
  outbound,
  inbound,
  process,
  cleanup,
];
