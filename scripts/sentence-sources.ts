/** Extracts the sentences that a reader of the repository meets: comments, pages, messages and test titles. */
import ts from 'typescript';

/** A sentence and its place. */
export interface Sentence {
  readonly path: string;
  readonly line: number;
  readonly text: string;
}

/** Extracts the sentences of the doc comments of a source file, without drawings, code and references. */
export function commentSentences(path: string, text: string): Sentence[] {
  const starts = new Map<number, string>();
  visit(parse(path, text), (node) => {
    for (const { pos, end } of ts.getLeadingCommentRanges(text, node.pos) ?? []) starts.set(pos, text.slice(pos, end));
  });
  return [...starts]
    .filter(([, comment]) => comment.startsWith('/**'))
    .flatMap(([start, comment]) => {
      const plain = comment.slice(3, -2).replace(/\{@link (.*?)\}/g, '$1');
      const lines = plain.split('\n').map((line) => line.replace(/^\s*\* ?/, ''));
      return proseSentences(path, lines, lineAt(text, start));
    });
}

/** Extracts the sentences of a Markdown page, without headings, tables and code. */
export function pageSentences(path: string, text: string): Sentence[] {
  const prose = text
    .replace(/^ *```[\s\S]*?^ *```$/gm, (block) => block.replace(/.+/g, ''))
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replaceAll('**', '');
  return proseSentences(path, prose.split('\n'), 1);
}

/** Splits lines of prose at paragraphs, list items and sentences. */
function proseSentences(path: string, lines: readonly string[], firstLine: number): Sentence[] {
  const paragraphs: { line: number; text: string }[] = [];
  let open = false;
  for (const [index, line] of lines.entries()) {
    const begin = /^\s*(?:(?:[-*]|\d+\.) |(?=@))/;
    const paragraph = open && !begin.test(line) ? paragraphs.at(-1) : undefined;
    open = isProse(line);
    if (open && paragraph !== undefined) paragraph.text += ` ${line.trim()}`;
    else if (open) paragraphs.push({ line: firstLine + index, text: line.replace(begin, '').trim() });
  }
  return paragraphs.flatMap(({ line, text }) =>
    splitSentences(text).map((sentence) => ({ path, line, text: sentence })),
  );
}

/** Returns false for an empty line, a heading, a row of a table, code (indented by four) and a drawing (aligned by spaces). */
function isProse(line: string): boolean {
  return line.trim() !== '' && !/^(?: {4}|\s*[#|+<])|\S {2,}\S|[-=]{3}|[─│└├]/.test(line);
}

/** A sentence ends at a stop before a space and no small letter, unless the stop belongs to an abbreviation. */
const boundary = /(?<=\S[.!?][)"”’]*)(?<!\b(?:e\.g|i\.e|etc|vs|cf)\.)\s+(?=[^\p{Ll}])|\s+(?=@[a-z]+ )/u;

function splitSentences(text: string): string[] {
  return text
    .split(boundary)
    .filter((sentence) => !/^@(?:see|example|module)\b/.test(sentence))
    .map((sentence) => sentence.replace(/^@param \S+ |^@[a-z]+ /, ''));
}

/** Extracts the errors, hints and help lines of a source file. @param errorFunctions names of functions that return an error */
export function messageSentences(path: string, text: string, errorFunctions: ReadonlySet<string>): Sentence[] {
  const found: Sentence[] = [];
  const add = (node: ts.Expression | undefined) => found.push(...literalSentences(path, text, node));
  visit(parse(path, text), (node) => {
    if (ts.isNewExpression(node) && node.expression.getText().endsWith('Error')) node.arguments?.forEach(add);
    if (ts.isCallExpression(node) && errorFunctions.has(node.expression.getText())) node.arguments.forEach(add);
    const isNamed = ts.isPropertyAssignment(node) || ts.isVariableDeclaration(node);
    if (isNamed && /^(?:hint|help|summary|message)$/.test(node.name.getText())) add(node.initializer);
  });
  return found.flatMap((message) => splitSentences(message.text).map((sentence) => ({ ...message, text: sentence })));
}

/** Lists the functions of a source file that return an error, by their declared type. */
export function errorFunctionsOf(path: string, text: string): string[] {
  const names: string[] = [];
  visit(parse(path, text), (node) => {
    if (ts.isFunctionDeclaration(node) && node.type?.getText().endsWith('Error')) names.push(node.name?.text ?? '');
  });
  return names;
}

/** Extracts the titles of a test file. */
export function titleSentences(path: string, text: string): Sentence[] {
  const found: Sentence[] = [];
  visit(parse(path, text), (node) => {
    if (!ts.isCallExpression(node) || !/^test(?:\.\w+)*$/.test(node.expression.getText())) return;
    found.push(...literalSentences(path, text, node.arguments[0]));
  });
  return found;
}

function literalSentences(path: string, text: string, node: ts.Expression | undefined): Sentence[] {
  if (node === undefined) return [];
  return literalTexts(node).map((literal) => ({ path, line: lineAt(text, node.getStart()), text: literal }));
}

/** Returns the text of a literal, with `${…}` for each value; both texts of a condition; nothing of another expression. */
function literalTexts(node: ts.Expression): string[] {
  if (ts.isStringLiteralLike(node)) return [node.text];
  if (ts.isTemplateExpression(node)) {
    return [node.head.text + node.templateSpans.map(({ literal }) => `\${…}${literal.text}`).join('')];
  }
  return ts.isConditionalExpression(node) ? [node.whenTrue, node.whenFalse].flatMap(literalTexts) : [];
}

function visit(node: ts.Node, action: (node: ts.Node) => void): void {
  action(node);
  ts.forEachChild(node, (child) => visit(child, action));
}

const parse = (path: string, text: string) => ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);

const lineAt = (text: string, position: number) => text.slice(0, position).split('\n').length;
