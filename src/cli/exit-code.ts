/**
 * Reports the error of a command: one line on stderr and an exit status.
 *
 * The statuses are Docker's: 125 for an invalid option and for a failure of `run`, 126 and 127 for a command that cannot
 * be started, 1 for anything else.
 */
import { inspect } from 'node:util';
import { type ErrorCode, GangwayError } from '../values/errors.ts';
import type { Command, Console } from './command.ts';
import { UsageError } from './grammar.ts';
import { fullName, help, usage } from './help.ts';
import { printError } from './print-error.ts';

/** The command that failed. */
export interface FailedCommand {
  readonly path: readonly string[];
  readonly command?: Command;
}

/** Exit statuses by error code: `option` is 125, a number applies if the command runs another command. */
const statuses: Readonly<Partial<Record<ErrorCode, 'option' | 126 | 127>>> = {
  usage: 'option',
  'invalid-port': 'option',
  'invalid-option': 'option',
  'conflicting-options': 'option',
  'command-not-found': 127,
  'command-not-executable': 126,
};

/** Prints an error, with the usage or the name of the help if it is about the command line. @returns the exit status */
export function reportError(error: unknown, failed: FailedCommand, console: Console): number {
  printError(error, console);
  const { path, command } = failed;
  const showUsage = error instanceof UsageError && error.showUsage;
  if (showUsage && command?.commands !== undefined) {
    console.stderr.write(`\n${help(path, command)}`);
  } else if (error instanceof GangwayError && statuses[error.code] === 'option') {
    console.stderr.write(`See '${fullName(path)} --help'.\n`);
    if (showUsage && command !== undefined) console.stderr.write(`\n${usage(path, command)}`);
  }
  if (console.environment.GANGWAY_DEBUG === '1') console.stderr.write(`${inspect(error)}\n`);
  return exitStatus(error, command);
}

function exitStatus(error: unknown, command: Command | undefined): number {
  if (error instanceof UsageError) return error.exitStatus;
  const failure = command?.failureStatus ?? 1;
  const status = error instanceof GangwayError ? statuses[error.code] : undefined;
  if (status === 'option') return 125;
  return command?.runsCommand === true ? (status ?? failure) : failure;
}
