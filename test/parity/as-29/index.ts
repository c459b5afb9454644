/** All differences in which 29 is the model. */
import type { As29 } from '../verdict.ts';
import { connections } from './connections.ts';
import { modes } from './modes.ts';
import { seen } from './seen.ts';
import { subnets } from './subnets.ts';

export const as29: readonly As29[] = [...seen, ...modes, ...connections, ...subnets];
