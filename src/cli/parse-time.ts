/** Times and timeouts of the command line. */
import { GangwayError } from '../values/errors.ts';
import { parseDuration } from '../values/quantity.ts';

const unixTime = /^\d{1,12}(\.\d+)?$/;
/** Missing parts are zero. Without a time zone, the time is local. */
const date = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d)(?::(\d\d)(?::(\d\d(?:\.\d+)?))?)?)?(Z|[+-]\d\d:\d\d)?$/;

/** Parses a date, Unix seconds, or a duration before now (`-10s` is in 10 seconds). @throws GangwayError invalid-option */
export function parseTime(text: string | undefined, option: string): Date | undefined {
  if (text === undefined) return undefined;
  const time = unixTime.test(text) ? new Date(Number(text) * 1000) : (parseDate(text) ?? timeAgo(text, option));
  if (!Number.isNaN(time.getTime())) return time;
  throw invalidTime(text, option);
}

function parseDate(text: string): Date | undefined {
  const [, day, hour = '00', minute = '00', second = '00', zone = ''] = date.exec(text) ?? [];
  return day === undefined ? undefined : new Date(`${day}T${hour}:${minute}:${second}${zone}`);
}

function timeAgo(text: string, option: string): Date {
  const [, sign, duration = ''] = /^([+-]?)(.*)$/s.exec(text) ?? [];
  try {
    const milliseconds = parseDuration(duration, option);
    return new Date(Date.now() - (sign === '-' ? -milliseconds : milliseconds));
  } catch (cause) {
    throw invalidTime(text, option, cause);
  }
}

function invalidTime(text: string, option: string, cause?: unknown): GangwayError {
  return new GangwayError('invalid-option', `invalid ${option} ${JSON.stringify(text)}`, {
    hint: 'write a time such as 2026-01-02T13:23:37Z, or 42m for 42 minutes ago',
    cause,
  });
}

/** Parses `--timeout 10` in seconds; a negative value means no limit. @throws GangwayError invalid-option */
export function parseSeconds(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^-?\d{1,9}$/.test(text)) return Number(text);
  throw new GangwayError('invalid-option', `invalid --timeout ${JSON.stringify(text)}`, {
    hint: 'write a whole number of seconds; 0 kills immediately, -1 waits without limit',
  });
}
