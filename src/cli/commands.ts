/**
 * The command table: parsing, help and docs/cli.md derive from it.
 *
 * Every start reads the table, so it holds plain data; the module of a command is loaded when the command runs.
 */
import { type Command, command } from './command.ts';
import { containerCommands } from './container-commands.ts';
import { dnsCommands, networkCommands } from './network-commands.ts';
import * as options from './options.ts';

/** Marks commands that `explain` cannot explain. */
const unplanned = (row: Command): Command => ({ ...row, changes: 'unplanned' });

const labCommands: readonly Command[] = [
  command('up', '', 'Create a lab: a host and an external network, connected by a veth pair', {
    options: options.labNameOptions,
    example: 'gangway lab up',
    load: async () => (await import('./commands/lab.ts')).up,
  }),
  command('exec', 'COMMAND [ARG...]', 'Execute a command in a lab', {
    options: options.labPlaceOptions,
    example: 'gangway lab exec ip address',
    passThrough: true,
    runsCommand: true,
    load: async () => (await import('./commands/lab.ts')).exec,
  }),
  command('shell', '', 'Open a shell in a lab', {
    options: options.labPlaceOptions,
    example: 'gangway lab shell --in world',
    runsCommand: true,
    load: async () => (await import('./commands/lab.ts')).shell,
  }),
  command('down', '', 'Remove a lab with everything in it', {
    options: options.labNameOptions,
    example: 'gangway lab down',
    load: async () => (await import('./commands/lab.ts')).down,
  }),
  command('ls', '', 'List labs', {
    aliases: ['list'],
    options: options.labListOptions,
    example: 'gangway lab ls',
    load: async () => (await import('./commands/lab.ts')).ls,
  }),
].map(unplanned);

/** Commands that gangway and its services start. */
const internalCommands: readonly Command[] = [
  command('_exited', 'ID', 'Clean up after a container that has exited', {
    load: async () => (await import('./commands/internal.ts')).exited,
  }),
  command('_booted', '', 'Start containers by their restart policy after a boot', {
    load: async () => (await import('./commands/internal.ts')).booted,
  }),
  command('_switchboard', '', 'Run the process that serves published ports and DNS', {
    load: async () => (await import('./commands/internal.ts')).switchboard,
  }),
  command('_docker-proxy', '', 'Make the switchboard accept docker-proxy shims', {
    load: async () => (await import('./commands/internal.ts')).dockerProxy,
  }),
];

/** All commands. main.ts runs `help` and `explain` itself. */
export const commands: readonly Command[] = [
  ...containerCommands,
  command('network', 'COMMAND', 'Manage networks', { commands: networkCommands }),
  command('dns', 'COMMAND', 'Query container DNS', { commands: dnsCommands }),
  command('lab', 'COMMAND', 'Manage labs: private hosts with an external network', { commands: labCommands }),
  command('explain', 'COMMAND [ARG...]', 'Print the steps of a command as a shell script, without running them', {
    options: options.explainOptions,
    example: 'gangway explain run -d -p 8080:80 python3 -m http.server 80',
    passThrough: true,
    root: false,
  }),
  command('reach', 'FROM CONTAINER|host|ADDRESS[:PORT]', 'Show if a connection succeeds, and why (exit status 1: no)', {
    example: 'gangway reach outside web:80     (FROM: a container, host, outside or an address)',
    options: options.reachOptions,
    changes: 'nothing',
    failureStatus: 125,
    load: async () => (await import('./commands/reach.ts')).reach,
  }),
  command('rules', '[NETWORK|CONTAINER|PORT]', 'Show firewall rules, their reasons and their state in the kernel', {
    example: 'gangway rules 8080',
    options: options.rulesOptions,
    changes: 'nothing',
    load: async () => (await import('./commands/rules.ts')).rules,
  }),
  command('events', '', 'Show events of containers and networks, in Docker’s format', {
    example: 'gangway events --since 10m --filter type=container',
    options: options.eventsOptions,
    changes: 'nothing',
    load: async () => (await import('./commands/events.ts')).events,
  }),
  command('watch', '[CONTAINER]', 'Show kernel events of links, addresses, routes and connections', {
    example: 'gangway watch',
    options: options.watchOptions,
    changes: 'nothing',
    load: async () => (await import('./commands/events.ts')).watch,
  }),
  command('gc', '', 'Remove orphaned resources and list them', {
    example: 'gangway explain gc; gangway gc',
    options: options.garbageOptions,
    load: async () => (await import('./commands/system.ts')).gc,
  }),
  command('version', '', 'Show the versions of gangway, Node and the kernel', {
    example: 'gangway version --format json',
    options: options.versionOptions,
    changes: 'unplanned',
    root: false,
    load: async () => (await import('./commands/system.ts')).version,
  }),
  command('help', '[COMMAND...]', 'Show the help of a command', {
    example: 'gangway help run',
    changes: 'unplanned',
    root: false,
  }),
  ...internalCommands.map((row): Command => ({ ...unplanned(row), hidden: true })),
];
