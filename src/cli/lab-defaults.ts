/** What the lab commands take for granted where nothing is said. */

import { present } from '../values/present.ts';
import type { Context } from './command.ts';

export function labName(given: string | undefined): string {
  return given ?? 'lab';
}

export function labPlace(given: string | undefined): string {
  return given ?? 'host';
}

/** Where labs are known by name. */
export function labRegistry({ engineOptions }: Context): { readonly runtimeDirectory?: string } {
  return present({ runtimeDirectory: engineOptions.runtimeDirectory });
}
