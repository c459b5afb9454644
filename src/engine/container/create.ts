/**
 * Creating a container: a record, and a directory for its log and its unpacked root file system. No process, no network.
 */
import { existsSync } from 'node:fs';
import type { Step } from '../../plan/step.ts';
import type { ContainerRequest } from '../../values/container.ts';
import { GangwayError } from '../../values/errors.ts';
import { shortId } from '../../values/id.ts';
import type { NetworkMode } from '../../values/network.ts';
import { checkNetworkMode } from '../../values/network-mode.ts';
import type { Context } from '../context.ts';
import { machineName } from '../host-facts.ts';
import { inventName } from '../store/id-generator.ts';
import { findRecord } from '../store/network-lookup.ts';
import type { ContainerRecord } from '../store/record.ts';
import { linksOf } from './legacy-links.ts';
import { dataDirectory } from './start.ts';

/**
 * The record of a new container, not yet written.
 *
 * @throws GangwayError container-exists, container-not-found for one that it is linked to or joins, rootfs-not-found;
 *   conflicting-options and invalid-network for networks that are not to be had together
 */
export function draftContainer({ records, identities }: Context, request: ContainerRequest): ContainerRecord {
  const existing = records.everyContainer();
  const network = resolved(records, request.network);
  for (const { container } of linksOf(network)) records.container(container);
  const id = identities.id();
  const isTaken = (name: string) => existing.some((other) => other.name === name);
  const name = request.name === undefined ? inventName(identities, isTaken) : request.name;
  const namesake = existing.find((other) => other.name === name);
  if (namesake !== undefined) {
    throw new GangwayError(
      'container-exists',
      `the container name "${name}" is already in use by container ${shortId(namesake.id)}`,
      {
        hint: `\`gangway rm ${name}\` frees it, or choose another --name`,
      },
    );
  }
  return {
    id,
    name,
    createdAt: new Date().toISOString(),
    hostname: chooseHostname(request, id),
    request,
    network,
    stopped: false,
    restarts: 0,
    steps: ownSteps(records.directories.state, id, request),
  };
}

/**
 * The container by its id, which stays when names change; networks by their names, whatever was typed, so that one network
 * is one connection. What is not there yet is looked for when the container starts.
 *
 * @throws GangwayError container-not-found; conflicting-options and invalid-network for what is not to be had together
 */
function resolved(records: Context['records'], mode: NetworkMode): NetworkMode {
  if (mode.kind === 'container') return { kind: mode.kind, container: records.container(mode.container).id };
  if (mode.kind !== 'networks') return mode;
  const networks = records.everyNetwork();
  const nameOf = (reference: string) => findRecord(networks, reference)?.network.name ?? reference;
  const connections = mode.connections.map((asked) => ({ ...asked, network: nameOf(asked.network) }));
  return checkNetworkMode({ kind: mode.kind, connections });
}

function chooseHostname({ hostname, network }: ContainerRequest, id: string): string {
  if (hostname !== undefined) return hostname;
  return network.kind === 'host' ? machineName() : shortId(id);
}

function ownSteps(state: string, id: string, { rootfs }: ContainerRequest): readonly Step[] {
  const path = dataDirectory(state, id);
  const directory: Step = {
    kind: 'directory',
    path,
    mode: 0o700,
    why: 'the container’s own directory, root’s alone: its log is here, and in a tree of its own programs may be that make anybody root',
  };
  if (rootfs?.kind !== 'archive') return [directory];
  if (!existsSync(rootfs.path))
    throw new GangwayError('rootfs-not-found', `root file system "${rootfs.path}" does not exist`);
  return [
    directory,
    {
      kind: 'archive',
      archive: rootfs.path,
      path: `${path}/rootfs`,
      why: 'the root file system, unpacked for this container alone',
    },
  ];
}
