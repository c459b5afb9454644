/**
 * `printf`: Go's verbs.
 *
 *     %[flags][width][.precision]verb     flags: - left, + sign, 0 zeros, blank, # prefix
 *
 * Go writes its complaints into the output (`%!d(string=web)`) and goes on; here they are errors.
 */
import { TemplateFault } from './fault.ts';
import { quote } from './literal.ts';
import { describeValue, formatValue } from './print.ts';
import { isList, type Value } from './value.ts';

interface Verb {
  readonly flags: string;
  readonly width: number;
  readonly precision?: number;
  readonly letter: string;
}

const pattern = /%([-+# 0]*)(\d*)(?:\.(\d*))?(.)?/gsu;
const widest = 1000;
/** Places behind the point. */
const most = 100;

/** @throws TemplateFault for a verb that does not fit its value, and for a value too few or too many */
export function formatPrintf(format: string, values: readonly Value[]): string {
  let used = 0;
  const text = format.replace(pattern, (whole, flags: string, width: string, precision: string | undefined, letter) => {
    if (letter === '%') return '%';
    const verb = readVerb(whole, { flags, width, precision, letter });
    if (used >= values.length) throw new TemplateFault(`${whole} has no value`, 'write one value for each verb');
    return formatVerb(whole, verb, values[used++]);
  });
  if (used < values.length) {
    const hint = 'write a verb such as %v for it in the format';
    throw new TemplateFault(`${describeValue(values[used])} has no verb`, hint);
  }
  return text;
}

interface Spelling {
  readonly flags: string;
  readonly width: string;
  readonly precision: string | undefined;
  readonly letter: string | undefined;
}

function readVerb(whole: string, { flags, width, precision, letter }: Spelling): Verb {
  if (letter === undefined || !Object.hasOwn(verbs, letter)) {
    throw new TemplateFault(
      `${whole} is no verb`,
      `the verbs are ${Object.keys(verbs).join(' ')}; %% is a percent sign`,
    );
  }
  const verb = { flags, width: Number(width), letter };
  if (verb.width > widest || Number(precision ?? 0) > most) {
    throw new TemplateFault(`${whole} is too wide`, `${widest} places are enough, ${most} behind the point`);
  }
  return precision === undefined ? verb : { ...verb, precision: Number(precision) };
}

function formatVerb(whole: string, verb: Verb, value: Value): string {
  if (isList(value) && verb.letter !== 'v') {
    return `[${value.map((item) => formatVerb(whole, verb, item)).join(' ')}]`;
  }
  const text = verbs[verb.letter]?.(value, verb);
  if (text === undefined) {
    throw new TemplateFault(`${whole} does not fit ${describeValue(value)}`, '%v fits everything');
  }
  return pad(text, verb, typeof value === 'number');
}

/** By letter; undefined where the value is of another kind. */
const verbs: Readonly<Record<string, (value: Value, verb: Verb) => string | undefined>> = {
  v: (value, verb) => (typeof value === 'number' ? signed(value, String(Math.abs(value)), verb) : formatValue(value)),
  s: (value, verb) => (typeof value === 'string' ? shorten(value, verb) : undefined),
  q: (value, verb) => {
    if (typeof value === 'string') return quote(shorten(value, verb));
    return isCode(value) ? quote(String.fromCodePoint(value), "'") : undefined;
  },
  t: (value) => (typeof value === 'boolean' ? String(value) : undefined),
  d: (value, verb) => integer(value, 10, verb),
  b: (value, verb) => integer(value, 2, verb, '0b'),
  o: (value, verb) => integer(value, 8, verb, '0'),
  x: (value, verb) => (typeof value === 'string' ? hexadecimal(value) : integer(value, 16, verb, '0x')),
  X: (value, verb) => verbs.x?.(value, verb)?.toUpperCase(),
  c: (value) => (isCode(value) ? String.fromCodePoint(value) : undefined),
  f: (value, verb) => real(value, verb, (size) => rounded((places) => size.toFixed(places), verb.precision ?? 6)),
  e: (value, verb) => real(value, verb, (size) => exponent(scientific(size, verb.precision ?? 6))),
  g: (value, verb) =>
    real(value, verb, (size) =>
      String(verb.precision === undefined ? size : Number(scientific(size, (verb.precision || 1) - 1))),
    ),
};

function isCode(value: Value): value is number {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 0x10ffff;
}

function integer(value: Value, base: number, verb: Verb, prefix = ''): string | undefined {
  if (typeof value !== 'number' || !Number.isInteger(value)) return undefined;
  return signed(value, `${verb.flags.includes('#') ? prefix : ''}${Math.abs(value).toString(base)}`, verb);
}

function real(value: Value, verb: Verb, write: (size: number) => string): string | undefined {
  return typeof value === 'number' ? signed(value, write(Math.abs(value)), verb) : undefined;
}

function signed(value: number, size: string, { flags }: Verb): string {
  if (value < 0) return `-${size}`;
  return `${flags.includes('+') ? '+' : flags.includes(' ') ? ' ' : ''}${size}`;
}

function scientific(size: number, places: number): string {
  return rounded((exactly) => size.toExponential(exactly), places);
}

/** Of two that are as near JavaScript takes the larger, and Go the even one: 1.25 with one place is 1.2. */
function rounded(write: (places: number) => string, places: number): string {
  const [, digits = '', power = ''] = /^(\d+\.\d+)(.*)$/.exec(write(most)) ?? [];
  const end = digits.indexOf('.') + 1 + places;
  const below = digits.slice(0, end).replace(/\.$/, '');
  return /^50*$/.test(digits.slice(end)) && /[02468]$/.test(below) ? below + power : write(places);
}

/** Go writes two digits at least: `1.5e+00`. */
function exponent(text: string): string {
  return text.replace(/e([+-])(\d)$/, 'e$10$2');
}

function shorten(text: string, { precision }: Verb): string {
  return precision === undefined ? text : [...text].slice(0, precision).join('');
}

function hexadecimal(text: string): string {
  return Buffer.from(text).toString('hex');
}

function pad(text: string, { flags, width }: Verb, number: boolean): string {
  const missing = Math.max(0, width - [...text].length);
  if (flags.includes('-')) return text + ' '.repeat(missing);
  if (!number || !flags.includes('0')) return ' '.repeat(missing) + text;
  const [, sign = '', digits = ''] = /^([-+ ]?)(.*)$/s.exec(text) ?? [];
  return sign + '0'.repeat(missing) + digits;
}
