/**
 * The rule of plain words: the words that the repository does not use, and what to write instead.
 *
 * Each marked word hides a noun of the field, or a plain verb. scripts/words-allowed.txt lists the exceptions, one a line:
 *
 *     docs/library.md, is no longer, quotes the message of another program
 */

/** Marked words as regular expressions, each group with a suggestion. A space in a pattern matches a line break, too. */
const vocabulary: readonly (readonly [pattern: string, suggestion: string])[] = [
  ['whoever|whom|who asks', 'name the noun: the client, the process, the user, the caller'],
  ['whose own', 'name the owner: the container’s own, the network’s own'],
  ['somebody', 'name the noun: another program, an administrator, a client'],
  ['nobody', 'name the noun: no client, no process, no container'],
  ['anew', 'write "again", or "a new" and the noun'],
  ['is no [a-z]+', 'write "is not a"; in an error: invalid X "...": reason'],
  ['is told', 'write "receives", "is logged" or "is reported"'],
];

/** Spaces, or a line break with the marks of a comment or quotation around it. */
const gap = String.raw`(?:[ \t]+|[ \t]*\n[ \t]*(?:\*|//|#|>)?[ \t]*)`;
const expressions = vocabulary.map(
  ([pattern, suggestion]) => [new RegExp(`\\b(?:${pattern.replaceAll(' ', gap)})\\b`, 'gi'), suggestion] as const,
);

/** The user `nobody` of Unix: a literal, an option or a line of /etc/passwd. */
const userNobody = /(['"`])nobody\1|(?:\buser[ =]|-u )nobody\b|\bnobody:\w+/g;

/** The largest number of exceptions. */
const limit = 15;

/** A marked word in a file. */
export interface Mark {
  readonly path: string;
  readonly line: number;
  readonly word: string;
  readonly suggestion: string;
  /** The whole lines of the word. */
  readonly context: string;
}

/** Finds the marked words of a file, in the order of the text. */
export function findMarks(path: string, text: string): Mark[] {
  const searched = text.replace(userNobody, (user) => '_'.repeat(user.length));
  return expressions
    .flatMap(([expression, suggestion]) =>
      [...searched.matchAll(expression)].map((match) => ({ match, start: match.index, suggestion })),
    )
    .sort((one, other) => one.start - other.start)
    .map(({ match: [found], start, suggestion }) => ({
      path,
      line: text.slice(0, start).split('\n').length,
      word: singleSpaced(found),
      suggestion,
      context: singleSpaced(text.slice(text.lastIndexOf('\n', start) + 1, lineEnd(text, start + found.length))),
    }));
}

/** Removes the marks that an exception allows. @returns the other marks, and errors of the list of exceptions */
export function applyExceptions(marks: readonly Mark[], list: string): { marks: Mark[]; errors: string[] } {
  const lines = list.split('\n').filter((line) => line !== '');
  const errors = lines.length > limit ? [`${lines.length} exceptions; the limit is ${limit}`] : [];
  const allowed = new Set<Mark>();
  for (const line of lines) {
    const [path, phrase, reason] = /^([^,]+), ([^,]+), (.+)$/.exec(line)?.slice(1) ?? [];
    if (path === undefined || phrase === undefined || reason === undefined) {
      errors.push(`invalid exception "${line}": write path, phrase, reason`);
      continue;
    }
    const matches = marks.filter(
      (mark) => mark.path === path && includes(phrase, mark.word) && includes(mark.context, phrase),
    );
    if (matches.length === 0) errors.push(`unused exception "${line}": remove it`);
    for (const mark of matches) allowed.add(mark);
  }
  return { marks: marks.filter((mark) => !allowed.has(mark)), errors };
}

/** Formats a mark: `src/x.ts:7: "whom": name the noun: ...`. */
export function formatMark({ path, line, word, suggestion }: Mark): string {
  return `${path}:${line}: "${word}": ${suggestion}`;
}

/** Counts the marks of each directory, the total last: `  12  src/engine/dns`. */
export function countByDirectory(marks: readonly Mark[]): string[] {
  const counts = new Map<string, number>();
  for (const { path } of marks) {
    const directory = path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '.';
    counts.set(directory, (counts.get(directory) ?? 0) + 1);
  }
  const rows = [...[...counts].sort(([one], [other]) => (one < other ? -1 : 1)), ['total', marks.length] as const];
  return rows.map(([directory, count]) => `${String(count).padStart(5)}  ${directory}`);
}

const singleSpaced = (text: string) => text.replace(new RegExp(gap, 'g'), ' ');

const includes = (text: string, part: string) => text.toLowerCase().includes(part.toLowerCase());

function lineEnd(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end === -1 ? text.length : end;
}
