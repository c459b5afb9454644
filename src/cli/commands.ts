/**
 * The table of commands: from it come parsing, help, and whatever else is told about a command.
 *
 * It is read at every start and holds words only; a command's module is loaded when it runs.
 */
import { type Command, command } from './command.ts';
import { containerCommands } from './container-commands.ts';
import {
  dnsQueryOptions,
  eventsOptions,
  explainOptions,
  formatOptions,
  labNameOptions,
  labPlaceOptions,
  listFormatOptions,
  networkConnectOptions,
  networkCreateOptions,
  networkDisconnectOptions,
  networkInspectOptions,
  networkListOptions,
  networkPruneOptions,
  networkRemoveOptions,
} from './options.ts';

const any = Number.POSITIVE_INFINITY;

const networkCommands: readonly Command[] = [
  command({
    name: 'ls',
    aliases: ['list'],
    summary: 'List networks',
    usage: '[OPTIONS]',
    example: 'gangway network ls',
    options: networkListOptions,
    changes: 'nothing',
    load: () => import('./commands/network-ls.ts'),
  }),
  command({
    name: 'inspect',
    summary: 'Show everything about networks',
    usage: '[OPTIONS] NETWORK [NETWORK...]',
    example: 'gangway network inspect bridge',
    options: networkInspectOptions,
    words: [1, any],
    changes: 'nothing',
    load: () => import('./commands/network-inspect.ts'),
  }),
  command({
    name: 'create',
    summary: 'Make a network',
    usage: '[OPTIONS] NETWORK',
    example: 'gangway network create --subnet 10.1.0.0/24 backend',
    options: networkCreateOptions,
    words: [1, 1],
    load: () => import('./commands/network-create.ts'),
  }),
  command({
    name: 'connect',
    summary: 'Plug a container into a network',
    usage: '[OPTIONS] NETWORK CONTAINER',
    example: 'gangway network connect --alias db backend web',
    options: networkConnectOptions,
    words: [2, 2],
    load: () => import('./commands/network-connect.ts'),
  }),
  command({
    name: 'disconnect',
    summary: 'Unplug a container from a network',
    usage: '[OPTIONS] NETWORK CONTAINER',
    example: 'gangway network disconnect backend web',
    options: networkDisconnectOptions,
    words: [2, 2],
    load: () => import('./commands/network-disconnect.ts'),
  }),
  command({
    name: 'rm',
    aliases: ['remove'],
    summary: 'Remove networks',
    usage: '[OPTIONS] NETWORK [NETWORK...]',
    example: 'gangway network rm backend',
    options: networkRemoveOptions,
    words: [1, any],
    load: () => import('./commands/network-rm.ts'),
  }),
  command({
    name: 'prune',
    summary: 'Remove every network that no container uses',
    usage: '[OPTIONS]',
    example: 'gangway network prune -f',
    options: networkPruneOptions,
    load: () => import('./commands/network-prune.ts'),
  }),
];

const dnsCommands: readonly Command[] = [
  command({
    name: 'query',
    summary: 'Ask for a name as a container does, and show who answers and why',
    usage: '[OPTIONS] --from CONTAINER NAME',
    example: 'gangway dns query --from web db',
    options: dnsQueryOptions,
    words: [1, 1],
    changes: 'nothing',
    load: () => import('./commands/dns-query.ts'),
  }),
];

const lab = { changes: 'unplanned' } as const;

const labCommands: readonly Command[] = [
  command({
    ...lab,
    name: 'up',
    options: labNameOptions,
    summary: 'Build a lab: a host, the outside world, and a wire between them',
    usage: '[OPTIONS]',
    example: 'gangway lab up',
    load: () => import('./commands/lab-up.ts'),
  }),
  command({
    ...lab,
    name: 'exec',
    options: labPlaceOptions,
    summary: 'Run a command in a lab',
    usage: '[OPTIONS] COMMAND [ARG...]',
    example: 'gangway lab exec ip address',
    words: [1, any],
    passThrough: true,
    runsCommand: true,
    load: () => import('./commands/lab-exec.ts'),
  }),
  command({
    ...lab,
    name: 'shell',
    options: labPlaceOptions,
    summary: 'Open a shell in a lab',
    usage: '[OPTIONS]',
    example: 'gangway lab shell --in world',
    runsCommand: true,
    load: () => import('./commands/lab-shell.ts'),
  }),
  command({
    ...lab,
    name: 'down',
    options: labNameOptions,
    summary: 'End a lab and everything in it',
    usage: '[OPTIONS]',
    example: 'gangway lab down',
    load: () => import('./commands/lab-down.ts'),
  }),
  command({
    ...lab,
    name: 'ls',
    aliases: ['list'],
    summary: 'List labs',
    usage: '[OPTIONS]',
    example: 'gangway lab ls',
    options: listFormatOptions,
    load: () => import('./commands/lab-ls.ts'),
  }),
];

/** Everything that can stand behind `gangway`. `help` and `explain` are done by main.ts, which knows the table. */
export const commands: readonly Command[] = [
  ...containerCommands,
  { name: 'network', summary: 'Networks of your own', commands: networkCommands },
  { name: 'dns', summary: 'Names of containers', commands: dnsCommands },
  { name: 'lab', summary: 'A private machine with an outside world, to try things in', commands: labCommands },
  {
    name: 'explain',
    summary: 'Print what a command would do, as a shell script, and change nothing',
    usage: '[OPTIONS] COMMAND [ARG...]',
    options: explainOptions,
    example: 'gangway explain run -d -p 8080:80 python3 -m http.server 80',
    words: [1, any],
    passThrough: true,
    root: false,
  },
  command({
    name: 'events',
    summary: 'Show what happens to containers and networks, in docker’s words; `watch` has the kernel’s',
    usage: '[OPTIONS]',
    example: 'gangway events --since 10m --filter type=container',
    options: eventsOptions,
    changes: 'nothing',
    load: () => import('./commands/events.ts'),
  }),
  command({
    name: 'watch',
    summary:
      'Show what happens to links, addresses, routes and flows, as the kernel tells it; `events` has docker’s words',
    usage: '[OPTIONS] [CONTAINER]',
    example: 'gangway watch',
    words: [0, 1],
    options: formatOptions,
    changes: 'nothing',
    load: () => import('./commands/watch.ts'),
  }),
  command({
    name: 'gc',
    summary: 'Remove what nobody owns any more, and say what it was',
    usage: '[OPTIONS]',
    example: 'gangway explain gc; gangway gc',
    options: listFormatOptions,
    load: () => import('./commands/gc.ts'),
  }),
  command({
    name: 'version',
    summary: 'Show the versions of gangway, Node and the kernel',
    usage: '[OPTIONS]',
    example: 'gangway version --format json',
    options: formatOptions,
    changes: 'unplanned',
    root: false,
    load: () => import('./commands/version.ts'),
  }),
  {
    name: 'help',
    summary: 'Show how a command is used',
    usage: '[COMMAND...]',
    example: 'gangway help run',
    words: [0, any],
    changes: 'unplanned',
    root: false,
  },
  // What gangway itself starts.
  {
    name: '_exited',
    summary: 'Clean up after a container that has ended',
    usage: 'ID',
    words: [1, 1],
    changes: 'unplanned',
    hidden: true,
    load: () => import('./commands/exited.ts'),
  },
  {
    name: '_switchboard',
    summary: 'Hold the sockets of published ports and of name servers',
    changes: 'unplanned',
    hidden: true,
    load: () => import('./commands/switchboard.ts'),
  },
];
