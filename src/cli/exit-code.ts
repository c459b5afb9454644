/**
 * How a failure reaches the person and the calling program: one sentence on stderr, one exit status.
 *
 * The statuses are Docker's: 125 for an option that can't be read and for every failure of `run` itself, 126 and 127
 * where a command could not be started, 1 for the rest.
 */
import { inspect } from 'node:util';
import { type ErrorCode, GangwayError } from '../values/errors.ts';
import type { Command, Console } from './command.ts';
import { UsageError } from './grammar.ts';
import { fullName, help, usage } from './help.ts';
import { complain } from './print-error.ts';

/** Which command failed. */
export interface Failing {
  readonly path: readonly string[];
  readonly command?: Command;
}

/** `option`: it stands wrong on the command line, which is 125 everywhere. `failure`: the command's own status. */
const kinds: Readonly<Record<ErrorCode, 'option' | 'failure' | 126 | 127>> = {
  usage: 'option',
  'invalid-name': 'failure',
  'invalid-address': 'failure',
  'invalid-port': 'option',
  'invalid-option': 'option',
  'conflicting-options': 'option',
  'not-root': 'failure',
  'not-supported': 'failure',
  'missing-program': 'failure',
  'container-not-found': 'failure',
  'container-exists': 'failure',
  'container-running': 'failure',
  'container-not-running': 'failure',
  'network-not-found': 'failure',
  'invalid-network': 'failure',
  'pool-exhausted': 'failure',
  'pool-overlaps': 'failure',
  'address-in-use': 'failure',
  'no-name-server': 'failure',
  'port-in-use': 'failure',
  'port-not-published': 'failure',
  'rootfs-not-found': 'failure',
  'command-not-found': 127,
  'command-not-executable': 126,
  'program-failed': 'failure',
  'record-unreadable': 'failure',
  'disk-full': 'failure',
  'switchboard-unreachable': 'failure',
  'lab-not-found': 'failure',
  'network-exists': 'failure',
  'network-in-use': 'failure',
  'already-connected': 'failure',
  'not-connected': 'failure',
  'lab-exists': 'failure',
};

/** Prints a failure. @returns the exit status */
export function report(error: unknown, failing: Failing, console: Console): number {
  complain(error, console);
  const { path, command } = failing;
  const showUsage = error instanceof UsageError && error.showUsage;
  if (showUsage && command?.commands !== undefined) {
    console.stderr.write(`\n${help(path, command)}`);
  } else if (error instanceof GangwayError && kinds[error.code] === 'option') {
    console.stderr.write(`See '${fullName(path)} --help'.\n`);
    if (showUsage && command !== undefined) console.stderr.write(`\n${usage(path, command)}`);
  }
  if (console.environment.GANGWAY_DEBUG === '1') console.stderr.write(`${inspect(error)}\n`);
  return exitStatus(error, command);
}

/** The status that this failure of this command ends with. */
function exitStatus(error: unknown, command: Command | undefined): number {
  if (error instanceof UsageError) return error.exitStatus;
  const failure = command?.failureStatus ?? 1;
  if (!(error instanceof GangwayError)) return failure;
  const kind = kinds[error.code];
  if (kind === 'option') return 125;
  if (kind === 'failure') return failure;
  return command?.runsCommand === true ? kind : failure;
}
