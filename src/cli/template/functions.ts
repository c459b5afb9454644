/** The functions of a template: Go's own, and those that docker adds. `and` and `or` are in evaluate.ts: they stop early. */
import { indexed, lengthOf, sliced } from './access.ts';
import { areEqual, isLess } from './compare.ts';
import { TemplateFault } from './fault.ts';
import { describeValue, formatValue, printAll } from './print.ts';
import { formatPrintf } from './printf.ts';
import { escapeHtml, escapeQuery, escapeScript, titleCase } from './spelling.ts';
import { isList, isTrue, toJson, type Value } from './value.ts';

export type TemplateFunction = (given: readonly Value[]) => Value;
export type Functions = ReadonlyMap<string, TemplateFunction>;

type Reader<T> = (value: Value) => T;

const any: Reader<Value> = (value) => value;
const text: Reader<string> = (value) => {
  if (typeof value === 'string') return value;
  throw new TemplateFault(`${describeValue(value)} is no text`, 'print makes one of it');
};
const integer: Reader<number> = (value) => {
  if (typeof value === 'number' && Number.isInteger(value)) return value;
  throw new TemplateFault(`${describeValue(value)} is no whole number`);
};
const texts: Reader<readonly string[]> = (value) => {
  if (isList(value)) return value.map(text);
  throw new TemplateFault(`${describeValue(value)} is no list`, 'split makes one of a text');
};

/** A function of these values, as many as `readers`. */
function takes<T extends readonly unknown[]>(
  readers: { readonly [I in keyof T]: Reader<T[I]> },
  call: (...given: T) => Value,
): TemplateFunction {
  return (given) => {
    if (given.length !== readers.length) {
      throw new TemplateFault(`takes ${count(readers.length)}, not ${given.length}`);
    }
    return call(...(readers.map((read, index) => read(given[index])) as unknown as T));
  };
}

/** A function of `least` values or more. */
function takesMany(least: number, call: (first: Value, ...rest: Value[]) => Value): TemplateFunction {
  return (given) => {
    if (given.length < least) throw new TemplateFault(`takes at least ${count(least)}, not ${given.length}`);
    return call(given[0], ...given.slice(1));
  };
}

function count(values: number): string {
  return `${values} ${values === 1 ? 'value' : 'values'}`;
}

const longest = 1000;

/** Blanks before and behind; docker's `pad`. */
function padded(value: string, before: number, behind: number): string {
  if (Math.max(before, behind) > longest || Math.min(before, behind) < 0) {
    throw new TemplateFault(`${before} and ${behind} are no widths`, `write numbers from 0 to ${longest}`);
  }
  return value === '' ? '' : ' '.repeat(before) + value + ' '.repeat(behind);
}

function truncated(value: string, length: number): string {
  if (length < 0) throw new TemplateFault(`${length} is no length`, 'write 0 or more');
  return [...value].slice(0, length).join('');
}

/** Of all values as one text. */
function respelling(spell: (value: string) => string): TemplateFunction {
  return takesMany(1, (...values) => spell(printAll(values)));
}

export const functions: Functions = new Map<string, TemplateFunction>([
  ['eq', takesMany(2, (first, ...others) => others.some((other) => areEqual(first, other)))],
  ['ne', takes([any, any], (a, b) => !areEqual(a, b))],
  ['lt', takes([any, any], (a, b) => isLess(a, b))],
  ['le', takes([any, any], (a, b) => !isLess(b, a))],
  ['gt', takes([any, any], (a, b) => isLess(b, a))],
  ['ge', takes([any, any], (a, b) => !isLess(a, b))],
  ['not', takes([any], (value) => !isTrue(value))],
  ['html', respelling(escapeHtml)],
  ['index', takesMany(1, (value, ...keys) => keys.reduce(indexed, value))],
  ['join', takes([texts, text], (list, separator) => list.join(separator))],
  ['js', respelling(escapeScript)],
  ['json', takes([any], toJson)],
  ['len', takes([any], lengthOf)],
  ['lower', takes([text], (value) => value.toLowerCase())],
  ['pad', takes([text, integer, integer], padded)],
  ['print', takesMany(0, (...values) => printAll(values))],
  ['printf', takesMany(1, (format, ...values) => formatPrintf(text(format), values))],
  ['println', takesMany(0, (...values) => `${values.map(formatValue).join(' ')}\n`)],
  ['slice', takesMany(1, (value, ...bounds) => sliced(value, bounds.map(integer)))],
  ['split', takes([text, text], (value, separator) => (separator === '' ? [...value] : value.split(separator)))],
  ['title', takes([text], titleCase)],
  ['truncate', takes([text, integer], truncated)],
  ['upper', takes([text], (value) => value.toUpperCase())],
  ['urlquery', respelling(escapeQuery)],
]);

/** In the heading of a table the columns' names stay as they are, whatever becomes of the values. */
export const headingFunctions: Functions = new Map([
  ...functions,
  ...['json', 'lower', 'slice', 'title', 'truncate', 'upper'].map((name) => [name, takesMany(1, any)] as const),
  ['index', takesMany(1, (value) => (isList(value) ? value[0] : value))],
  ['split', takesMany(1, (value) => [value])],
]);
