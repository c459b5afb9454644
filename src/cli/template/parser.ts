/**
 * From words to a tree: blocks here, what stands in an action in pipeline.ts.
 *
 * Variables and functions are looked up while reading, as Go does it, so that a mistake is told before anything is done.
 */
import { TemplateFault } from './fault.ts';
import { type Segment, splitTemplate, type Token } from './lexer.ts';
import { parsePipeline, type Words } from './pipeline.ts';
import type { Branch, Node } from './tree.ts';

const deepest = 100;
const unsupported = ['block', 'break', 'continue', 'define', 'template'];

interface Reading {
  readonly segments: readonly Segment[];
  /** Which segment is next. */
  index: number;
  depth: number;
  readonly functions: ReadonlySet<string>;
}

/** How a list of nodes ended: at an `{{else}}` with what stands behind it, an `{{end}}`, or with the text. */
interface Ending {
  readonly kind: 'else' | 'end' | 'text';
  readonly words?: Words;
  readonly at: number;
}

/** @throws TemplateFault */
export function parseTree(
  source: string,
  functions: ReadonlySet<string>,
  spell: (text: string) => string,
): readonly Node[] {
  const reading: Reading = { segments: splitTemplate(source, spell), index: 0, depth: 0, functions };
  const { nodes, ending } = parseList(reading, ['$']);
  if (ending.kind !== 'text') {
    const hint = 'it belongs to an {{if}}, {{range}} or {{with}} before it';
    throw new TemplateFault(`{{${ending.kind}}} has no beginning`, hint, ending.at);
  }
  return nodes;
}

/** @param scope the variables that are known here; those declared in this list end with it */
function parseList(reading: Reading, scope: readonly string[]): { readonly nodes: Node[]; readonly ending: Ending } {
  const nodes: Node[] = [];
  const known = [...scope];
  for (let segment = next(reading); segment !== undefined; segment = next(reading)) {
    if (segment.kind === 'text') {
      nodes.push(segment);
      continue;
    }
    const { tokens, at } = segment;
    const words: Words = {
      tokens,
      index: 0,
      depth: reading.depth,
      end: at,
      functions: reading.functions,
      scope: known,
    };
    const keyword = tokens[0]?.kind === 'word' ? tokens[0].text : '';
    if (keyword === 'else' || keyword === 'end') {
      words.index++;
      if (keyword === 'end') requireNothing(words, 'end');
      return { nodes, ending: { kind: keyword, words, at } };
    }
    if (keyword === 'if' || keyword === 'with' || keyword === 'range') {
      words.index++;
      nodes.push(parseBranch(reading, keyword, words));
    } else {
      refuseUnsupported(tokens[0]);
      const pipeline = parsePipeline(words);
      known.push(...(pipeline.assigns ? [] : pipeline.variables));
      nodes.push({ kind: 'action', pipeline });
    }
  }
  return { nodes, ending: { kind: 'text', at: 0 } };
}

function next(reading: Reading): Segment | undefined {
  return reading.segments[reading.index++];
}

function parseBranch(reading: Reading, kind: Branch['kind'], words: Words): Branch {
  if (++reading.depth > deepest) {
    throw new TemplateFault(`more than ${deepest} blocks stand in each other`, 'write a flatter template', words.end);
  }
  const pipeline = parsePipeline(words, kind === 'range' ? 2 : 1);
  const scope = [...words.scope, ...(pipeline.assigns ? [] : pipeline.variables)];
  const { nodes: body, ending } = parseList(reading, scope);
  const otherwise = ending.kind === 'else' ? parseElse(reading, kind, { ...ending, scope, from: words.end }) : [];
  if (ending.kind === 'text') throw notClosed(kind, words.end);
  reading.depth--;
  return { kind, pipeline, body, otherwise };
}

/** What follows an `{{else}}`: a list, or with `{{else if}}` a branch that the same `{{end}}` closes. */
function parseElse(
  reading: Reading,
  kind: Branch['kind'],
  { words, at, scope, from }: Ending & { readonly scope: readonly string[]; readonly from: number },
): readonly Node[] {
  const inner = words?.tokens[1];
  if (words !== undefined && inner?.kind === 'word' && inner.text === kind && kind !== 'range') {
    return [parseBranch(reading, kind, { ...words, scope, index: 2 })];
  }
  if (words !== undefined) requireNothing(words, 'else');
  const { nodes, ending } = parseList(reading, scope);
  if (ending.kind === 'else') throw new TemplateFault('a second {{else}}', `{{end}} the {{${kind}}} first`, ending.at);
  if (ending.kind === 'text') throw notClosed(kind, from ?? at);
  return nodes;
}

function notClosed(kind: string, at: number): TemplateFault {
  return new TemplateFault(`{{${kind}}} has no end`, 'write {{end}} behind it', at);
}

function requireNothing({ tokens, index }: Words, keyword: string): void {
  const more = tokens[index];
  if (more !== undefined) throw new TemplateFault(`${more.text} follows ${keyword}`, `write {{${keyword}}}`, more.at);
}

function refuseUnsupported(token: Token | undefined): void {
  if (token?.kind === 'word' && unsupported.includes(token.text)) {
    throw new TemplateFault(`{{${token.text}}} is not supported`, 'if, range and with are', token.at);
  }
}
