/** Commands of networks and of DNS. */
import { type Command, command } from './command.ts';
import * as options from './network-options.ts';

export const networkCommands: readonly Command[] = [
  command('ls', '', 'List networks', {
    aliases: ['list'],
    example: 'gangway network ls',
    options: options.networkListOptions,
    changes: 'nothing',
    load: async () => (await import('./commands/network.ts')).ls,
  }),
  command('inspect', 'NETWORK [NETWORK...]', 'Show all information on networks', {
    example: 'gangway network inspect bridge',
    options: options.networkInspectOptions,
    changes: 'nothing',
    load: async () => (await import('./commands/inspect.ts')).inspectNetwork,
  }),
  command('create', 'NETWORK', 'Create a network', {
    example: 'gangway network create --subnet 10.1.0.0/24 backend',
    options: options.networkCreateOptions,
    load: async () => (await import('./commands/network.ts')).create,
  }),
  command('connect', 'NETWORK CONTAINER', 'Connect a container to a network', {
    example: 'gangway network connect --alias db backend web',
    options: options.networkConnectOptions,
    load: async () => (await import('./commands/network.ts')).connect,
  }),
  command('disconnect', 'NETWORK CONTAINER', 'Disconnect a container from a network', {
    example: 'gangway network disconnect backend web',
    options: options.networkDisconnectOptions,
    load: async () => (await import('./commands/network.ts')).disconnect,
  }),
  command('rm', 'NETWORK [NETWORK...]', 'Remove networks', {
    aliases: ['remove'],
    example: 'gangway network rm backend',
    options: options.networkRemoveOptions,
    load: async () => (await import('./commands/network.ts')).rm,
  }),
  command('prune', '', 'Remove all user-defined networks that no running container uses', {
    example: 'gangway network prune -f',
    options: options.networkPruneOptions,
    load: async () => (await import('./commands/network.ts')).prune,
  }),
];

export const dnsCommands: readonly Command[] = [
  command('query', 'NAME', 'Resolve a name as a container does, and explain the answer', {
    example: 'gangway dns query --from web db',
    options: options.dnsQueryOptions,
    changes: 'nothing',
    load: async () => (await import('./commands/dns.ts')).query,
  }),
];
