/**
 * What a chapter of the story is: prose, commands, what they must answer, and what that proves. Plain data: tell.ts takes
 * the steps in a lab, terminal.ts shows them, page.ts writes them down.
 */

export interface Chapter {
  /** How it is asked for, and what its page is called: `bridge`. */
  readonly name: string;
  readonly title: string;
  readonly question: string;
  /** The answer in short, for somebody who has never heard of it. */
  readonly answer: string;
  readonly drawing: string;
  readonly sections: readonly Section[];
  readonly docker: string;
  /** Where gangway does it. */
  readonly sources: readonly string[];
}

export interface Section {
  readonly heading: string;
  readonly says?: string;
  /** A packet's way. */
  readonly drawing?: string;
  readonly steps?: readonly Step[];
}

export interface Step {
  /** What comes, and why. Absent: it goes on with the step before. */
  readonly says?: string;
  /** Where it is typed. Default `host`. */
  readonly at?: 'host' | 'world';
  readonly types: string;
  /** What must have succeeded in the host before. */
  readonly after?: string;
  /** The lines of its output that belong to the lesson. Default all. */
  readonly shows?: RegExp;
  /** One sentence, which stands if the exit status and the output are as expected. */
  readonly proves?: string;
  readonly expects?: RegExp;
  /** The exit status that it must end with. Default 0. */
  readonly status?: number;
  /** Asked again until it is so. */
  readonly patiently?: true;
}

/** Programs that stand in the commands as `"$server"` and the like, so that these are readable. */
export const programs = {
  server:
    'require("http").createServer((q, r) => r.end(q.socket.remoteAddress.replace("::ffff:", "") + "\\n")).listen(80)',
  diary: 'require("http").createServer((q, r) => r.end("dear diary\\n")).listen(9000, "127.0.0.1")',
  hungry: 'for (const eaten = []; ; ) eaten.push(Buffer.alloc(1 << 20, 1))',
} as const;

export function stepsOf({ sections }: Chapter): readonly Step[] {
  return sections.flatMap(({ steps = [] }) => steps);
}

export function programsOf(chapter: Chapter): readonly (keyof typeof programs)[] {
  const typed = stepsOf(chapter).map(({ types }) => types);
  return (['server', 'diary', 'hungry'] as const).filter((name) => typed.some((types) => types.includes(`$${name}`)));
}

/** What the last step of each chapter proves. */
export const nothingLeft =
  'Nothing is left but gangway’s own empty folders, its locks, its log of events and crun’s cache: links, addresses, routes, rules, settings, mounts, control groups, files and processes are those of before.';

/** The last section of each chapter: what takes everything away that it has made. */
export function end(types: string): Section {
  return { heading: 'Take it away', steps: [{ types, proves: nothingLeft }] };
}
