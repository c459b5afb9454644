/** Step kinds of the firewall: the ruleset, loaded once, and the elements of its sets. */
import { addElements, deleteElements, deleteTable, hasElement, hasTable } from '../../kernel/nftables.ts';
import { runProgram } from '../../kernel/program.ts';
import { GangwayError, hasErrno, ignoring } from '../../values/errors.ts';
import { formatSetElement } from '../../values/set-element.ts';
import { type ActionKind, type ElementKind, inside } from '../kind.ts';
import type { ElementStep, RulesetStep } from '../step.ts';

export const ruleset: ActionKind<RulesetStep> = {
  async apply(step) {
    const { failed, complaint } = await runProgram('nft', ['-f', '-'], step.text);
    if (failed) {
      throw new GangwayError('program-failed', `nft could not load table inet ${step.table}: ${complaint}`, {
        hint: 'the kernel needs nf_tables with nat, fib and connection tracking',
      });
    }
  },
  commands: (step) => [`${inside(step.in)}nft -f - <<'RULESET'\n${step.text.trimEnd()}\nRULESET`],
  undoCommands: (step) => [`${inside(step.in)}nft delete table inet ${step.table}`],
  undo: (step, world) => {
    ignoring('ENOENT', () => deleteTable(world.namespace(step.in).netfilter, step.table));
  },
  holds: (step, world) => hasTable(world.namespace(step.in).netfilter, step.table),
};

export const element: ElementKind<ElementStep> = {
  transactional: true,
  commands: (step) => [command('add', step)],
  undoCommands: (step) => [command('delete', step)],
  undo(step, world) {
    if (element.holds(step, world)) deleteElements(world.namespace(step.in).netfilter, step.table, [step.element]);
  },
  holds: (step, world) => hasElement(world.namespace(step.in).netfilter, step.table, step.element),
};

function command(verb: 'add' | 'delete', { in: place, table, element: { set, key, value } }: ElementStep): string {
  const text = formatSetElement(verb === 'add' && value !== undefined ? { set, key, value } : { set, key });
  return `${inside(place)}nft '${verb} element inet ${table} ${set} { ${text} }'`;
}

/** Takes out the elements of several steps at once; where one is missing, the others one by one. */
export function undoElements(
  steps: readonly ElementStep[],
  connectionOf: (step: ElementStep) => Parameters<typeof deleteElements>[0],
): void {
  const [first] = steps;
  if (first === undefined) return;
  const connection = connectionOf(first);
  try {
    deleteElements(
      connection,
      first.table,
      steps.map((step) => step.element),
    );
  } catch (error) {
    if (!hasErrno(error, 'ENOENT')) throw error;
    for (const step of steps) {
      if (hasElement(connection, step.table, step.element)) deleteElements(connection, step.table, [step.element]);
    }
  }
}

/** Puts in the elements of several steps, all or none. */
export function applyElements(
  steps: readonly ElementStep[],
  connectionOf: (step: ElementStep) => Parameters<typeof addElements>[0],
): void {
  const [first] = steps;
  if (first === undefined) return;
  const elements = steps.map((step) => step.element);
  try {
    addElements(connectionOf(first), first.table, elements);
  } catch (cause) {
    if (!hasErrno(cause, 'ENOENT')) throw cause;
    throw new GangwayError('not-supported', `nftables table inet ${first.table} is not as gangway made it`, {
      hint: `\`nft delete table inet ${first.table}\` removes it, and the next container loads it again`,
      cause,
    });
  }
}
