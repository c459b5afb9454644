/** Step kinds: a container's process, and further ones in it. They live here because they need crun, which the plan knows nothing of. */
import type { ActionKind } from '../../plan/kind.ts';
import type { ExecStep, ProcessStep } from '../../plan/step.ts';
import type { Streams } from '../../services/process/attach.ts';
import { execute } from '../../services/process/exec.ts';
import { execCommands } from '../../services/process/exec-script.ts';
import { discard, launch as launchProcess, observe, start } from '../../services/process/launch.ts';
import { discardCommands, launchCommands } from '../../services/process/script.ts';
import type { Launch } from '../../values/launch.ts';

interface Beside {
  /** Begun together with the container's creation, and done before its command runs. */
  readonly meanwhile?: () => Promise<void>;
  /** Called when the container stands and its command does not run yet: the moment to attach. */
  readonly created?: ((launch: Launch) => void) | undefined;
}

export function processKind({ meanwhile, created }: Beside = {}): ActionKind<ProcessStep> {
  return {
    async apply({ launch }) {
      const outcomes = await Promise.allSettled([launchProcess(launch), meanwhile?.()]);
      for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
      created?.(launch);
      await start(launch);
    },
    undo: ({ launch }) => discard(launch),
    commands: ({ launch }) => launchCommands(launch),
    undoCommands: ({ launch }) => discardCommands(launch),
    holds: ({ launch }) => ['created', 'running'].includes(observe(launch).kind),
  };
}

/** @param ended told the command's exit status */
export function execKind(streams?: Streams, ended: (exitStatus: number) => void = () => {}): ActionKind<ExecStep> {
  return {
    apply: async ({ launch, process, request }) => ended(await execute(launch, process, request, streams)),
    commands: ({ launch, process, request }) => execCommands(launch, process, request),
    undo: () => {},
    undoCommands: () => [],
    holds: () => true,
  };
}
