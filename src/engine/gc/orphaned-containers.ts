/**
 * What carries our name and stands in no record: its record was torn, or deleted by hand.
 *
 * A container leaves traces in many places, and all of them name its id, so that whatever half of it is left can be
 * taken away by the very step that would have taken away the whole.
 */
import { readdirSync } from 'node:fs';
import { isFirewallStep, stepKey, unrecordedSteps } from '../../firewall/backend.ts';
import { portSets } from '../../firewall/policy.ts';
import { cgroupDirectories, processesIn, readLayout } from '../../kernel/cgroup.ts';
import { pinDirectory, pinOf } from '../../kernel/namespace.ts';
import type { KernelHandles } from '../../plan/kernel-handles.ts';
import type { Step } from '../../plan/step.ts';
import { ignoring } from '../../values/errors.ts';
import { shortId } from '../../values/id.ts';
import type { Launch } from '../../values/launch.ts';
import { applyChange, type Context } from '../context.ts';
import type { Removed } from '../engine.ts';
import { forgottenGuards } from '../firewall/anti-spoofing.ts';
import { activeBackend } from '../firewall/backend-selection.ts';
import type { Directories } from '../store/directories.ts';
import { type ContainerRecord, stepsOf } from '../store/record.ts';

const identity = /^[0-9a-f]{64}$/;
const why = 'no record knows it';

interface Found {
  readonly step: Step;
  readonly what: string;
}

/**
 * Takes away processes, control groups, namespaces, published ports and files that no record knows. The caller holds the lock.
 *
 * @throws GangwayError where a record can't be read, or is a newer gangway's: these things may be its own
 */
export async function removeForgotten(context: Context, world: KernelHandles): Promise<readonly Removed[]> {
  const { directories } = context.records;
  const known = context.records.everyContainer();
  const found = [
    ...guards(context, world),
    ...ports(context, world, known),
    ...dataDirectories(directories, known),
    ...namespaces(directories, known),
    ...lives(directories, known),
  ];
  for (const { step } of found)
    if (step.kind === 'process' && !context.dryRun) await context.sockets.withdraw(step.launch.id);
  if (found.length > 0)
    await applyChange(context, world, {
      plan: { subject: 'remove what no record knows', direction: 'unmake', steps: found.map(({ step }) => step) },
      records: [],
    });
  return found.toReversed().map(({ what }) => ({ what, why }));
}

/** A published port without a container would lead to whoever gets the address next. */
function ports(context: Context, world: KernelHandles, known: readonly ContainerRecord[]): readonly Found[] {
  const wanted = known.flatMap(({ life }) => (life === undefined ? [] : stepsOf(life))).filter(isFirewallStep);
  const found = activeBackend(context)
    .installed(world, why, portSets)
    .map(({ step }) => step);
  return unrecordedSteps(wanted, found).map((step) => ({ step, what: `${step.kind} ${stepKey(step)}` }));
}

/** What a plug may say that is pulled: nothing is behind that name any more. */
function guards(context: Context, world: KernelHandles): readonly Found[] {
  return forgottenGuards(context, world, why).map((step) => ({ step, what: `guard element ${stepKey(step)}` }));
}

function dataDirectories({ state }: Directories, known: readonly ContainerRecord[]): readonly Found[] {
  const directory = `${state}/containers`;
  return names(directory, identity)
    .filter((name) => !known.some(({ id }) => id === name))
    .map((id) => {
      const path = `${directory}/${id}`;
      return { step: { kind: 'directory', path, mode: 0o711, why }, what: `directory ${path}` };
    });
}

function namespaces({ runtime }: Directories, known: readonly ContainerRecord[]): readonly Found[] {
  const owners = names(`${runtime}/containers`, /^[0-9a-f]{64}\.user$/);
  const pins = [...names(pinDirectory, /^gangway-[0-9a-f]{12}$/), ...owners.map((owner) => pinOf(owner))];
  return [...new Set(pins)]
    .filter((pin) => !known.some(({ life }) => life?.namespace === pin))
    .map((name) => {
      const owner = owners.find((file) => name === pinOf(file));
      const range = { first: 0, length: 0 };
      const owned = owner === undefined ? {} : { owner: { pin: `${runtime}/containers/${owner}`, range } };
      return { step: { kind: 'namespace', name, ...owned, why }, what: `network namespace ${name}` };
    });
}

/**
 * Ids of containers that run, and have no data directory of ours, which is the first that a container gets and the last that
 * it loses: theirs is a gangway with other directories, whose namespaces and rules have the same names as ours.
 */
export function strangers({ records: { directories } }: Pick<Context, 'records'>): readonly string[] {
  const layout = readLayout();
  const ours = new Set(names(`${directories.state}/containers`, identity));
  const groups = new Set(cgroupDirectories(layout, '/gangway').flatMap((place) => names(place, identity)));
  return [...groups].filter((id) => !ours.has(id) && processesIn(layout, `/gangway/${id}`).length > 0);
}

function lives(directories: Directories, known: readonly ContainerRecord[]): readonly Found[] {
  const { runtime } = directories;
  const places = [
    `${runtime}/containers`,
    `${runtime}/crun`,
    `${runtime}/exits`,
    ...cgroupDirectories(readLayout(), '/gangway'),
  ];
  return [...new Set(places.flatMap((place) => names(place, identity)))]
    .filter((name) => !known.some(({ id, life }) => id === name && life !== undefined))
    .map((id) => ({
      step: { kind: 'process', launch: remains(directories, id), why },
      what: `what container ${shortId(id)} left`,
    }));
}

/** As much of a launch as can be known from an id: enough to take it away. */
function remains({ state, runtime }: Directories, id: string): Launch {
  return {
    id,
    // The kind of which more has to be looked for.
    isolation: 'network',
    directory: `${runtime}/containers/${id}`,
    identityDirectory: `${runtime}/containers/${id}`,
    runtimeRoot: `${runtime}/crun`,
    logPath: `${state}/containers/${id}/log`,
    exitDirectory: `${runtime}/exits`,
    command: [],
    environment: [],
    workingDirectory: '/',
    identity: { uid: 0, gid: 0, additionalGids: [] },
    hostname: '',
    network: { kind: 'host' },
    root: { kind: 'host', mounts: [] },
    readOnly: false,
    volumes: [],
    hidden: [],
    terminal: false,
    interactive: false,
    foreground: false,
    capabilities: [],
    limits: { deviceReadBytesPerSecond: [], deviceWriteBytesPerSecond: [], swapAccounting: false },
    sysctls: [],
    cgroupPath: `/gangway/${id}`,
    openFiles: { soft: 0, hard: 0 },
    exitCommand: [],
  };
}

function names(directory: string, pattern: RegExp): readonly string[] {
  return (ignoring('ENOENT', () => readdirSync(directory)) ?? []).filter((name) => pattern.test(name));
}
