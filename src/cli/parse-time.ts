/** Moments as a person says them. */
import { GangwayError } from '../values/errors.ts';
import { parseDuration } from '../values/quantity.ts';

const seconds = /^\d{1,12}(\.\d+)?$/;
/** Whatever is left out is zero; without a zone it is the time of the reader's clock. */
const date = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d)(?::(\d\d)(?::(\d\d(?:\.\d+)?))?)?)?(Z|[+-]\d\d:\d\d)?$/;

/** A date, seconds since 1970, or how long ago: `-10s` is in ten seconds. @throws GangwayError invalid-option */
export function parseMoment(text: string | undefined, option: string): Date | undefined {
  if (text === undefined) return undefined;
  const moment = seconds.test(text) ? new Date(Number(text) * 1000) : (parseDate(text) ?? ago(text, option));
  if (!Number.isNaN(moment.getTime())) return moment;
  throw noMoment(text, option);
}

function parseDate(text: string): Date | undefined {
  const [, day, hour = '00', minute = '00', second = '00', zone = ''] = date.exec(text) ?? [];
  return day === undefined ? undefined : new Date(`${day}T${hour}:${minute}:${second}${zone}`);
}

function ago(text: string, option: string): Date {
  const [, sign, duration = ''] = /^([+-]?)(.*)$/s.exec(text) ?? [];
  try {
    const milliseconds = parseDuration(duration, option);
    return new Date(Date.now() - (sign === '-' ? -milliseconds : milliseconds));
  } catch (cause) {
    throw noMoment(text, option, cause);
  }
}

function noMoment(text: string, option: string, cause?: unknown): GangwayError {
  return new GangwayError('invalid-option', `${option} ${JSON.stringify(text)} is no moment`, {
    hint: 'write 2026-01-02T13:23:37Z, or 42m for 42 minutes ago',
    cause,
  });
}
