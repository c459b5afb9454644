/**
 * Sizes, processors, weights, rates and durations, as they are written on docker's command line.
 *
 * Each parser takes the text and the name of the option it stands behind, and answers a number in one unit or throws a
 * sentence that names both. Docker's "0 means none" is undefined here: an absent limit is no limit.
 */

import type { DeviceRate } from './container.ts';
import { GangwayError } from './errors.ts';

/** A memory limit below this is refused: the kernel would kill the container's first process before it runs. */
const smallestMemory = 6 * 1024 ** 2;
const sizePattern = /^(\d+(?:\.\d+)?) ?(?:([kmgtp])i?b?|b)?$/i;
const powers = ['k', 'm', 'g', 't', 'p'];

/**
 * Bytes: `64m`, `1.5 GiB`, `512`. Units count by 1024, whatever their case.
 *
 * @throws GangwayError invalid-option
 */
export function parseSize(text: string, option: string): number {
  const match = sizePattern.exec(text);
  if (match === null) throw invalid(option, text, 'a size', 'a number with an optional unit b, k, m, g or t: 64m');
  const exponent = powers.indexOf((match[2] ?? '').toLowerCase()) + 1;
  const bytes = Math.floor(Number(match[1]) * 1024 ** exponent);
  if (!Number.isSafeInteger(bytes)) throw invalid(option, text, 'a size that this machine can count', 'take less');
  return bytes;
}

/** `--memory 64m`. Undefined where no limit is asked for. */
export function parseMemory(text: string, option = '--memory'): number | undefined {
  const bytes = parseSize(text, option);
  if (bytes === 0) return undefined;
  if (bytes < smallestMemory) throw new GangwayError('invalid-option', `${option} "${text}" is below the minimum, 6m`);
  return bytes;
}

/**
 * Thousandths of a processor: `1.5` is 1500.
 *
 * @param processors how many the machine has; more can't be had
 */
export function parseProcessors(text: string, processors: number, option = '--cpus'): number | undefined {
  if (!/^(\d+(\.\d*)?|\.\d+)$/.test(text)) throw invalid(option, text, 'a number of processors', 'for example 1.5');
  const millis = Math.round(Number(text) * 1000);
  if (Number(text) === 0) return undefined;
  if (millis < 10 || millis > processors * 1000) {
    const range = `from 0.01 to ${processors}`;
    throw new GangwayError('invalid-option', `${option} "${text}" is out of range, ${range}`, {
      hint: `this machine has ${processors} ${processors === 1 ? 'processor' : 'processors'}`,
    });
  }
  return millis;
}

/** `--cpu-shares`: the kernel knows 2 to 262144. */
export function parseShares(text: string, option = '--cpu-shares'): number | undefined {
  return parseWeight(text, option, 2, 262_144);
}

/** `--blkio-weight`: 10 to 1000. */
export function parseBlockWeight(text: string, option = '--blkio-weight'): number | undefined {
  return parseWeight(text, option, 10, 1000);
}

/** `--pids-limit`: 0 and -1 are no limit. */
export function parseProcessLimit(text: string, option = '--pids-limit'): number | undefined {
  if (text === '-1') return undefined;
  return parseWeight(text, option, 1, 4_194_304);
}

function parseWeight(text: string, option: string, least: number, most: number): number | undefined {
  if (!/^\d+$/.test(text)) throw invalid(option, text, 'a whole number', `from ${least} to ${most}`);
  const value = Number(text);
  if (value === 0) return undefined;
  if (value < least || value > most) {
    throw new GangwayError('invalid-option', `${option} "${text}" is out of range, from ${least} to ${most}`);
  }
  return value;
}

/** `--device-write-bps /dev/vda:1mb`: a block device of the host, and bytes per second. */
export function parseDeviceRate(text: string, option: string): DeviceRate {
  const colon = text.lastIndexOf(':');
  const path = text.slice(0, Math.max(colon, 0));
  const hint = 'a path below /dev, a colon, and bytes per second: /dev/vda:1mb';
  if (!path.startsWith('/dev/') || path.includes('\0')) throw invalid(option, text, 'a device with a rate', hint);
  const bytesPerSecond = parseSize(text.slice(colon + 1), option);
  if (bytesPerSecond === 0) throw invalid(option, text, 'a device with a rate', hint);
  return { path, bytesPerSecond };
}

const durationUnits: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/**
 * Milliseconds: `10s`, `1m30s`, `1.5h`, as Go writes a duration. No sign: nothing of ours lasts less than nothing.
 *
 * @see https://pkg.go.dev/time#ParseDuration
 */
export function parseDuration(text: string, option: string): number {
  const part = /(\d+(?:\.\d+)?)(ns|us|\u00b5s|ms|s|m|h)/g;
  if (text !== '0' && (text === '' || text.replace(part, '') !== '')) {
    throw invalid(option, text, 'a duration', 'numbers with the units ms, s, m, h: 1m30s');
  }
  return [...text.matchAll(part)].reduce(
    (sum, [, number, unit]) => sum + Number(number) * (durationUnits[unit ?? ''] ?? 0),
    0,
  );
}

function invalid(option: string, text: string, what: string, hint: string): GangwayError {
  return new GangwayError('invalid-option', `${option} "${text}" is not ${what}`, { hint });
}
