/** Removes networks: one by its name (`gangway network rm`), or all unused ones (`gangway network prune`). */

import { linksIn } from '../../firewall/backend.ts';
import { learnedSets } from '../../firewall/dns-egress-elements.ts';
import { bootId } from '../../kernel/boot.ts';
import { linkOf } from '../../networks/network.ts';
import type { KernelHandles } from '../../plan/kernel-handles.ts';
import type { Step } from '../../plan/step.ts';
import { allowsNames } from '../../values/egress.ts';
import { GangwayError } from '../../values/errors.ts';
import { predefinedNames } from '../../values/network.ts';
import { teardownRun } from '../container/teardown.ts';
import { isAboutToRestart, isAlive, isMonitorKilled, recordAfterExit } from '../container-state.ts';
import { applyChange, type Context, withLock } from '../context.ts';
import type { NetworkSummary, PrunedNetworks } from '../engine.ts';
import { logEvents } from '../events/append.ts';
import { networkEvent } from '../events/build.ts';
import { activeBackend } from '../firewall/backend-selection.ts';
import { findRecord, listNetworks, networkNotFound } from '../store/network-lookup.ts';
import { containersWithRun, cursorsOf, type NetworkRecord, standingSteps } from '../store/record.ts';

/**
 * `gangway network rm`.
 *
 * @returns the network's name
 * @throws GangwayError network-not-found; network-in-use for a predefined one, and else with who uses it
 */
export async function removeNetwork(context: Context, reference: string): Promise<string> {
  return await withLock(context, async (world) => {
    const record = findRecord(context.records.everyNetwork(), reference);
    const called = record?.network.name ?? reference;
    if (predefinedNames.includes(called)) {
      throw new GangwayError('network-in-use', `network ${called} is predefined and can't be removed`);
    }
    if (record === undefined) throw networkNotFound(reference);
    await requireUnused(context, world, record);
    const { name } = record.network;
    const standing = standingSteps(record, bootId());
    const heir = successorOf(context, record, standing);
    const machine = context.records.machine();
    const others = context.records.everyNetwork().filter(({ id }) => id !== record.id);
    await applyChange(context, world, {
      plan: {
        subject: `remove network ${name}`,
        direction: 'unmake',
        steps: heir === undefined ? [...standing, ...learnedSteps(context, world, record)] : [],
      },
      records: [
        context.records.drop('networks', record.id),
        ...(heir === undefined ? [] : [context.records.put('networks', heir)]),
        context.records.putMachine({ ...machine, cursors: cursorsOf(machine, others) }),
      ],
      events: [networkEvent(record, 'destroy')],
    });
    return name;
  });
}

/**
 * Each is removed by itself: one that somebody begins to use meanwhile stays, one that somebody removes has gone, and neither is
 * a failure, as with Docker; what is one keeps none of the others.
 */
export async function pruneNetworks(
  context: Context,
  wanted: (network: NetworkSummary) => boolean,
): Promise<PrunedNetworks> {
  const unused = listNetworks(context).filter(
    (network) => network.dangling && !predefinedNames.includes(network.name) && wanted(network),
  );
  const removed: string[] = [];
  const failures: unknown[] = [];
  for (const { id } of unused) {
    try {
      removed.push(await removeNetwork(context, id));
    } catch (error) {
      if (!isExpected(error)) failures.push(error);
    }
  }
  // Docker's: of no network, and of bytes, which networks have none of.
  if (!context.dryRun)
    logEvents(context, [{ type: 'network', action: 'prune', id: '', attributes: { reclaimed: '0' } }]);
  return { removed, failures };
}

function isExpected(error: unknown): boolean {
  return error instanceof GangwayError && (error.code === 'network-in-use' || error.code === 'network-not-found');
}

/** What name servers have opened to it. */
function learnedSteps(context: Context, world: KernelHandles, { network }: NetworkRecord): readonly Step[] {
  if (network.kind !== 'bridge' || network.egress === undefined || !allowsNames(network.egress)) return [];
  return activeBackend(context)
    .installed(world, 'what was learned for the network goes with it', learnedSets)
    .map(({ step }) => step)
    .filter((step) => linksIn(step).includes(network.bridge));
}

/** Of a parent that was made for one network and carries others by now, the next one becomes the owner. */
function successorOf(
  { records }: Context,
  { id, network, made }: NetworkRecord,
  standing: readonly Step[],
): NetworkRecord | undefined {
  if (network.kind === 'bridge' || made === undefined || standing.length === 0) return undefined;
  const heir = records.everyNetwork().find((other) => other.id !== id && linkOf(other.network) === linkOf(network));
  return heir === undefined ? undefined : { ...heir, made };
}

/**
 * Who lives there keeps it. Who has ended, and nobody was there to clean up, is cleaned up first: his published ports would
 * lead to whoever gets his address next.
 *
 * @throws GangwayError network-in-use
 */
async function requireUnused(context: Context, world: KernelHandles, { id, network }: NetworkRecord): Promise<void> {
  const plugged = containersWithRun(context.records.containers(), bootId()).filter(({ life }) =>
    life.plugs.some(({ networkId }) => networkId === id),
  );
  const users = plugged.filter(
    (record) => isAlive(record.life) || isMonitorKilled(record.life) || isAboutToRestart(record),
  );
  if (users.length > 0) {
    const names = users.map(({ name }) => name);
    throw new GangwayError('network-in-use', `network ${network.name} is in use by ${names.join(', ')}`, {
      hint: `\`gangway network disconnect ${network.name} ${names[0]}\` unplugs one, \`gangway stop\` ends it`,
    });
  }
  for (const record of plugged) await teardownRun(context, world, record, recordAfterExit(record));
}
