/** Commands of networks and of DNS. */
import { type Command, command } from './command.ts';
import * as options from './network-options.ts';

export const networkCommands: readonly Command[] = [
  command({
    name: 'ls',
    aliases: ['list'],
    summary: 'List networks',
    example: 'gangway network ls',
    options: options.networkListOptions,
    changes: 'nothing',
    load: async () => (await import('./commands/network.ts')).ls,
  }),
  command({
    name: 'inspect',
    summary: 'Show all information on networks',
    args: 'NETWORK [NETWORK...]',
    example: 'gangway network inspect bridge',
    options: options.networkInspectOptions,
    changes: 'nothing',
    load: async () => (await import('./commands/inspect.ts')).inspectNetwork,
  }),
  command({
    name: 'create',
    summary: 'Create a network',
    args: 'NETWORK',
    example: 'gangway network create --subnet 10.1.0.0/24 backend',
    options: options.networkCreateOptions,
    load: async () => (await import('./commands/network.ts')).create,
  }),
  command({
    name: 'connect',
    summary: 'Connect a container to a network',
    args: 'NETWORK CONTAINER',
    example: 'gangway network connect --alias db backend web',
    options: options.networkConnectOptions,
    load: async () => (await import('./commands/network.ts')).connect,
  }),
  command({
    name: 'disconnect',
    summary: 'Disconnect a container from a network',
    args: 'NETWORK CONTAINER',
    example: 'gangway network disconnect backend web',
    options: options.networkDisconnectOptions,
    load: async () => (await import('./commands/network.ts')).disconnect,
  }),
  command({
    name: 'rm',
    aliases: ['remove'],
    summary: 'Remove networks',
    args: 'NETWORK [NETWORK...]',
    example: 'gangway network rm backend',
    options: options.networkRemoveOptions,
    load: async () => (await import('./commands/network.ts')).rm,
  }),
  command({
    name: 'prune',
    summary: 'Remove all user-defined networks that no running container uses',
    example: 'gangway network prune -f',
    options: options.networkPruneOptions,
    load: async () => (await import('./commands/network.ts')).prune,
  }),
];

export const dnsCommands: readonly Command[] = [
  command({
    name: 'query',
    summary: 'Resolve a name as a container does, and explain the answer',
    args: 'NAME',
    example: 'gangway dns query --from web db',
    options: options.dnsQueryOptions,
    changes: 'nothing',
    load: async () => (await import('./commands/dns.ts')).query,
  }),
];
