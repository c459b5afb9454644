/**
 * The command table: parsing, help and docs/cli.md derive from it.
 *
 * Every start reads the table, so it holds plain data; the module of a command is loaded when the command runs.
 */
import { type Command, command } from './command.ts';
import { containerCommands } from './container-commands.ts';
import { dnsCommands, networkCommands } from './network-commands.ts';
import * as options from './options.ts';

const labCommands: readonly Command[] = [
  command({
    name: 'up',
    summary: 'Create a lab: a host and an external network, connected by a veth pair',
    options: options.labNameOptions,
    example: 'gangway lab up',
    changes: 'unplanned',
    load: async () => (await import('./commands/lab.ts')).up,
  }),
  command({
    name: 'exec',
    summary: 'Execute a command in a lab',
    args: 'COMMAND [ARG...]',
    options: options.labPlaceOptions,
    example: 'gangway lab exec ip address',
    changes: 'unplanned',
    passThrough: true,
    runsCommand: true,
    load: async () => (await import('./commands/lab.ts')).exec,
  }),
  command({
    name: 'shell',
    summary: 'Open a shell in a lab',
    options: options.labPlaceOptions,
    example: 'gangway lab shell --in world',
    changes: 'unplanned',
    runsCommand: true,
    load: async () => (await import('./commands/lab.ts')).shell,
  }),
  command({
    name: 'down',
    summary: 'Remove a lab with everything in it',
    options: options.labNameOptions,
    example: 'gangway lab down',
    changes: 'unplanned',
    load: async () => (await import('./commands/lab.ts')).down,
  }),
  command({
    name: 'ls',
    aliases: ['list'],
    summary: 'List labs',
    options: options.labListOptions,
    example: 'gangway lab ls',
    changes: 'unplanned',
    load: async () => (await import('./commands/lab.ts')).ls,
  }),
];

/** Commands that gangway and its services start. */
const internalCommands: readonly Command[] = [
  {
    name: '_exited',
    summary: 'Clean up after a container that has exited',
    args: 'ID',
    load: async () => (await import('./commands/internal.ts')).exited,
  },
  {
    name: '_booted',
    summary: 'Start containers by their restart policy after a boot',
    load: async () => (await import('./commands/internal.ts')).booted,
  },
  {
    name: '_switchboard',
    summary: 'Run the process that serves published ports and DNS',
    load: async () => (await import('./commands/internal.ts')).switchboard,
  },
  {
    name: '_docker-proxy',
    summary: 'Make the switchboard accept docker-proxy shims',
    load: async () => (await import('./commands/internal.ts')).dockerProxy,
  },
];

/** All commands. main.ts runs `help` and `explain` itself. */
export const commands: readonly Command[] = [
  ...containerCommands,
  { name: 'network', summary: 'Manage networks', commands: networkCommands },
  { name: 'dns', summary: 'Query container DNS', commands: dnsCommands },
  {
    name: 'lab',
    summary: 'Manage labs: private hosts with an external network, for experiments',
    commands: labCommands,
  },
  {
    name: 'explain',
    summary: 'Print the steps of a command as a shell script, without running them',
    args: 'COMMAND [ARG...]',
    options: options.explainOptions,
    example: 'gangway explain run -d -p 8080:80 python3 -m http.server 80',
    passThrough: true,
    root: false,
  },
  command({
    name: 'reach',
    summary: 'Show if FROM (container, host, outside or address) can connect to a target, and why (1: it cannot)',
    args: 'FROM CONTAINER|host|ADDRESS[:PORT]',
    example: 'gangway reach outside web:80',
    options: options.reachOptions,
    changes: 'nothing',
    failureStatus: 125,
    load: async () => (await import('./commands/reach.ts')).reach,
  }),
  command({
    name: 'rules',
    summary: 'Show firewall rules, their reasons and their state in the kernel',
    args: '[NETWORK|CONTAINER|PORT]',
    example: 'gangway rules 8080',
    options: options.rulesOptions,
    changes: 'nothing',
    load: async () => (await import('./commands/rules.ts')).rules,
  }),
  command({
    name: 'events',
    summary: 'Show events of containers and networks, in Docker’s format',
    example: 'gangway events --since 10m --filter type=container',
    options: options.eventsOptions,
    changes: 'nothing',
    load: async () => (await import('./commands/events.ts')).events,
  }),
  command({
    name: 'watch',
    summary: 'Show kernel events of links, addresses, routes and connections',
    args: '[CONTAINER]',
    example: 'gangway watch',
    options: options.watchOptions,
    changes: 'nothing',
    load: async () => (await import('./commands/events.ts')).watch,
  }),
  command({
    name: 'gc',
    summary: 'Remove orphaned resources and list them',
    example: 'gangway explain gc; gangway gc',
    options: options.garbageOptions,
    load: async () => (await import('./commands/system.ts')).gc,
  }),
  command({
    name: 'version',
    summary: 'Show the versions of gangway, Node and the kernel',
    example: 'gangway version --format json',
    options: options.versionOptions,
    changes: 'unplanned',
    root: false,
    load: async () => (await import('./commands/system.ts')).version,
  }),
  {
    name: 'help',
    summary: 'Show the help of a command',
    args: '[COMMAND...]',
    example: 'gangway help run',
    changes: 'unplanned',
    root: false,
  },
  ...internalCommands.map((row): Command => ({ ...row, changes: 'unplanned', hidden: true })),
];
