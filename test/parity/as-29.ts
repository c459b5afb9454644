/** Where Debian's 26.1.5 and Docker Engine 29 differ. 29 is the model; the sections are those of behaviour.md. */
import type { As29 } from './verdict.ts';

export const as29: readonly As29[] = [
  {
    where: / mac$/,
    holds: /^its own, at random$/,
    cite: '2a',
    why: 'a MAC address is random, and not derived from the address any more',
  },
];
