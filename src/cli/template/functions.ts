/** Functions of a template, from Go and Docker. `and` and `or` are in pipeline.ts: they do not evaluate all operands. */
import { printableJson } from '../printable.ts';
import {
  describeValue,
  formatValue,
  isFields,
  isList,
  isMap,
  isTrue,
  TemplateFault,
  toJson,
  type Value,
} from './value.ts';

export type TemplateFunction = (args: readonly Value[]) => Value;
export type Functions = ReadonlyMap<string, TemplateFunction>;

/** Creates a function with a number of arguments. @param most default `least` */
function takes(least: number, call: (...args: readonly Value[]) => Value, most = least): TemplateFunction {
  return (args) => {
    if (args.length >= least && args.length <= most) return call(...args);
    const number = `${most > least ? 'at least ' : ''}${least} ${least === 1 ? 'value' : 'values'}`;
    throw new TemplateFault(`takes ${number}, not ${args.length}`);
  };
}

const any = Number.POSITIVE_INFINITY;

export const functions: Functions = new Map<string, TemplateFunction>([
  ['eq', takes(2, (first, ...others) => others.some((other) => areEqual(first, other)), any)],
  ['ne', takes(2, (a, b) => !areEqual(a, b))],
  ['lt', takes(2, (a, b) => isLess(a, b))],
  ['le', takes(2, (a, b) => !isLess(b, a))],
  ['gt', takes(2, (a, b) => isLess(b, a))],
  ['ge', takes(2, (a, b) => !isLess(a, b))],
  ['not', takes(1, (value) => !isTrue(value))],
  ['index', takes(1, (value, ...keys) => keys.reduce(itemOf, value), any)],
  ['join', takes(2, (list, separator) => texts(list).join(text(separator)))],
  ['json', takes(1, toJson)],
  ['len', takes(1, lengthOf)],
  ['lower', takes(1, (value) => text(value).toLowerCase())],
  ['print', printAll],
  ['printf', takes(1, (format, ...values) => formatPrintf(text(format), values), any)],
  ['println', (values) => `${values.map(formatValue).join(' ')}\n`],
  ['split', takes(2, (value, separator) => (separator === '' ? [...text(value)] : text(value).split(text(separator))))],
  ['title', takes(1, (value) => text(value).replace(/(?<![\p{L}\p{N}_])\p{L}/gu, (letter) => letter.toUpperCase()))],
  ['upper', takes(1, (value) => text(value).toUpperCase())],
]);

function text(value: Value): string {
  if (typeof value === 'string') return value;
  throw new TemplateFault(`${describeValue(value)} is not a string`, 'convert it with print');
}

function texts(value: Value): readonly string[] {
  if (isList(value)) return value.map(text);
  throw new TemplateFault(`${describeValue(value)} is not a list`, 'make a list of a string with split');
}

/** Functions of Go and Docker that gangway leaves out. */
export const unsupportedFunctions = ['call', 'html', 'js', 'pad', 'slice', 'truncate', 'urlquery'];

/** Functions for the heading of a table, which keep the column names. */
export const headingFunctions: Functions = new Map([
  ...functions,
  ...['json', 'lower', 'title', 'upper'].map((name) => [name, takes(1, (value) => value)] as const),
  ['index', takes(1, (value) => (isList(value) ? value[0] : value), any)],
  ['split', takes(1, (value) => [value], any)],
]);

/** Compares basic values; nil equals only nil. @throws TemplateFault for lists and maps, and for values of different types */
function areEqual(a: Value, b: Value): boolean {
  const [left, right] = [basic(a), basic(b)];
  if (left !== null && right !== null) requireSameType(left, right);
  return left === right;
}

/** Compares numbers or strings. @throws TemplateFault */
function isLess(a: Value, b: Value): boolean {
  const [left, right] = [basic(a), basic(b)];
  if (left === null || right === null || typeof left === 'boolean') {
    throw new TemplateFault(
      `cannot order ${describeValue(left)} and ${describeValue(right)}`,
      'compare numbers or strings',
    );
  }
  requireSameType(left, right);
  return left < right;
}

function basic(value: Value): null | boolean | number | string {
  if (value === undefined || value === null) return null;
  if (typeof value !== 'object' && typeof value !== 'function') return value;
  throw new TemplateFault(`cannot compare ${describeValue(value)}`, 'compare numbers, strings, or the length: len');
}

function requireSameType(a: Value, b: Value): void {
  if (typeof a === typeof b) return;
  const hint = 'put both between quotes, or neither';
  throw new TemplateFault(`cannot compare ${describeValue(a)} with ${describeValue(b)}: the types differ`, hint);
}

/** Returns an item of a list, a value of a map, or a field. A map of strings has "" for a missing key. @throws TemplateFault */
function itemOf(value: Value, key: Value): Value {
  if (isMap(value) && typeof key === 'string') {
    if (value.has(key)) return value.get(key);
    return [...value.values()].every((item) => typeof item === 'string') ? '' : undefined;
  }
  if (isFields(value) && typeof key === 'string') return Object.hasOwn(value, key) ? value[key] : undefined;
  if (isList(value) && typeof key === 'number' && Number.isInteger(key)) {
    if (key >= 0 && key < value.length) return value[key];
    throw new TemplateFault(`${key} is out of range`, `the list has ${value.length} items, the first is 0`);
  }
  throw new TemplateFault(
    `cannot index ${describeValue(value)} with ${describeValue(key)}`,
    'index takes a list or a map',
  );
}

/** The length of a string is in bytes, as in Go. @throws TemplateFault */
function lengthOf(value: Value): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (isList(value)) return value.length;
  if (isMap(value)) return value.size;
  throw new TemplateFault(`${describeValue(value)} has no length`, 'len takes a list, a map or a string');
}

/** Joins values, with a space between two values that are not strings. */
function printAll(values: readonly Value[]): string {
  const space = (index: number) => index > 0 && [values[index - 1], values[index]].every((v) => typeof v !== 'string');
  return values.map((value, index) => `${space(index) ? ' ' : ''}${formatValue(value)}`).join('');
}

const verbPattern = /%(-?)((?:[1-9]\d{0,2})?)(?:\.(\d{1,3}))?([sdvq%])|%[^%a-zA-Z]*.?/gsu;

/**
 * Formats with `%s`, `%d`, `%v`, `%q`, a width and `-` (`%-20s`), and for strings a maximum length (`%.12s`). Go prints
 * mistakes into the output (`%!d(string=web)`); here they are errors.
 *
 * @throws TemplateFault
 */
function formatPrintf(format: string, values: readonly Value[]): string {
  let used = 0;
  const result = format.replace(
    verbPattern,
    (verb, left: string, width: string, maximum: string | undefined, letter) => {
      if (letter === '%') return '%';
      if (letter === undefined)
        throw new TemplateFault(`${verb} is not supported`, 'use %s, %d, %v or %q, with a width: %-20s');
      if (used >= values.length) throw new TemplateFault(`${verb} has no value`, 'write one value for each verb');
      const text = formatVerb(verb, letter, values[used++], maximum);
      const padding = ' '.repeat(Math.max(0, Number(width) - [...text].length));
      return left === '-' ? text + padding : padding + text;
    },
  );
  if (used === values.length) return result;
  throw new TemplateFault(`${describeValue(values[used])} has no verb`, 'add a verb such as %v to the format');
}

function formatVerb(verb: string, letter: string, value: Value, maximum: string | undefined): string {
  if (letter === 'v') return formatValue(value);
  if (isList(value)) return `[${value.map((item) => formatVerb(verb, letter, item, maximum)).join(' ')}]`;
  if (letter === 'd' && Number.isInteger(value)) return String(value);
  if (letter !== 'd' && typeof value === 'string') {
    const text = maximum === undefined ? value : [...value].slice(0, Number(maximum)).join('');
    return letter === 'q' ? printableJson(text) : text;
  }
  throw new TemplateFault(`${verb} does not fit ${describeValue(value)}`, '%v fits everything');
}
