/** Step kind: a network namespace with a name. */
import { existsSync } from 'node:fs';
import { addNamespace, deleteNamespace, pinPath } from '../../kernel/namespace.ts';
import {
  createOwnedNetworkNamespace,
  deleteUserNamespacePin,
  ownedNamespaceCommands,
} from '../../kernel/user-namespace.ts';
import { quote } from '../../values/quote.ts';
import type { ActionKind } from '../kind.ts';
import type { NamespaceStep } from '../step.ts';

export const namespace: ActionKind<NamespaceStep> = {
  commands: (step) =>
    step.owner === undefined
      ? [`ip netns add ${step.name}`]
      : ownedNamespaceCommands(step.name, step.owner.pin, step.owner.range),

  undoCommands: (step) => [
    `ip netns delete ${step.name}`,
    ...(step.owner === undefined ? [] : [`umount ${quote(step.owner.pin)}`, `rm ${quote(step.owner.pin)}`]),
  ],

  apply(step) {
    if (step.owner === undefined) return addNamespace(step.name);
    return createOwnedNetworkNamespace(pinPath(step.name), step.owner.pin, step.owner.range);
  },

  undo(step, kernel) {
    kernel.closeNamespace(step.name);
    deleteNamespace(step.name);
    if (step.owner !== undefined) deleteUserNamespacePin(step.owner.pin);
  },

  holds: (step) => existsSync(pinPath(step.name)),
};
