/** Describes machine, programs and date of a run. */
import { execFileSync } from 'node:child_process';
import { describeMachine } from '../../bench/machine.ts';
import { programEnvironment } from '../../src/lab/background.ts';

export interface Conditions {
  readonly date: string;
  /** `Linux 6.18.44, Node v20.20.2, …` */
  readonly sentence: string;
}

export function conditions(): Conditions {
  const { processor, cores, memoryGibibytes, kernel, node, load } = describeMachine();
  const programs = [dockerVersion(), version('crun', 'crun'), version('nft', 'nft')].join(', ');
  return {
    date: new Date().toISOString().slice(0, 10),
    sentence: `${processor}, ${cores} processors, ${memoryGibibytes} GiB, Linux ${numberIn(kernel)}, Node ${node}, ${programs}; load ${load.toFixed(1)} at the end`,
  };
}

function dockerVersion(): string {
  return `dockerd ${numberIn(said('dockerd'))}`;
}

function version(name: string, program: string): string {
  return `${name} ${numberIn(said(program))}`;
}

/** Returns a program's version. (An npm package also has a program called `nft`.) */
function said(program: string): string {
  return execFileSync(program, ['--version'], { encoding: 'utf8', env: programEnvironment() });
}

function numberIn(text: string): string {
  return /\d+(\.\d+)+/.exec(text)?.[0] ?? 'of an unknown version';
}
