/** Commands of containers. */
import { type Command, command } from './command.ts';
import * as options from './container-options.ts';

export const containerCommands: readonly Command[] = [
  command('run', 'COMMAND [ARG...]', 'Create and run a new container', {
    example: 'gangway run --rm -it sh',
    options: options.runOptions,
    passThrough: true,
    failureStatus: 125,
    runsCommand: true,
    load: async () => (await import('./commands/run.ts')).run,
  }),
  command('create', 'COMMAND [ARG...]', 'Create a new container', {
    example: 'gangway create --name web -p 8080:80 python3 -m http.server 80',
    options: options.createOptions,
    passThrough: true,
    load: async () => (await import('./commands/run.ts')).create,
  }),
  command('start', 'CONTAINER [CONTAINER...]', 'Start stopped containers', {
    example: 'gangway start -a web',
    options: options.startOptions,
    load: async () => (await import('./commands/run.ts')).start,
  }),
  command('ps', '', 'List containers', {
    aliases: ['ls', 'list'],
    example: 'gangway ps -a --filter status=exited',
    options: options.psOptions,
    changes: 'nothing',
    load: async () => (await import('./commands/ps.ts')).ps,
  }),
  command('exec', 'CONTAINER COMMAND [ARG...]', 'Execute a command in a running container', {
    example: 'gangway exec -it web sh',
    options: options.execOptions,
    passThrough: true,
    runsCommand: true,
    load: async () => (await import('./commands/run.ts')).exec,
  }),
  command('attach', 'CONTAINER', 'Attach stdin, stdout and stderr to a running container', {
    example: 'gangway attach web     (ctrl-p ctrl-q detaches)',
    options: options.attachOptions,
    changes: 'nothing',
    load: async () => (await import('./commands/run.ts')).attach,
  }),
  command('logs', 'CONTAINER', 'Fetch the logs of a container', {
    example: 'gangway logs -f -n 20 web',
    options: options.logsOptions,
    changes: 'nothing',
    load: async () => (await import('./commands/run.ts')).logs,
  }),
  command('stop', 'CONTAINER [CONTAINER...]', 'Stop running containers', {
    example: 'gangway stop -t 3 web',
    options: options.stopOptions,
    load: async () => (await import('./commands/lifecycle.ts')).stop,
  }),
  command('kill', 'CONTAINER [CONTAINER...]', 'Kill running containers, or send them another signal', {
    example: 'gangway kill -s HUP web',
    options: options.killOptions,
    load: async () => (await import('./commands/lifecycle.ts')).kill,
  }),
  command('restart', 'CONTAINER [CONTAINER...]', 'Restart containers', {
    example: 'gangway restart web',
    options: options.restartOptions,
    load: async () => (await import('./commands/lifecycle.ts')).restart,
  }),
  command('wait', 'CONTAINER [CONTAINER...]', 'Wait until containers stop, then print their exit statuses', {
    example: 'gangway wait web',
    changes: 'nothing',
    load: async () => (await import('./commands/lifecycle.ts')).wait,
  }),
  command('rm', 'CONTAINER [CONTAINER...]', 'Remove containers', {
    aliases: ['remove'],
    example: 'gangway rm -f web',
    options: options.removeOptions,
    load: async () => (await import('./commands/lifecycle.ts')).rm,
  }),
  command('inspect', 'NAME|ID [NAME|ID...]', 'Show all information on containers or networks', {
    example: 'gangway inspect web',
    options: options.inspectOptions,
    changes: 'nothing',
    load: async () => (await import('./commands/inspect.ts')).inspect,
  }),
  command(
    'port',
    'CONTAINER [PORT[/PROTOCOL]]',
    'List published ports of a container, or the host addresses of one port',
    {
      example: 'gangway port web 80',
      options: options.portOptions,
      changes: 'nothing',
      load: async () => (await import('./commands/ports.ts')).port,
    },
  ),
  command('publish', 'CONTAINER [PORT...]', 'Publish ports of an existing container', {
    example: 'gangway publish web 8080:80 127.0.0.1:5353:53/udp',
    options: options.publishOptions,
    load: async () => (await import('./commands/ports.ts')).publish,
  }),
  command('unpublish', 'CONTAINER [PORT...]', 'Stop publishing ports: 8080:80, or 80 on all host ports', {
    example: 'gangway unpublish web 8080:80',
    options: options.unpublishOptions,
    load: async () => (await import('./commands/ports.ts')).unpublish,
  }),
  command('stats', '[CONTAINER...]', 'Show CPU, memory, network and disk usage of containers', {
    example: 'gangway stats --no-stream',
    options: options.statsOptions,
    changes: 'nothing',
    load: async () => (await import('./commands/stats.ts')).stats,
  }),
];
