/** What BPF there is for tests, for `skipUnless`. */
import { closeSync, existsSync } from 'node:fs';
import { assemble, exit, type Line, set } from '../../src/kernel/bpf/program.ts';
import { typeInformationPath } from '../../src/kernel/bpf/type-information.ts';
import { readLayout } from '../../src/kernel/cgroup.ts';
import { loadProgram } from '../../src/sys/bpf.ts';
import { hasErrno } from '../../src/values/errors.ts';

export const bytes = (...program: readonly Line[]) => assemble(program, new Map());

/** @returns why no program can be loaded here */
export function lacksPrograms(): string | undefined {
  try {
    closeSync(loadProgram('connect4', bytes(set('r0', 1), exit)));
    return undefined;
  } catch (error) {
    if (hasErrno(error, 'EPERM', 'ENOSYS')) return 'the kernel lets nobody load BPF programs, or not this user';
    throw error;
  }
}

/** @returns why nobody can be led here, or not all who could be elsewhere */
export function lacksHook(): string | undefined {
  if (!readLayout().hierarchies.some(({ version }) => version === 2)) return 'this machine has no cgroup v2';
  if (!existsSync(typeInformationPath)) return `the kernel does not tell its types: no ${typeInformationPath}`;
  return lacksPrograms();
}
