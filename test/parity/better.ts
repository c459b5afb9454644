/** Where we differ from Docker on purpose. Each check fails on Docker, in every run. */
import type { Wanted } from './verdict.ts';

export const better: readonly Wanted[] = [];
