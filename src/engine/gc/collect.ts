/**
 * `gangway gc`: takes away what nobody owns.
 *
 * Who is killed leaves little behind: the journal brings a change to its end, and every object stands in a record. What
 * remains to be found is a container whose monitor was killed with it, a machine that was switched off, a record that a
 * power cut tore, and things whose record somebody deleted by hand. And the default bridge with its ruleset, which are
 * kept for the next container, but only for as long as nobody asks for the machine as it was.
 *
 * Only what carries our name is looked at: pins `gangway-…`, our own directories, control groups and table.
 */
import { type Backend, isFirewallStep } from '../../firewall/backend.ts';
import { bootId } from '../../kernel/boot.ts';
import { listLinks } from '../../kernel/link.ts';
import type { RecordChange } from '../../plan/change.ts';
import type { KernelHandles } from '../../plan/kernel-handles.ts';
import type { Step } from '../../plan/step.ts';
import { TeardownError } from '../../values/errors.ts';
import { shortId } from '../../values/id.ts';
import { removeRecord, teardownRun } from '../container/teardown.ts';
import { isAboutToRestart, isAlive, isUnsupervised, recordAfterExit } from '../container-state.ts';
import { applyChange, type Context, withLock } from '../context.ts';
import type { Removed } from '../engine.ts';
import { lowerGuard } from '../firewall/anti-spoofing.ts';
import { activeBackend, isLoaded } from '../firewall/backend-selection.ts';
import { newForeignFirewall } from '../sandbox/prerequisites.ts';
import { defaultBridge, findDefault, isBridgeBusy } from '../store/network-lookup.ts';
import { containersWithRun, cursorsOf, standingSteps } from '../store/record.ts';
import { removeForgottenBridges } from './orphaned-bridges.ts';
import { removeForgotten, strangers } from './orphaned-containers.ts';

/**
 * @returns what was taken away; in a dry run, what would be
 * @throws TeardownError with what could not be taken away; everything else is
 */
export async function collectGarbage(context: Context): Promise<readonly Removed[]> {
  return await withLock(context, async (world) => {
    if (!context.dryRun) context.sockets.removeLeftovers();
    const failures: TeardownError[] = [];
    const lost = context.records.lostNetworks();
    const removed = [...(await damagedRecords(context, world)), ...(await deadContainers(context, world, failures))];
    const forsaken = await forsakenContainers(context, world, failures);
    const unknown = await unknownThings(context, world, { lost, unplugging: removed.length > 0, failures });
    if (failures.length > 0) throw new TeardownError('gc', failures);
    return [...(await unfinishedRecords(context, world)), ...removed, ...forsaken, ...unknown];
  });
}

interface Search {
  /** Ids of networks whose records were damaged. */
  readonly lost: readonly string[];
  /** Were containers just taken away? */
  readonly unplugging: boolean;
  readonly failures: TeardownError[];
}

/** What no record of ours knows, unless it may be somebody else's. */
async function unknownThings(context: Context, world: KernelHandles, search: Search): Promise<readonly Removed[]> {
  const { lost, failures } = search;
  const others = strangers(context).map((id) => shortId(id));
  if (others.length > 0) {
    context.onWarning(
      `containers run here that stand in no file of ours: ${others.join(', ')}. Theirs is a gangway with other directories; what no record of ours knows is left alone. Where there is none, end their processes first`,
    );
    return [];
  }
  const forgotten = await goingOn(failures, removeForgotten(context, world), []);
  const bridges = await goingOn(failures, removeForgottenBridges(context, world, lost, forgotten.length > 0), []);
  // The kernel unplugs a container some 30 ms after its namespace has gone.
  const links = () => listLinks(world.namespace('host').route);
  const isBusy = !search.unplugging && forgotten.length === 0 && isBridgeBusy(links(), defaultBridge);
  const ground = isBusy ? [] : await goingOn(failures, idleGround(context, world), []);
  return [...forgotten, ...bridges, ...ground];
}

/** What could not be taken away is told at the end. Another error is no teardown's, and ends it. */
async function goingOn<T>(failures: TeardownError[], work: Promise<T>, otherwise: T): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof TeardownError)) throw error;
    failures.push(error);
    return otherwise;
  }
}

async function deadContainers(
  context: Context,
  world: KernelHandles,
  failures: TeardownError[],
): Promise<readonly Removed[]> {
  const dead = context.records
    .containers()
    .filter((record) => record.life !== undefined && !isAlive(record.life) && !isAboutToRestart(record));
  for (const record of dead)
    await goingOn(failures, teardownRun(context, world, record, recordAfterExit(record)), record);
  return dead.map(({ name }) => ({
    what: `what container ${name} left`,
    why: 'it has ended, and nobody was there to clean up',
  }));
}

async function forsakenContainers(
  context: Context,
  world: KernelHandles,
  failures: TeardownError[],
): Promise<readonly Removed[]> {
  const forsaken = context.records.containers().filter(isUnsupervised);
  for (const record of forsaken) await goingOn(failures, removeRecord(context, world, record), undefined);
  return forsaken.map(({ name }) => ({
    what: `container ${name}`,
    why: 'it is removed when it ends, and who was to start it again has not done it',
  }));
}

async function damagedRecords(context: Context, world: KernelHandles): Promise<readonly Removed[]> {
  return await removeFiles(context, world, context.records.torn(), 'it is damaged and can’t be read');
}

/** Of all that is removed, these were nobody's: no link is about to go with them. */
async function unfinishedRecords(context: Context, world: KernelHandles): Promise<readonly Removed[]> {
  return await removeFiles(context, world, context.records.unfinished(), 'it was never finished');
}

async function removeFiles(
  context: Context,
  world: KernelHandles,
  paths: readonly string[],
  why: string,
): Promise<readonly Removed[]> {
  const records: readonly RecordChange[] = paths.map((path) => ({ path, content: null }));
  if (paths.length > 0)
    await applyChange(context, world, {
      plan: { subject: 'remove files that are no records', direction: 'unmake', steps: [] },
      records,
    });
  return paths.map((path) => ({ what: `record ${path}`, why }));
}

/** The default bridge and the ruleset, once no container stands on them. */
async function idleGround(context: Context, world: KernelHandles): Promise<readonly Removed[]> {
  const { records } = context;
  const network = findDefault(records.everyNetwork());
  const machine = records.machine();
  const boot = bootId();
  const plugs = containersWithRun(records.containers(), boot).flatMap(({ life }) => life.plugs);
  const others = records.everyNetwork().filter(({ id }) => id !== network?.id);
  if (plugs.some(({ networkId }) => networkId === network?.id)) return [];
  const firewall = activeBackend(context);
  const inUse = plugs.length > 0 || others.length > 0;
  const bridge = network === undefined ? [] : standingSteps(network, boot);
  const ruleset = inUse
    ? []
    : machine.ruleset.length === 0 && isLoaded(context, world, firewall)
      ? firewall.load()
      : machine.ruleset;
  const guard = inUse ? [] : lowerGuard(context, world);
  const wayBack = inUse ? [] : (machine.wayBack ?? []);
  const forwarding = idleForwarding(context, plugs.length > 0 ? 'containers' : inUse ? 'networks' : 'nobody');
  const idle = [...ruleset, ...guard, ...wayBack, ...forwarding.over];
  if (network === undefined && idle.length === 0) return [];
  await applyChange(context, world, {
    plan: {
      subject: 'remove the idle bridge and the ruleset',
      direction: 'unmake',
      steps: [...idle, ...bridge],
    },
    records: [
      ...(network === undefined ? [] : [records.drop('networks', network.id)]),
      records.putMachine({
        ...(inUse ? machine : { boot: machine.boot, ruleset: [], guard: [] }),
        cursors: cursorsOf(machine, others),
        forwarding: forwarding.left,
      }),
    ],
  });
  return [
    ...(network === undefined
      ? []
      : [{ what: `network bridge (${defaultBridge})`, why: 'no container is plugged in' }]),
    ...(ruleset.length === 0 ? [] : [{ what: rulesOf(firewall), why: 'no network needs it' }]),
    ...(guard.length === 0 ? [] : [{ what: 'nftables table bridge gangway', why: 'no network needs it' }]),
    ...(wayBack.length === 0 ? [] : [{ what: 'the way back of transparent ports', why: 'no network needs it' }]),
  ];
}

interface IdleForwarding {
  readonly over: readonly Step[];
  readonly left: readonly Step[];
}

/**
 * Of what makes the machine forward, what can be taken back, and what the record goes on saying. Where it goes on for
 * somebody else it stays closed for strangers, as long as our rules stand.
 */
function idleForwarding(context: Context, usedBy: 'containers' | 'networks' | 'nobody'): IdleForwarding {
  const { forwarding } = context.records.machine();
  if (forwarding.length === 0 || usedBy === 'containers') return { over: [], left: forwarding };
  const other = newForeignFirewall(context);
  if (other === undefined) return { over: forwarding, left: [] };
  context.onWarning(`the machine goes on forwarding: ${other} has come since it began, and may count on it`);
  return usedBy === 'networks' ? { over: [], left: forwarding } : { over: forwarding.filter(isFirewallStep), left: [] };
}

function rulesOf({ name }: Backend): string {
  return name === 'nftables' ? 'nftables table inet gangway' : 'the chains of iptables';
}
