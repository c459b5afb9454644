/** Step kinds of the firewall: the ruleset, loaded once, and the elements of its sets. */
import { changeElements, deleteTable, hasElement, hasTable } from '../../kernel/nftables.ts';
import { runProgram } from '../../kernel/program.ts';
import type { Connection } from '../../netlink/connection.ts';
import { GangwayError, hasErrno, ignoring } from '../../values/errors.ts';
import { formatSetElement, type SetElement } from '../../values/set-element.ts';
import { type ActionKind, inside, type TransactionKind } from '../kind.ts';
import { type Place, samePlace } from '../place.ts';
import type { ElementStep, RulesetStep } from '../step.ts';
import type { World } from '../world.ts';

export const ruleset: ActionKind<RulesetStep> = {
  async apply(step) {
    const { failed, complaint } = await runProgram('nft', ['-f', '-'], whole(step));
    if (failed) {
      throw new GangwayError('program-failed', `nft could not load table inet ${step.table}: ${complaint}`, {
        hint:
          step.owners === undefined
            ? 'the kernel needs nf_tables with nat, fib and connection tracking'
            : `look into ${step.owners}: each of its lines has to be a rule`,
      });
    }
  },
  commands: (step) => [`nft -f - <<'RULESET'\n${whole(step).trimEnd()}\nRULESET`],
  undoCommands: (step) => [`nft delete table inet ${step.table}`],
  undo: (step, world) => {
    if (step.replaces) return;
    ignoring('ENOENT', () => deleteTable(world.namespace(step.in).netfilter, step.table));
  },
  holds: (step, world) => hasTable(world.namespace(step.in).netfilter, step.table),
};

function whole({ table, text, replaces }: RulesetStep): string {
  return replaces ? `delete table inet ${table}\n${text}` : text;
}

export const element: TransactionKind<ElementStep> = {
  joins: (one, other) => one.table === other.table && samePlace(one.in, other.in),
  applyAll: applyElements,
  undoAll: undoElements,
  commands: ({ in: place, table, element: item, was }) => replaceCommands(place, table, was, item),
  undoCommands: ({ in: place, table, element: item, was }) => replaceCommands(place, table, item, was),
  undo: (step, world) => undoElements([step], world),
  holds({ in: place, table, element: item }, world) {
    return item === undefined || hasElement(world.namespace(place).netfilter, table, item);
  },
};

function replaceCommands(place: Place, table: string, old?: SetElement, fresh?: SetElement): readonly string[] {
  return [
    ...(old === undefined ? [] : [command('delete', place, table, { set: old.set, key: old.key })]),
    ...(fresh === undefined ? [] : [command('add', place, table, fresh)]),
  ];
}

function command(verb: 'add' | 'delete', place: Place, table: string, item: SetElement): string {
  return `${inside(place)}nft '${verb} element inet ${table} ${item.set} { ${formatSetElement(item)} }'`;
}

/** Takes out the elements of several steps at once, and puts back what was there before them. */
function undoElements(steps: readonly ElementStep[], world: World): void {
  const [first] = steps;
  if (first === undefined) return;
  const connection = world.namespace(first.in).netfilter;
  const change = (some: readonly ElementStep[]) =>
    changeElements(connection, first.table, {
      remove: some.flatMap(present('element')),
      add: some.flatMap(present('was')),
    });
  try {
    change(steps);
  } catch (error) {
    if (!hasErrno(error, 'ENOENT', 'EEXIST')) throw error;
    // One is missing, or back already: each by itself.
    for (const step of steps) undoElement(connection, step);
  }
}

function undoElement(connection: Connection, { table, element: item, was }: ElementStep): void {
  if (item !== undefined && hasElement(connection, table, item))
    changeElements(connection, table, { remove: [item], add: [] });
  if (was !== undefined)
    ignoring(['ENOENT', 'EEXIST'], () => changeElements(connection, table, { remove: [], add: [was] }));
}

/** Puts in the elements of several steps, in the place of what was there, all or none. */
function applyElements(steps: readonly ElementStep[], world: World): void {
  const [first] = steps;
  if (first === undefined) return;
  const { table } = first;
  try {
    changeElements(world.namespace(first.in).netfilter, table, {
      remove: steps.flatMap(present('was')),
      add: steps.flatMap(present('element')),
    });
  } catch (cause) {
    if (!hasErrno(cause, 'ENOENT')) throw cause;
    throw new GangwayError('not-supported', `nftables table inet ${table} is not as gangway made it`, {
      hint: `\`nft delete table inet ${table}\` removes it, and the next container loads it again`,
      cause,
    });
  }
}

function present(part: 'element' | 'was') {
  return (step: ElementStep): readonly SetElement[] => {
    const item = step[part];
    return item === undefined ? [] : [item];
  };
}
