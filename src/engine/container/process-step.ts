/** Step kinds: a container's process, and further ones in it. They live here because they need crun, which the plan knows nothing of. */
import type { ActionKind } from '../../plan/kind.ts';
import type { ExecStep, ProcessStep } from '../../plan/step.ts';
import type { Streams } from '../../services/process/attach.ts';
import { execInContainer } from '../../services/process/exec.ts';
import { execCommands } from '../../services/process/exec-script.ts';
import {
  deleteContainerProcess,
  createContainerProcess as launchProcess,
  observeContainerProcess,
  startContainerProcess,
} from '../../services/process/launch.ts';
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
      await startContainerProcess(launch);
    },
    undo: ({ launch }) => deleteContainerProcess(launch),
    commands: ({ launch }) => launchCommands(launch),
    undoCommands: ({ launch }) => discardCommands(launch),
    holds: ({ launch }) => ['created', 'running'].includes(observeContainerProcess(launch).kind),
  };
}

/** @param ended told the command's exit status */
export function execKind(streams?: Streams, ended: (exitStatus: number) => void = () => {}): ActionKind<ExecStep> {
  return {
    apply: async ({ launch, process, request }) => ended(await execInContainer(launch, process, request, streams)),
    commands: ({ launch, process, request }) => execCommands(launch, process, request),
    undo: () => {},
    undoCommands: () => [],
    holds: () => true,
  };
}
