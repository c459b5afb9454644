/** A list that is shown anew every second. */
import type { Engine } from '../engine/engine.ts';
import type { Context } from './command.ts';
import type { Format } from './format.ts';

export const intervalMilliseconds = 1000;

/** What comes replaces what was there. In a file they follow each other, and JSON is for programs. */
export function repaint(text: string, format: Format, streaming: boolean, { stdout }: Context): void {
  const homeAndClear = '\x1b[H\x1b[J';
  const replaces = streaming && stdout.isTTY === true && format.kind !== 'json';
  stdout.write((replaces ? homeAndClear : '') + text);
}

/** Have all been removed who were named? Without a name the list has no end. */
export async function areGone(engine: Engine, ids: readonly string[]): Promise<boolean> {
  if (ids.length === 0) return false;
  return !(await engine.list({ all: true })).some(({ id }) => ids.includes(id));
}
