/**
 * The type of a chapter: prose, commands, expected output, and what that output proves. A chapter is plain data: run-chapter.ts
 * runs the steps in a lab, terminal.ts prints them, and page.ts writes the page.
 */

export interface Chapter {
  /** Name for the demo's argument and for the file of the page: `bridge`. */
  readonly name: string;
  readonly title: string;
  readonly question: string;
  /** Short answer for a beginner. */
  readonly answer: string;
  readonly drawing: string;
  readonly sections: readonly Section[];
  readonly docker: string;
  /** Source files of gangway for this topic. */
  readonly sources: readonly string[];
}

export interface Section {
  readonly heading: string;
  readonly says?: string;
  /** Path of a packet. */
  readonly drawing?: string;
  readonly steps?: readonly Step[];
}

export interface Step {
  /** Introduction to the command, if any. */
  readonly says?: string;
  /** Host of the shell. Default `host`. */
  readonly at?: 'host' | 'world';
  readonly types: string;
  /** Command that must first succeed in the host. */
  readonly after?: string;
  /** Lines of the output to show. Default all. */
  readonly shows?: RegExp;
  /** Sentence that the expected exit status and output prove. */
  readonly proves?: string;
  readonly expects?: RegExp;
  /** Expected exit status. Default 0. */
  readonly status?: number;
  /** Repeats the command until the result is as expected. */
  readonly patiently?: true;
}

/** Programs that commands name as `"$server"` etc., to keep the commands short. */
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

/** Proof of the last step of each chapter. */
export const nothingLeft =
  'Only gangway’s own empty directories, locks, event log and crun’s cache remain. Links, addresses, routes, rules, settings, mounts, control groups, files and processes are the same as before.';

/** Returns the last section of a chapter, which removes all its objects. */
export function end(types: string): Section {
  return { heading: 'Clean up', steps: [{ types, proves: nothingLeft }] };
}
