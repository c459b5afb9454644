/** What a tree says about some data. */
import { suggest } from '../../values/suggest.ts';
import { placed, TemplateFault } from './fault.ts';
import type { Functions } from './functions.ts';
import { describeValue, printValue } from './print.ts';
import type { Branch, Command, Node, Operand, Pipeline } from './tree.ts';
import { fieldOf, isFields, isList, isMap, isTrue, sortedEntries, type Value } from './value.ts';

/** The variables that are known, the latest first. An assignment changes one in its place. */
interface Scope {
  readonly name: string;
  value: Value;
  readonly outer?: Scope;
}

/** Where evaluation stands. */
interface Place {
  readonly dot: Value;
  readonly scope: Scope;
  readonly functions: Functions;
}

/** @throws TemplateFault where the data do not have what the template asks for */
export function evaluate(nodes: readonly Node[], data: Value, functions: Functions): string {
  return list(nodes, { dot: data, scope: { name: '$', value: data }, functions });
}

function list(nodes: readonly Node[], start: Place): string {
  let place = start;
  let text = '';
  for (const node of nodes) {
    if (node.kind === 'text') {
      text += node.text;
    } else if (node.kind === 'action') {
      const value = pipeline(node.pipeline, place);
      place = bind(node.pipeline, place, [value]);
      if (node.pipeline.variables.length === 0) text += print(value, node.pipeline);
    } else {
      text += branch(node, place);
    }
  }
  return text;
}

function print(value: Value, { at }: Pipeline): string {
  if (typeof value !== 'function') return printValue(value);
  throw new TemplateFault('a method is no value', 'give it what it asks for: .Label "key"', at);
}

/** The place with the variables that the pipeline declares or assigns. */
function bind({ variables, assigns }: Pipeline, place: Place, values: readonly Value[]): Place {
  let { scope } = place;
  for (const [index, name] of variables.entries()) {
    if (assigns) cell(name, scope).value = values[index];
    else scope = { name, value: values[index], outer: scope };
  }
  return { ...place, scope };
}

function cell(name: string, scope: Scope): Scope {
  let at: Scope | undefined = scope;
  while (at !== undefined && at.name !== name) at = at.outer;
  if (at === undefined) throw new Error(`variable ${name} passed the parser and is not there`);
  return at;
}

function branch(node: Branch, place: Place): string {
  const value = pipeline(node.pipeline, place);
  if (node.kind === 'range') return range(node, place, value);
  const inside = bind(node.pipeline, place, [value]);
  if (!isTrue(value)) return list(node.otherwise, inside);
  return list(node.body, node.kind === 'with' ? { ...inside, dot: value } : inside);
}

function range(node: Branch, place: Place, value: Value): string {
  const items = entries(value, node.pipeline.at);
  if (items.length === 0) return list(node.otherwise, bind(node.pipeline, place, [value, value]));
  const pair = node.pipeline.variables.length === 2;
  return items
    .map(([key, item]) => {
      const inside = bind(node.pipeline, place, pair ? [key, item] : [item]);
      return list(node.body, { ...inside, dot: item });
    })
    .join('');
}

function entries(value: Value, at: number): readonly (readonly [key: Value, item: Value])[] {
  if (value === undefined || value === null) return [];
  if (isList(value)) return value.map((item, index) => [index, item]);
  if (isMap(value)) return sortedEntries(value);
  const hint = isFields(value) ? 'name one of its fields' : 'split makes a list of a text';
  throw new TemplateFault(`range can't walk along ${describeValue(value)}`, hint, at);
}

function pipeline({ commands }: Pipeline, place: Place): Value {
  return commands.reduce<Value>((value, item, index) => command(item, place, index === 0 ? [] : [value]), undefined);
}

/** @param passed the value of the command before, which comes last */
function command({ first, rest }: Command, place: Place, passed: readonly Value[]): Value {
  if (first.kind === 'function') return call(first, { operands: rest, passed }, place);
  const found = operand(first, place, false);
  if (typeof found === 'function') {
    return placed(first.at, () => found([...rest.map((item) => operand(item, place)), ...passed]));
  }
  if (rest.length === 0 && passed.length === 0) return found;
  throw new TemplateFault(`${describeValue(found)} takes no values`, 'only functions do', first.at);
}

interface Given {
  readonly operands: readonly Operand[];
  readonly passed: readonly Value[];
}

function call(
  { name, at }: { readonly name: string; readonly at: number },
  { operands, passed }: Given,
  place: Place,
): Value {
  if (name === 'and' || name === 'or') return firstDeciding(name, at, { operands, passed }, place);
  const given = [...operands.map((item) => operand(item, place)), ...passed];
  return placed(at, () => {
    try {
      return place.functions.get(name)?.(given);
    } catch (error) {
      if (error instanceof TemplateFault) throw new TemplateFault(`${name}: ${error.message}`, error.hint);
      throw error;
    }
  });
}

/** `and`: the first that is false, or the last; `or`: the first that is true, or the last. What follows is not looked at. */
function firstDeciding(name: 'and' | 'or', at: number, { operands, passed }: Given, place: Place): Value {
  if (operands.length + passed.length === 0) throw new TemplateFault(`${name}: takes at least 1 value, not 0`, '', at);
  let value: Value;
  for (const item of operands) {
    value = operand(item, place);
    if (isTrue(value) === (name === 'or')) return value;
  }
  return passed.length > 0 ? passed[0] : value;
}

/** @param whole a method is called at once, since nothing follows it */
function operand(node: Operand, place: Place, whole = true): Value {
  switch (node.kind) {
    case 'literal':
      return node.value;
    case 'dot':
      return place.dot;
    case 'variable':
      return cell(node.name, place.scope).value;
    case 'function':
      return call(node, { operands: [], passed: [] }, place);
    case 'pipeline':
      return pipeline(node.pipeline, place);
    case 'path': {
      const found = node.names.reduce((value, name) => field(value, name, node.at), operand(node.of, place));
      return whole && typeof found === 'function' ? placed(node.at, () => found([])) : found;
    }
  }
}

function field(value: Value, name: string, at: number): Value {
  if (isMap(value)) return value.get(name);
  if (!isFields(value)) {
    const absent = value === undefined || value === null;
    throw new TemplateFault(
      `${describeValue(value)} has no field .${name}`,
      absent ? 'ask first: {{with …}}' : 'leave it out',
      at,
    );
  }
  const found = fieldOf(value, name);
  if (found !== undefined || Object.hasOwn(value, name)) return found;
  // What JSON is told instead is nothing that a template can have.
  const names = Object.keys(value).filter((known) => known !== 'toJSON');
  const near = suggest(
    `.${name}`,
    names.map((known) => `.${known}`),
  ).replace(/^; /, '');
  throw new TemplateFault(`there is no field .${name}`, near || `the fields are .${names.join(' .')}`, at);
}
