/** Step kinds of the firewall: the ruleset, loaded once, and the elements of its sets. */
import { changeElements, countRules, deleteTable, hasElement, hasTable, type Table } from '../../kernel/nftables.ts';
import { findProgram, passingHint, runProgram } from '../../kernel/run-program.ts';
import type { Connection } from '../../netlink/connection.ts';
import { GangwayError, hasErrno, ignoring, KernelError } from '../../values/errors.ts';
import { formatSetElement, type SetElement } from '../../values/set-element.ts';
import type { KernelHandles } from '../kernel-handles.ts';
import { type ActionKind, execPrefix, type TransactionKind } from '../kind.ts';
import { sameNamespace } from '../namespace-ref.ts';
import type { ElementStep, RulesetStep } from '../step.ts';

export const ruleset: ActionKind<RulesetStep> = {
  async apply(step, kernel) {
    if (!step.replaces && hasTable(kernel.namespace(step.in).netfilter, tableOf(step))) {
      throw notOurs(step, new KernelError(`create table ${written(step)}`, 'EEXIST'));
    }
    if (findProgram('nft') === undefined) {
      throw new GangwayError('missing-program', 'nft is not installed', { hint: missingHint(step) });
    }
    const { failed, complaint } = await runProgram('nft', ['-f', '-'], whole(step));
    if (failed) {
      throw new GangwayError('program-failed', `nft could not load table ${written(step)}: ${complaint}`, {
        hint: passingHint(complaint) ?? loadingHint(step),
      });
    }
  },
  commands: (step) => [`nft -f - <<'RULESET'\n${whole(step).trimEnd()}\nRULESET`],
  undoCommands: (step) => [`nft delete table ${written(step)}`],
  undo: (step, kernel) => {
    if (step.replaces) return;
    ignoring('ENOENT', () => deleteTable(kernel.namespace(step.in).netfilter, tableOf(step)));
  },
  /** As many rules as were loaded: they are never changed, but somebody may have flushed a chain of them. */
  holds(step, kernel) {
    const { netfilter } = kernel.namespace(step.in);
    if (!hasTable(netfilter, tableOf(step))) return false;
    const found = countRules(netfilter, tableOf(step));
    return [...rulesIn(step.text)].every(([chain, count]) => chain === ownersChain || found.get(chain) === count);
  },
};

/** Theirs whose machine it is: how many rules there are in it is for them to say. */
const ownersChain = 'GANGWAY-USER';

/** How many rules the chains of a ruleset's text have: one a line, between `chain NAME {` and `}`. */
function rulesIn(text: string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const [, chain = '', body = ''] of text.matchAll(/^\tchain (\S+) \{\n([\s\S]*?)^\t\}/gm)) {
    const rules = body.split('\n').filter((line) => line.trim() !== '' && !/^\s*(#|type |comment )/.test(line));
    if (rules.length > 0) counts.set(chain, rules.length);
  }
  return counts;
}

function missingHint({ family }: RulesetStep): string {
  const install = 'apt-get install nftables';
  return family === 'bridge'
    ? `${install}; a network that is created with \`-o gangway.guard=false\` does without`
    : install;
}

function loadingHint({ family, owners }: RulesetStep): string {
  if (owners !== undefined) return `look into ${owners}: each of its lines has to be a rule`;
  return family === 'bridge'
    ? 'the kernel needs nf_tables for bridges; a network that is created with `-o gangway.guard=false` does without'
    : 'the kernel needs nf_tables with nat, fib and connection tracking';
}

/** One transaction. What is to be replaced may have gone already: then it is there for a moment. */
function whole(step: RulesetStep): string {
  const { text, facts = [], replaces } = step;
  const name = written(step);
  const known = facts.map((item) => `add element ${name} ${item.set} { ${formatSetElement(item)} }\n`).join('');
  return `${replaces ? `add table ${name}\ndelete table ${name}\n` : ''}${text}${known}`;
}

type InTable = Pick<ElementStep, 'family' | 'table'>;

function tableOf({ family, table }: InTable): Table {
  return { family: family ?? 'inet', name: table };
}

function written(step: InTable): string {
  const { family, name } = tableOf(step);
  return `${family} ${name}`;
}

function notOurs(step: InTable, cause: unknown): GangwayError {
  return new GangwayError('not-supported', `nftables table ${written(step)} is not as gangway made it`, {
    hint: `\`nft delete table ${written(step)}\` removes it, and the next container loads it again`,
    cause,
  });
}

export const element: TransactionKind<ElementStep> = {
  canBatch: (one, other) => written(one) === written(other) && sameNamespace(one.in, other.in),
  applyAll: applyElements,
  undoAll: undoElements,
  commands: (step) => replaceCommands(step, step.was, step.element),
  undoCommands: (step) => replaceCommands(step, step.element, step.was),
  undo: (step, kernel) => undoElements([step], kernel),
  holds(step, kernel) {
    return step.element === undefined || hasElement(kernel.namespace(step.in).netfilter, tableOf(step), step.element);
  },
};

function replaceCommands(step: ElementStep, old?: SetElement, fresh?: SetElement): readonly string[] {
  return [
    ...(old === undefined ? [] : [command('delete', step, { set: old.set, key: old.key })]),
    ...(fresh === undefined ? [] : [command('add', step, fresh)]),
  ];
}

function command(verb: 'add' | 'delete', step: ElementStep, item: SetElement): string {
  return `${execPrefix(step.in)}nft '${verb} element ${written(step)} ${item.set} { ${formatSetElement(item)} }'`;
}

/** Takes out the elements of several steps at once, and puts back what was there before them. */
function undoElements(steps: readonly ElementStep[], kernel: KernelHandles): void {
  const [first] = steps;
  if (first === undefined) return;
  const connection = kernel.namespace(first.in).netfilter;
  const change = (some: readonly ElementStep[]) =>
    changeElements(connection, tableOf(first), {
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

function undoElement(connection: Connection, step: ElementStep): void {
  const { element: item, was } = step;
  const table = tableOf(step);
  if (item !== undefined && hasElement(connection, table, item))
    changeElements(connection, table, { remove: [item], add: [] });
  if (was !== undefined)
    ignoring(['ENOENT', 'EEXIST'], () => changeElements(connection, table, { remove: [], add: [was] }));
}

/** Puts in the elements of several steps, in the place of what was there, all or none. */
function applyElements(steps: readonly ElementStep[], kernel: KernelHandles): void {
  const [first] = steps;
  if (first === undefined) return;
  try {
    changeElements(kernel.namespace(first.in).netfilter, tableOf(first), {
      remove: steps.flatMap(present('was')),
      add: steps.flatMap(present('element')),
    });
  } catch (cause) {
    if (!hasErrno(cause, 'ENOENT')) throw cause;
    throw notOurs(first, cause);
  }
}

function present(part: 'element' | 'was') {
  return (step: ElementStep): readonly SetElement[] => {
    const item = step[part];
    return item === undefined ? [] : [item];
  };
}
