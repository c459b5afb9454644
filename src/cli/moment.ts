/** Moments as a person says them. */
import { GangwayError } from '../values/errors.ts';
import { parseDuration } from '../values/quantity.ts';

/** A date, seconds since 1970, or how long ago. @throws GangwayError invalid-option */
export function parseMoment(text: string | undefined, option: string): Date | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,12}(\.\d+)?$/.test(text)) return new Date(Number(text) * 1000);
  if (/^\d{4}-\d\d-\d\d([T ]\S+)?$/.test(text) && !Number.isNaN(Date.parse(text))) return new Date(text);
  try {
    return new Date(Date.now() - parseDuration(text, option));
  } catch (cause) {
    throw new GangwayError('invalid-option', `${option} ${JSON.stringify(text)} is no moment`, {
      hint: 'write 2026-01-02T13:23:37Z, or 42m for 42 minutes ago',
      cause,
    });
  }
}
