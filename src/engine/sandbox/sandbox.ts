/**
 * A container's network stack: chosen as a whole before anything is made.
 *
 *     sandbox     namespace, lo                       chapter 1
 *     plugs       cables, addresses                   chapter 3
 *     ways        default routes                      chapter 7
 *     forwards    published ports                     chapter 5; their sockets are bound here, deaf
 *     names       the way to the name server          chapter 11
 */
import { pinOf } from '../../kernel/namespace.ts';
import { subordinateRange } from '../../kernel/user-namespace.ts';
import { redirectDns } from '../../networks/dns.ts';
import { host } from '../../networks/host.ts';
import { createSandbox, type Sandbox } from '../../networks/sandbox.ts';
import type { KernelHandles } from '../../plan/kernel-handles.ts';
import type { DefaultRoute, Step } from '../../plan/step.ts';
import { GangwayError } from '../../values/errors.ts';
import type { ConnectionRequest } from '../../values/network.ts';
import type { Forward } from '../../values/port.ts';
import { resolverSettings } from '../../values/resolver.ts';
import { closesIpv6 } from '../../values/sysctl-grammar.ts';
import { isAlive } from '../container-state.ts';
import type { Context } from '../context.ts';
import { hasDns } from '../dns/zones.ts';
import { allocateEndpoint, type DraftedPlug } from '../endpoint/allocate.ts';
import { defaultRoutesOf, type Endpoints } from '../endpoint/routes.ts';
import { machineResolvConf } from '../host-facts.ts';
import { bindPorts, requestedPorts } from '../ports/allocate.ts';
import { forwardsOf } from '../ports/targets.ts';
import { findRecord, resolveNetwork } from '../store/network-lookup.ts';
import type { ContainerRecord, NameServerRecord, NetworkRecord, Run } from '../store/record.ts';
import { type Prerequisites, planPrerequisites } from './prerequisites.ts';

/** A container's network stack, chosen and not yet made. */
export interface SandboxDraft {
  /** Absent in the machine's own network. */
  readonly sandbox?: Sandbox;
  /** The container whose stack it is. */
  readonly host?: ContainerRecord;
  readonly made: readonly Step[];
  readonly wired: Endpoints;
  readonly ways: readonly DefaultRoute[];
  readonly forwards: readonly Forward[];
  /** In networks with names. */
  readonly names?: NameServerRecord;
  readonly ground?: Prerequisites;
}

/** Chooses everything about the container's network, and has its ports bound. */
export async function draftSandbox(
  context: Context,
  world: KernelHandles,
  record: ContainerRecord,
): Promise<SandboxDraft> {
  const nothing = { made: [], wired: [], ways: [], forwards: [] };
  const { network: mode, request } = record;
  switch (mode.kind) {
    case 'host':
      if (request.publish.length > 0 || request.publishAll)
        context.onWarning('published ports are discarded when using host network mode');
      return { ...nothing, made: host() };
    case 'container':
      return { ...nothing, ...join(context, mode.container) };
    case 'none': {
      const sandbox = chooseNamespace(context, record);
      return { ...nothing, sandbox, made: createSandbox(sandbox) };
    }
    case 'networks':
      return await plugged(context, world, record, mode.connections);
  }
}

/** A plug in each network. A link's name that a later one asks for is not given to an earlier one. */
function draftPlugs(
  context: Context,
  world: KernelHandles,
  record: ContainerRecord,
  { connections, sandbox }: { readonly connections: readonly ConnectionRequest[]; readonly sandbox: Sandbox },
): readonly DraftedPlug[] {
  const drafts: DraftedPlug[] = [];
  for (const [index, request] of connections.entries()) {
    const later = connections.slice(index + 1).flatMap(({ link }) => link ?? []);
    const slot = {
      owner: record.id,
      sandbox,
      links: [...drafts.map(({ plug }) => plug.endpoint.link), ...later],
      had: record.lastEnd?.addresses ?? [],
      withoutIpv6: closesIpv6(record.request.sysctls),
    };
    drafts.push(allocateEndpoint(context, networkOf(context, world, record, request.network), request, slot));
  }
  return drafts;
}

/** @throws GangwayError network-not-found, of a container that is there already with what to do about it */
function networkOf(
  context: Context,
  world: KernelHandles,
  { id, name }: ContainerRecord,
  reference: string,
): NetworkRecord {
  const known = context.records.containers().some((other) => other.id === id);
  if (!known || reference === 'bridge' || findRecord(context.records.everyNetwork(), reference) !== undefined)
    return resolveNetwork(context, world, reference);
  throw new GangwayError('network-not-found', `network ${reference} of container ${name} was removed`, {
    hint: `create it again, or \`gangway network disconnect ${reference} ${name}\``,
  });
}

async function plugged(
  context: Context,
  world: KernelHandles,
  record: ContainerRecord,
  connections: readonly ConnectionRequest[],
): Promise<SandboxDraft> {
  const sandbox = chooseNamespace(context, record);
  const drafts = draftPlugs(context, world, record, { connections, sandbox });
  const ways = defaultRoutesOf(drafts);
  const bindings = await bindPorts(context, {
    record,
    asked: requestedPorts(record),
    wired: drafts,
    ways,
    own: 'free',
  });
  const forwards = forwardsOf(drafts, ways, bindings);
  const ground =
    drafts.length === 0
      ? undefined
      : planPrerequisites(context, world, {
          networks: drafts.map((draft) => draft.record),
          forwardFor: { id: record.id, begins: true },
          forwards,
          cursors: Object.assign({}, ...drafts.map(({ cursors }) => cursors)),
        });
  return {
    sandbox,
    made: createSandbox(sandbox),
    wired: drafts,
    ways,
    forwards,
    ...(drafts.some((draft) => hasDns(draft.record)) ? { names: draftNameServer(record, sandbox) } : {}),
    ...(ground === undefined ? {} : { ground }),
  };
}

/** What a container gets with its first network that has names. */
export function draftNameServer({ request }: ContainerRecord, sandbox: Sandbox): NameServerRecord {
  return { steps: redirectDns(sandbox), resolver: resolverSettings(machineResolvConf(), request.resolver) };
}

/** The stack of a container that runs. @throws GangwayError container-not-found, container-not-running */
function join({ records }: Context, reference: string): Pick<SandboxDraft, 'host' | 'sandbox'> {
  const found = records.container(reference);
  if (found.life === undefined || !isAlive(found.life)) {
    throw new GangwayError(
      'container-not-running',
      `cannot join the network of container ${found.name}: it is not running`,
      {
        hint: `\`gangway start ${found.name}\` starts it`,
      },
    );
  }
  const { namespace, joined } = found.life;
  if (namespace === undefined) return { host: found };
  const owner = joined === undefined ? found : records.container(joined);
  if (joined !== undefined && !livesOn(owner, found.life)) throw abandoned(found, owner);
  return { host: owner, sandbox: { namespace } };
}

/** Is it still the life in whose stack that one lives? */
function livesOn({ life: owner }: ContainerRecord, { joinedLife, startedAt }: Run): boolean {
  if (owner === undefined) return false;
  return joinedLife === undefined ? owner.startedAt <= startedAt : owner.startedAt === joinedLife;
}

/** Its namespace lives on with it, under no name: the owner's is that of its next life. */
function abandoned(found: ContainerRecord, owner: ContainerRecord): GangwayError {
  const message = `cannot join the network of container ${found.name}: it lives in that of ${owner.name}, which has ended since`;
  const hint = `\`gangway restart ${found.name}\`, while ${owner.name} runs, lets it in again`;
  return new GangwayError('container-not-running', message, { hint });
}

function chooseNamespace({ records, onWarning }: Context, { id, request }: ContainerRecord): Sandbox {
  const namespace = pinOf(id);
  if (request.userNamespace === 'host') return { namespace };
  return {
    namespace,
    owner: { pin: `${records.directories.runtime}/containers/${id}.user`, range: subordinateRange(onWarning) },
  };
}
