import { GangwayError } from '../values/errors.ts';

/** `-t 10`; less than nothing is no limit. @throws GangwayError invalid-option */
export function parseSeconds(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^-?\d{1,9}$/.test(text)) return Number(text);
  throw new GangwayError('invalid-option', `--timeout ${JSON.stringify(text)} is no number of seconds`, {
    hint: 'write a whole number; 0 kills at once, -1 waits for ever',
  });
}
