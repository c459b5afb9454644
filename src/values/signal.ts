/** Signals by the names that people use for them. */
import { constants } from 'node:os';
import { GangwayError } from './errors.ts';

/**
 * Reads `TERM`, `sigterm` or `15`, all of which are `SIGTERM`. Real-time signals, which have no name here, stay numbers.
 *
 * @throws GangwayError invalid-option
 * @see signal(7)
 */
export function parseSignal(text: string): string {
  const number = /^\d{1,2}$/.test(text) ? Number(text) : undefined;
  if (number !== undefined && number >= 1 && number <= 64) return signalName(number) ?? String(number);
  const name = text.toUpperCase().replace(/^(?!SIG)/, 'SIG');
  if (Object.hasOwn(constants.signals, name)) return name;
  throw new GangwayError('invalid-option', `invalid signal ${JSON.stringify(text)}`, {
    hint: '`kill -l` lists the names and numbers',
  });
}

/** The number of a signal that was read: `SIGTERM` is 15. */
export function signalNumber(canonical: string): number {
  return Object.hasOwn(constants.signals, canonical)
    ? constants.signals[canonical as NodeJS.Signals]
    : Number(canonical);
}

function signalName(number: number): string | undefined {
  return Object.entries(constants.signals).find(([, value]) => value === number)?.[0];
}
