/**
 * Parses a template into a function that renders it.
 *
 * The parser resolves variables and functions, as Go does: an unknown name fails before the command does anything.
 */
import { type Segment, splitTemplate } from './lexer.ts';
import { bind, type Frame, maximumDepth, type Pipeline, parsePipeline, type Reader } from './pipeline.ts';
import { formatValue, isFields, isList, isMap, isTrue, sortedEntries, TemplateFault, type Value } from './value.ts';

export type Render = (frame: Frame) => string;

type BranchKind = 'if' | 'with' | 'range';

const unsupportedActions = ['block', 'break', 'continue', 'define', 'template'];

interface Source {
  readonly segments: readonly Segment[];
  /** Index of the next segment. */
  index: number;
  depth: number;
  readonly functions: ReadonlySet<string>;
}

/** End of a list of nodes: an `{{else}}`, an `{{end}}`, or the end of the template. */
interface Ending {
  readonly kind: 'else' | 'end' | 'template';
  readonly reader?: Reader;
  readonly at: number;
}

/** @throws TemplateFault */
export function parseNodes(
  source: string,
  functions: ReadonlySet<string>,
  unescapeText: (text: string) => string,
): Render {
  const { render, ending } = parseList(
    { segments: splitTemplate(source, unescapeText), index: 0, depth: 0, functions },
    ['$'],
  );
  if (ending.kind === 'template') return render;
  const hint = 'it belongs to an {{if}}, {{range}} or {{with}} before it';
  throw new TemplateFault(`{{${ending.kind}}} without a beginning`, hint, ending.at);
}

/** @param scope the variables in scope; variables that the list declares end with it */
function parseList(source: Source, scope: readonly string[]): { readonly render: Render; readonly ending: Ending } {
  const nodes: Render[] = [];
  const variables = [...scope];
  const render: Render = (start) => {
    const frame = { ...start };
    return nodes.map((node) => node(frame)).join('');
  };
  for (;;) {
    const segment = source.segments[source.index++];
    if (segment === undefined) return { render, ending: { kind: 'template', at: 0 } };
    if (segment.kind === 'text') {
      const { text } = segment;
      nodes.push(() => text);
      continue;
    }
    const { tokens, at } = segment;
    const { depth, functions } = source;
    const reader: Reader = { tokens, index: 0, depth, at, functions, scope: variables };
    const keyword = tokens[0]?.kind === 'word' ? tokens[0].text : '';
    if (keyword === 'else' || keyword === 'end') {
      reader.index++;
      if (keyword === 'end') requireEnd(reader, 'end');
      return { render, ending: { kind: keyword, reader, at } };
    }
    if (keyword === 'if' || keyword === 'with' || keyword === 'range') {
      reader.index++;
      nodes.push(parseBranch(source, keyword, reader));
    } else if (unsupportedActions.includes(keyword)) {
      throw new TemplateFault(`{{${keyword}}} is not supported`, 'use if, range or with', at);
    } else {
      const pipeline = parsePipeline(reader);
      if (!pipeline.assigns) variables.push(...pipeline.variables);
      nodes.push(action(pipeline));
    }
  }
}

function action(pipeline: Pipeline): Render {
  return (frame) => {
    const value = pipeline.evaluate(frame);
    bind(pipeline, frame, [value]);
    if (pipeline.variables.length > 0) return '';
    return value === undefined || value === null ? '<no value>' : formatValue(value);
  };
}

function parseBranch(source: Source, kind: BranchKind, reader: Reader): Render {
  if (++source.depth > maximumDepth) throw new TemplateFault('too many nested actions', undefined, reader.at);
  const pipeline = parsePipeline(reader, kind === 'range' ? 2 : 1);
  const scope = [...reader.scope, ...(pipeline.assigns ? [] : pipeline.variables)];
  const { render: body, ending } = parseList(source, scope);
  if (ending.kind === 'template') throw notClosed(kind, reader.at);
  const otherwise = ending.kind === 'else' ? parseElse(source, kind, { ...ending, scope, at: reader.at }) : () => '';
  source.depth--;
  return kind === 'range' ? rangeBranch(pipeline, body, otherwise) : conditionBranch(kind, pipeline, body, otherwise);
}

/** Parses what follows an `{{else}}`: a list, or with `{{else if}}` a branch that ends at the same `{{end}}`. */
function parseElse(
  source: Source,
  kind: BranchKind,
  { reader, at, scope }: Ending & { readonly scope: readonly string[] },
): Render {
  const inner = reader?.tokens[1];
  if (reader !== undefined && inner?.kind === 'word' && inner.text === kind && kind !== 'range') {
    return parseBranch(source, kind, { ...reader, scope, index: 2 });
  }
  if (reader !== undefined) requireEnd(reader, 'else');
  const { render, ending } = parseList(source, scope);
  if (ending.kind === 'else') throw new TemplateFault('second {{else}}', `{{end}} the {{${kind}}} first`, ending.at);
  if (ending.kind === 'template') throw notClosed(kind, at);
  return render;
}

function conditionBranch(kind: BranchKind, pipeline: Pipeline, body: Render, otherwise: Render): Render {
  return (frame) => {
    const value = pipeline.evaluate(frame);
    const inner = bind(pipeline, { ...frame }, [value]);
    if (!isTrue(value)) return otherwise(inner);
    return body(kind === 'with' ? { ...inner, dot: value } : inner);
  };
}

function rangeBranch(pipeline: Pipeline, body: Render, otherwise: Render): Render {
  return (frame) => {
    const value = pipeline.evaluate(frame);
    const entries = entriesOf(value, pipeline.at);
    if (entries.length === 0) return otherwise(bind(pipeline, { ...frame }, [value, value]));
    const hasKey = pipeline.variables.length === 2;
    return entries
      .map(([key, item]) => body(bind(pipeline, { ...frame, dot: item }, hasKey ? [key, item] : [item])))
      .join('');
  };
}

function entriesOf(value: Value, at: number): readonly (readonly [key: Value, item: Value])[] {
  if (value === undefined || value === null) return [];
  if (isList(value)) return value.map((item, index) => [index, item]);
  if (isMap(value)) return sortedEntries(value);
  const hint = isFields(value) ? 'name one of its fields' : 'make a list of a string with split';
  throw new TemplateFault('range takes a list or a map', hint, at);
}

function notClosed(kind: string, at: number): TemplateFault {
  return new TemplateFault(`{{${kind}}} without an {{end}}`, undefined, at);
}

function requireEnd({ tokens, index }: Reader, keyword: string): void {
  const token = tokens[index];
  if (token !== undefined) throw new TemplateFault(`unexpected ${token.text} after ${keyword}`, undefined, token.at);
}
