/**
 * What a request comes to with recorded facts: a plan that the journal can keep and that is explained as a script in which
 * no value is taken for a command, or a sentence.
 */
import { spawnSync } from 'node:child_process';
import { isDeepStrictEqual } from 'node:util';
import { explain } from '../../../src/engine/step-kinds.ts';
import { decode, encode } from '../../../src/plan/encoding.ts';
import type { Plan } from '../../../src/plan/plan.ts';
import { gangway } from '../cli.ts';
import type { Line } from './command-line.ts';
import type { Facts } from './facts.ts';
import type { Judge } from './fuzz.ts';
import { misread, parsed, unsound } from './parser.ts';
import { hazard } from './texts.ts';

/** Reads the line and, where it is a request, plans it. @returns what is wrong, if anything is */
export function judging(facts: Facts): Judge {
  return async (line) => {
    const outcome = await parsed(line);
    const isRequest = outcome.calls.length > 0 && !line.includes('gc');
    return misread(line, outcome) ?? (isRequest ? await misplanned(facts, line) : undefined);
  };
}

async function misplanned(facts: Facts, line: Line): Promise<string | undefined> {
  const plans: Plan[] = [];
  const { status, stdout, stderr } = await gangway(['explain', ...line], {
    createEngine: async (options) => facts.planner(options),
    loadExplain: async () => (plan) => {
      plans.push(plan);
      return explain(plan);
    },
  });
  const complaint = unsound({ status, stderr }, line);
  if (complaint !== undefined || plans.length === 0) return complaint;
  if (status === 0 && !plans.every((plan) => isDeepStrictEqual(decode(encode(plan)), plan))) {
    return 'the plan is another one in the journal';
  }
  return misquoted(stdout);
}

/** @returns what the shell would take for its own */
function misquoted(script: string): string | undefined {
  const { stderr } = spawnSync('sh', ['-n'], { input: script, encoding: 'utf8' });
  if (stderr !== '') return `sh: ${stderr}`;
  const bare = withoutQuotes(script);
  return bare.includes(hazard) ? `not quoted: ${bare.split('\n').find((text) => text.includes(hazard))}` : undefined;
}

/** The script without here documents, comments and what stands in single quotes; double ones keep nothing out. */
function withoutQuotes(script: string): string {
  return script
    .replace(/<<'(\w+)'\n.*?\n\1\n/gs, '\n')
    .replace(/'[^']*'|\\.|"(?:[^"\\]|\\.)*"|(?<=^|\s)#[^\n]*/gms, (part) => (part.startsWith('"') ? part : ' '));
}
