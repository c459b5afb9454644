/**
 * Starting a container: from its record to a plan, and from the plan to a life.
 *
 *     ground      ruleset, forwarding, networks       what is missing of what all share
 *     stack       namespace, plugs, routes, ports     stack.ts
 *     files       hosts, hostname, resolv.conf        chapter 6
 *     process     crun under conmon
 *
 * Everything is chosen before anything is changed; the record is written when all of it stands.
 */

import { bootId } from '../../kernel/boot.ts';
import { pinPath } from '../../kernel/namespace.ts';
import { defaultRoutes } from '../../networks/default-route.ts';
import { dnsSocketRemarks } from '../../networks/dns.ts';
import { embeddedDnsResolvConf, type HostEntry, hostsFile, resolvConf } from '../../networks/files.ts';
import { socketRemarks as portSockets, portSteps, withHostPort } from '../../networks/port-mapping.ts';
import { sysctlSteps } from '../../networks/sandbox.ts';
import type { KernelHandles } from '../../plan/kernel-handles.ts';
import type { DefaultRoute, DirectoryStep, FileStep, Step } from '../../plan/step.ts';
import { type Place, prepareLaunch } from '../../services/process/resolve-launch.ts';
import type { Address, Family } from '../../values/address.ts';
import { GangwayError } from '../../values/errors.ts';
import type { ContainerAction, Occurrence } from '../../values/event.ts';
import { gather } from '../../values/forward-set.ts';
import type { Launch } from '../../values/launch.ts';
import { present } from '../../values/present.ts';
import { closesIpv6 } from '../../values/sysctl-grammar.ts';
import { applyChange, type Context, openPorts } from '../context.ts';
import { hostsNames } from '../dns/zones.ts';
import { guardOf } from '../endpoint/routes.ts';
import { containerEvent, endpointEvents } from '../events/build.ts';
import { activeBackend } from '../firewall/backend-selection.ts';
import { machineHosts, machineResolvConf } from '../host-facts.ts';
import { policyLookup } from '../ports/targets.ts';
import { draftSandbox, type SandboxDraft } from '../sandbox/sandbox.ts';
import { type ContainerRecord, type Run, stepsOf } from '../store/record.ts';
import { linkLines } from './legacy-links.ts';
import { processKind } from './process-step.ts';

/** How a life begins. */
export interface StartOptions {
  /** Steps that belong to the same change, and come first: the container's own directory, for `run`. */
  readonly before?: readonly Step[];
  /** Called when the container stands and its command does not run yet: the moment to attach. */
  readonly created?: (launch: Launch) => void;
  /** A client is attached. */
  readonly foreground?: boolean;
  /** What is told of the container, in order. Default that it starts. */
  readonly actions?: readonly ContainerAction[];
}

/** Gives the container a life. The caller holds the lock. */
export async function startContainer(
  context: Context,
  world: KernelHandles,
  record: ContainerRecord,
  { before = [], created, foreground = false, actions = ['start'] }: StartOptions = {},
): Promise<ContainerRecord> {
  if (record.life !== undefined) throw new GangwayError('container-running', `container ${record.name} is running`);
  const stack = await draftSandbox(context, world, record);
  const { sockets } = context;
  const published = !context.dryRun && withHostPort(stack.forwards).length > 0;
  const named = !context.dryRun && stack.names !== undefined;
  try {
    const started = draftRun(context, record, stack, foreground);
    // Its first word may be somebody's name.
    const meanwhile = async () => (named ? await sockets.openNameServer(started) : undefined);
    const process = processKind({ meanwhile, created });
    await applyChange(
      context,
      world,
      { ...change(context, started, before, stack), events: events(started, stack, actions) },
      { ...context.kinds, process },
    );
    if (published) await openPorts(context, record.id);
    return started;
  } catch (error) {
    if (published || named) await sockets.withdraw(record.id);
    throw error;
  }
}

function change({ records }: Context, record: ContainerRecord, before: readonly Step[], stack: SandboxDraft) {
  const { ground, forwards, names } = stack;
  const life = record.life === undefined ? [] : stepsOf(record.life);
  return {
    plan: {
      subject: `${before.length > 0 ? 'run' : 'start'} ${record.name}`,
      direction: 'make' as const,
      steps: [...before, ...(ground?.steps ?? []), ...life],
      remarks: [...portSockets(forwards), ...(names === undefined ? [] : dnsSocketRemarks())],
    },
    records: [records.put('containers', record), ...(ground?.records ?? [])],
  };
}

/** A container is connected before it starts. */
function events(record: ContainerRecord, { wired }: SandboxDraft, actions: readonly ContainerAction[]): Occurrence[] {
  const networks = wired.map((each) => each.record);
  return actions.flatMap((action) => [
    ...(action === 'start' ? endpointEvents(record, networks, 'connect') : []),
    containerEvent(record, action),
  ]);
}

function draftRun(
  context: Context,
  record: ContainerRecord,
  stack: SandboxDraft,
  foreground: boolean,
): ContainerRecord {
  const { records } = context;
  const { sandbox, host: joined, wired, ways, forwards } = stack;
  const gathered = gather(forwards);
  const directory = `${records.directories.runtime}/containers/${record.id}`;
  const { launch, warnings } = prepareLaunch(record.request, {
    ...launchSettings(context, record, directory, stack),
    foreground,
  });
  for (const warning of warnings) context.onWarning(warning);
  const life: Run = {
    boot: bootId(),
    startedAt: new Date().toISOString(),
    launch,
    ...(sandbox === undefined ? {} : { namespace: sandbox.namespace }),
    ...(joined === undefined ? {} : { joined: joined.id, ...present({ joinedLife: joined.life?.startedAt }) }),
    sandbox: [...stack.made, ...(sandbox === undefined ? [] : sysctlSteps(sandbox, record.request.sysctls))],
    ...(stack.names === undefined ? {} : { names: stack.names }),
    plugs: wired.map(({ plug }) => plug),
    guard: guardOf(wired),
    routes: sandbox === undefined ? [] : defaultRoutes(ways, sandbox),
    forwards: gathered,
    published: portSteps(gathered, policyLookup(wired), activeBackend(context)),
    rest: [
      ...files(record, directory, stack, linkLines(records, record.network)),
      { kind: 'process', launch, why: 'the command, in namespaces of its own and inside its limits' },
    ],
  };
  const { failure: _, restartedBy: __, ...lasting } = record;
  return { ...lasting, stopped: false, life };
}

function launchSettings(
  { records, exitCommand }: Context,
  record: ContainerRecord,
  directory: string,
  { sandbox, host: joined }: SandboxDraft,
): Omit<Place, 'foreground'> {
  const { state, runtime } = records.directories;
  const data = dataDirectory(state, record.id);
  return {
    id: record.id,
    directory,
    runtimeRoot: `${runtime}/crun`,
    logPath: `${data}/log`,
    exitDirectory: `${runtime}/exits`,
    hostname: joined?.hostname ?? record.hostname,
    network: sandbox === undefined ? { kind: 'host' } : { kind: 'namespace', path: pinPath(sandbox.namespace) },
    ...(sandbox?.owner === undefined ? {} : { userNamespace: { path: sandbox.owner.pin, range: sandbox.owner.range } }),
    hidden: [state, runtime],
    cgroupPath: `/gangway/${record.id}`,
    exitCommand: [...exitCommand, record.id],
    ...(joined?.life === undefined ? {} : { identityDirectory: joined.life.launch.directory }),
    ...(record.request.rootfs?.kind === 'archive' ? { unpackedRoot: `${data}/rootfs` } : {}),
  };
}

/** The container's own directory on the disk: its log, its unpacked archive. */
export function dataDirectory(state: string, id: string): string {
  return `${state}/containers/${id}`;
}

/**
 * The three files that a C library reads, written beside the bundle and bound over those of the tree. Who has joined
 * another container's stack sees that one's.
 *
 * They are written by root of the container, who is the machine's, and may be made a program that makes anybody root: nobody
 * else passes here. With a user namespace crun does, when it has become the container's root: by its group.
 */
function files(
  record: ContainerRecord,
  directory: string,
  { sandbox, host: joined, wired, ways, names }: SandboxDraft,
  linked: readonly HostEntry[],
): readonly (DirectoryStep | FileStep)[] {
  const range = sandbox?.owner?.range;
  const bundle: DirectoryStep = {
    kind: 'directory',
    path: directory,
    ...(range === undefined ? { mode: 0o700 } : { mode: 0o710, group: range.first }),
    why: 'the container’s bundle, in memory',
  };
  if (joined !== undefined) return [bundle];
  const own = wired.flatMap(({ plug }) => plug.endpoint.addresses.map(({ address }) => address));
  const contents = {
    hosts:
      sandbox === undefined
        ? machineHosts()
        : hostsFile(hostsNames(record), own, {
            added: [...extraLines(record, ways), ...linked],
            ipv6: !closesIpv6(record.request.sysctls),
          }),
    hostname: `${record.hostname}\n`,
    'resolv.conf':
      names === undefined
        ? resolvConf(machineResolvConf(), sandbox === undefined ? 'host' : familiesOf(own), record.request.resolver)
        : embeddedDnsResolvConf(names.resolver),
  };
  return [
    bundle,
    ...Object.entries(contents).map(
      ([name, content]): FileStep => ({
        kind: 'file',
        path: `${directory}/${name}`,
        mode: 0o644,
        content,
        why: `what the container reads as /etc/${name}`,
      }),
    ),
  ];
}

/** One without a network cannot reach any server: its file is as it would be in most networks. */
function familiesOf(addresses: readonly Address[]): readonly Family[] {
  return addresses.length === 0 ? [4, 6] : addresses.map(({ family }) => family);
}

/** `host-gateway` is the machine itself, by the address by which the container's packets reach it first. */
function extraLines({ request }: ContainerRecord, ways: readonly DefaultRoute[]): readonly HostEntry[] {
  return request.extraHosts.flatMap(({ name, address }) => {
    if (address !== 'host-gateway') return [{ name, address }];
    return ways.flatMap(({ gateway }) => (gateway === undefined ? [] : [{ name, address: gateway }]));
  });
}
