/** The firewall as the records have it, kept by whoever stays: the switchboard. */
import type { KernelHandles } from '../../plan/kernel-handles.ts';
import type { PortSockets } from '../context.ts';
import { applyChange, type Context, withLock } from '../context.ts';
import { repairs } from './repair.ts';

/** Who keeps the firewall asks nobody for sockets, least of all himself. */
const none: PortSockets = {
  requireRoom: async () => {},
  reserve: async () => {},
  cancel: async () => {},
  serve: async () => {},
  openNameServer: async () => {},
  readTraffic: async () => [],
  isRunning: () => false,
  removeLeftovers: () => {},
  keepOnly: async () => {},
  withdraw: async () => {},
  synchronize: async () => [],
};

/**
 * Which back end it is, the records say, and not whoever started the switchboard. So it is with the rules: it may be of
 * another version than whoever loaded them. It may also be a service with few rights (gangway-switchboard.service): it puts
 * rules back, and takes no container apart that a killed command has left.
 */
export function keeper(context: Context): Context {
  const { firewall: _, ...rest } = context;
  return { ...rest, sockets: none, canRecover: false, canReloadRules: false };
}

/**
 * Puts back everything that is missing, fact by fact. Who holds the lock is waited for.
 *
 * @param own a `keeper`
 * @param signal ends that wait
 * @throws AbortError then
 */
export async function keepFirewall(own: Context, signal?: AbortSignal): Promise<void> {
  const putBack = async (world: KernelHandles) => {
    for (const repair of repairs(own, world, 'everything')) await applyChange(own, world, repair);
  };
  await withLock(own, putBack, signal);
}

/** Are the rules in the kernel's old tables, which tell nobody when they are changed? */
export function isSilent({ records }: Context): boolean {
  if (!records.isMachineReadable) return false;
  return records.machine().ruleset.some((step) => step.kind === 'chains' && step.variant === 'legacy');
}
