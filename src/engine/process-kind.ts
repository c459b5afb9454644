/** Step kind: a container's process. It lives here because it needs crun, which the plan knows nothing of. */
import type { ActionKind } from '../plan/kind.ts';
import type { ProcessStep } from '../plan/step.ts';
import { discard, launch as launchProcess, observe, start } from '../services/process/launch.ts';
import { discardCommands, launchCommands } from '../services/process/script.ts';
import type { Launch } from '../values/launch.ts';

/** @param created called when the container stands and its command does not run yet: the moment to attach */
export function processKind(created: (launch: Launch) => void | Promise<void> = () => {}): ActionKind<ProcessStep> {
  return {
    async apply({ launch }) {
      await launchProcess(launch);
      await created(launch);
      await start(launch);
    },
    undo: ({ launch }) => discard(launch),
    commands: ({ launch }) => launchCommands(launch),
    undoCommands: ({ launch }) => discardCommands(launch),
    holds: ({ launch }) => ['created', 'running'].includes(observe(launch).kind),
  };
}
