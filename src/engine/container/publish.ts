/**
 * Publishing ports of a container that is there already, and taking them back: what Docker lets one say only once, when
 * the container is made.
 *
 *     publish       sockets bound, deaf -> elements -> record -> clients are let in
 *     unpublish     sockets closed -> elements -> record
 *
 * The same as for a container that starts, for the ports that come or go alone; the others notice nothing. What is
 * asked for joins the container's request, so that its next start publishes the same. A container that does not run has
 * nothing but its request.
 *
 * Who is connected when a port is taken back is cut off: the kernel is made to forget whom it has led there, and the
 * switchboard breaks off what it carries. Neither touches what came to the container by another port, or another way.
 */
import {
  portSteps,
  republish,
  socketRemarks,
  unpublish,
  withConntrackCleanup,
  withHostPort,
} from '../../networks/port-mapping.ts';
import type { KernelHandles } from '../../plan/kernel-handles.ts';
import { publishAll } from '../../services/port-allocation.ts';
import { selectBindings, withoutBindings, withoutRequests } from '../../services/unpublish/unpublish.ts';
import {
  forgetUnpublished,
  type IntroducedPorts,
  introducing,
  refuseAimless,
  withIntroduced,
} from '../../values/client-address.ts';
import type { ContainerRequest } from '../../values/container.ts';
import { GangwayError } from '../../values/errors.ts';
import { gather, spread } from '../../values/forward-set.ts';
import type { Forward, PortBinding, PublishedPort } from '../../values/port.ts';
import { formatPort, formatPublish, refuseOverlaps } from '../../values/port-grammar.ts';
import { isAlive } from '../container-state.ts';
import { applyChange, type Context, withLock } from '../context.ts';
import { defaultRoutesOf, type Endpoints, endpointsOf } from '../endpoint/routes.ts';
import { activeBackend } from '../firewall/backend-selection.ts';
import { bindPorts, closeRemovedPorts, whileBound } from '../ports/allocate.ts';
import { forwardsOf, policyLookup } from '../ports/targets.ts';
import { planPrerequisites } from '../sandbox/prerequisites.ts';
import type { ContainerRecord, Run } from '../store/record.ts';

interface Wanted {
  readonly ports: readonly PublishedPort[];
  /** Ports of the container whose clients are introduced from now on. */
  readonly introduced: IntroducedPorts;
}

/**
 * `gangway publish CONTAINER PORT…`, all or none.
 *
 * @returns what was bound; nothing for a container that does not run, or has no way out
 * @throws GangwayError container-not-found, invalid-network, invalid-port, port-not-published, conflicting-options;
 *   port-in-use, with who has it
 */
export async function publishPorts(
  context: Context,
  name: string,
  { ports: asked, introduced }: Wanted,
): Promise<readonly PortBinding[]> {
  return await withLock(context, async (world) => {
    const record = context.records.container(name);
    refuseWithoutNetwork(context, record);
    const request = withIntroduced(
      rewrite(record.request, (all) => [...all, ...asked]),
      introduced,
    );
    refuseAimless(request);
    refuseMixed(record, request);
    const published = { ...record, request };
    const subject = `publish ${asked.map(formatPublish).join(' ')} for ${record.name}`;
    const { life } = record;
    const wired = life === undefined || !isAlive(life) ? undefined : endpointsOf(context.records, life);
    if (life !== undefined && wired !== undefined && defaultRoutesOf(wired).length > 0)
      return await addPorts(context, world, { record: published, life, wired, asked, subject });
    refuseOverlaps(request.publish);
    if (wired !== undefined)
      context.onWarning(`container ${record.name} has no way out: its ports are published when it has one`);
    const records = [context.records.put('containers', published)];
    await applyChange(context, world, { plan: { subject, direction: 'make', steps: [] }, records });
    return [];
  });
}

/** A server expects the same of every client. @throws GangwayError conflicting-options */
function refuseMixed({ name, life }: ContainerRecord, request: ContainerRequest): void {
  const forwards = life === undefined || !isAlive(life) ? [] : spread(life.forwards);
  const introduce = introducing(request);
  const mixed = forwards.find(({ binding }) => introduce(binding).clientAddress !== binding.clientAddress);
  if (mixed === undefined) return;
  const { containerPort: port, protocol } = mixed.binding;
  const message = `port ${formatPort({ port, protocol })} of container ${name} is published already, and its clients are introduced otherwise`;
  const hint = `\`gangway unpublish ${name} ${port}\` first: a server expects the same of every client`;
  throw new GangwayError('conflicting-options', message, { hint });
}

interface Addition {
  /** As it will be written, but for its life. */
  readonly record: ContainerRecord;
  readonly life: Run;
  readonly wired: Endpoints;
  readonly asked: readonly PublishedPort[];
  readonly subject: string;
}

async function addPorts(
  context: Context,
  world: KernelHandles,
  { record, life, wired, asked, subject }: Addition,
): Promise<readonly PortBinding[]> {
  const ways = defaultRoutesOf(wired);
  const bindings = await bindPorts(context, { record, asked, wired, ways, own: 'taken' });
  const added = forwardsOf(wired, ways, bindings);
  const forwards = gather([...spread(life.forwards), ...added]);
  const published = portSteps(forwards, policyLookup(wired), activeBackend(context));
  const ground = planPrerequisites(context, world, {
    networks: wired.map((each) => each.record),
    forwardFor: { id: record.id, begins: false },
    forwards: added,
  });
  const steps = [...ground.steps, ...withConntrackCleanup(republish(life.published, published), added)];
  const after = { ...record, life: { ...life, forwards, published } };
  await whileBound(context, record, !context.dryRun && withHostPort(added).length > 0, async () => {
    // What was asked for before and is not bound now would be in the way of the next start.
    refuseOverlaps(record.request.publish);
    await applyChange(context, world, {
      plan: { subject, direction: 'make', steps, remarks: socketRemarks(added) },
      records: [context.records.put('containers', after), ...ground.records],
    });
  });
  return withHostPort(added).map(({ binding }) => binding);
}

/**
 * `gangway unpublish CONTAINER PORT…`, all or none.
 *
 * @throws GangwayError container-not-found, invalid-network; port-not-published, with what is
 */
export async function unpublishPorts(context: Context, name: string, meant: readonly PublishedPort[]): Promise<void> {
  await withLock(context, async (world) => {
    const record = context.records.container(name);
    refuseWithoutNetwork(context, record);
    const subject = `unpublish ${meant.map(formatPublish).join(' ')} of ${record.name}`;
    const { life } = record;
    if (life === undefined || !isAlive(life) || life.forwards.length === 0) {
      const request = rewrite(record.request, (all) => withoutRequests(record.name, all, meant));
      const records = [context.records.put('containers', { ...record, request })];
      return await applyChange(context, world, { plan: { subject, direction: 'make', steps: [] }, records });
    }
    const before = spread(life.forwards);
    const gone = new Set(selectBindings(record.name, before.map(bindingIn), meant));
    const after = leaving(
      context,
      { ...record, life },
      {
        gone: [...gone],
        left: before.filter(({ binding }) => !gone.has(binding)),
      },
    );
    const flows = before.filter(({ binding }) => gone.has(binding));
    const steps = withConntrackCleanup(unpublish(life.published, after.life.published), flows);
    await closeRemovedPorts(context, record, { before: life.forwards, after: after.life.forwards });
    await applyChange(context, world, {
      plan: { subject, direction: 'unmake', steps },
      records: [context.records.put('containers', after)],
    });
  });
}

interface Unpublished {
  readonly gone: readonly PortBinding[];
  readonly left: readonly Forward[];
}

function leaving(context: Context, record: ContainerRecord & { readonly life: Run }, { gone, left }: Unpublished) {
  const { life } = record;
  const forwards = gather(left);
  const published = portSteps(forwards, policyLookup(endpointsOf(context.records, life)), activeBackend(context));
  const request = rewrite(record.request, (all) => withoutBindings(all, gone, left.map(bindingIn)));
  return { ...record, request, life: { ...life, forwards, published } };
}

function bindingIn({ binding }: Forward): PortBinding {
  return binding;
}

/** What `-P` stands for is written out as soon as it would stand for something else. */
function rewrite(
  request: ContainerRequest,
  change: (all: readonly PublishedPort[]) => readonly PublishedPort[],
): ContainerRequest {
  const exposed = request.publishAll ? publishAll(request.expose, request.publish) : [];
  const after = change([...request.publish, ...exposed]);
  const publish = after.filter((port) => !exposed.includes(port));
  const same =
    exposed.every((port) => after.includes(port)) && publishAll(request.expose, publish).length === exposed.length;
  return forgetUnpublished(same ? { ...request, publish } : { ...request, publish: after, publishAll: false });
}

/** @throws GangwayError invalid-network for a container that has no address of its own to which a port could lead */
function refuseWithoutNetwork({ records }: Context, { name, network, life }: ContainerRecord): void {
  switch (network.kind) {
    case 'networks':
      return;
    case 'host':
      throw new GangwayError('invalid-network', `container ${name} lives in the machine’s own network`, {
        hint: 'what it listens on is open there already, without being published',
      });
    case 'none':
      throw new GangwayError('invalid-network', `container ${name} has no network: nobody can come in by a port`, {
        hint: `\`gangway network disconnect none ${name}\`, and connect it to a network`,
      });
    case 'container': {
      const owner = records.container(life?.joined ?? network.container).name;
      throw new GangwayError('invalid-network', `container ${name} lives in the stack of container ${owner}`, {
        hint: `publish or unpublish ports of ${owner}`,
      });
    }
  }
}
