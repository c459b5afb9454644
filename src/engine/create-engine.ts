/**
 * The engine: gangway as a library.
 *
 *     import { createEngine } from 'gangway-net';
 *     const engine = createEngine();
 *     const { id } = await engine.run(request);
 *
 * It keeps nothing in memory that is not in the records, and until `close` some descriptors of the machine's network. Two
 * engines, or an engine and the command line, may work on the same machine at the same time.
 */
import { fileURLToPath } from 'node:url';
import { KernelNamespace } from '../kernel/namespace.ts';
import { checkIntroduced } from '../values/client-address.ts';
import { checkConnection } from '../values/connection-grammar.ts';
import { inspect } from './container/inspect.ts';
import { list, portsOf } from './container/list.ts';
import { execIn, logsOf, statisticsOf } from './container/logs.ts';
import { publishPorts, unpublishPorts } from './container/publish.ts';
import { attachTo, create, run, startAgain } from './container/run.ts';
import { kill, remove, restart, stop, wait } from './container/stop.ts';
import type { Context } from './context.ts';
import { SerialQueue } from './context.ts';
import { queryName } from './dns/query.ts';
import type { Engine, EngineOptions } from './engine.ts';
import { watch } from './events/kernel-watch.ts';
import { events } from './events/stream.ts';
import { reconcileFirewall } from './firewall/reconcile.ts';
import { collectGarbage } from './gc/collect.ts';
import { traffic } from './metrics/counters.ts';
import { connect, disconnect } from './network/connect.ts';
import { createNetwork } from './network/create.ts';
import { inspectNetwork } from './network/inspect.ts';
import { pruneNetworks, removeNetwork } from './network/remove.ts';
import { reach } from './reachability/reach.ts';
import { rules } from './rules/list.ts';
import { everyKind } from './step-kinds.ts';
import { type Directories, directoriesOf } from './store/directories.ts';
import { identities } from './store/id-generator.ts';
import { listNetworks } from './store/network-lookup.ts';
import { Records } from './store/record-store.ts';
import { SwitchboardClient } from './switchboard/client.ts';
import { checkExec, checkPorts, checkPublish, checkRequest, checkStop } from './validate-request.ts';

/** The compiled command line; an unbundled library finds it beside itself. */
const program = fileURLToPath(new URL('../cli/gangway.js', import.meta.url));

/**
 * An engine for this machine, or with other directories for another one.
 *
 * @throws GangwayError invalid-option for a runtime directory whose name leaves no room for that of a socket
 */
export function createEngine(options: EngineOptions = {}): Engine {
  return engineOf(assemble(options));
}

/** The engine that works with these. */
export function engineOf(context: Context): Engine {
  return {
    create: async (request) => await create(context, checkRequest(request)),
    run: async (request, runOptions = {}) => await run(context, checkRequest(request), runOptions),
    start: (name, streams) => startAgain(context, name, streams),
    stop: async (name, stopOptions = {}) => await stop(context, name, checkStop(stopOptions)),
    kill: (name, signal = 'SIGKILL') => kill(context, name, signal),
    restart: async (name, stopOptions = {}) => await restart(context, name, checkStop(stopOptions)),
    wait: (name) => wait(context, name),
    remove: (name, removeOptions = {}) => remove(context, name, removeOptions),
    list: async (listOptions = {}) => list(context, listOptions.all ?? false),
    inspect: async (name) => inspect(context, name),
    ports: async (name) => portsOf(context, name),
    publish: async (name, ports, introduced = {}) =>
      await publishPorts(context, name, { ports: checkPublish(ports), introduced: checkIntroduced(introduced) }),
    unpublish: async (name, ports) => await unpublishPorts(context, name, checkPorts(ports)),
    statistics: async (name) => statisticsOf(context, name),
    logs: (name, logOptions) => logsOf(context, name, logOptions),
    exec: async (name, request, streams) => await execIn(context, name, checkExec(request), streams),
    attach: (name, streams, attachOptions = {}) => attachTo(context, name, streams, attachOptions.stdin ?? true),
    createNetwork: (request) => createNetwork(context, request),
    removeNetwork: (name) => removeNetwork(context, name),
    pruneNetworks: (wanted = () => true) => pruneNetworks(context, wanted),
    connect: async (name, connection) => await connect(context, name, checkConnection(connection)),
    disconnect: (name, network, { force = false } = {}) => disconnect(context, name, network, force),
    listNetworks: async () => listNetworks(context),
    inspectNetwork: async (name) => inspectNetwork(context, name),
    queryName: (container, name, { type } = {}) => queryName(context, container, name, type),
    reach: (question) => reach(context, question),
    rules: async (subject) => rules(context, subject),
    traffic: () => traffic(context),
    collectGarbage: () => collectGarbage(context),
    watch: (name) => watch(context, name),
    events: (eventOptions = {}) => events(context, eventOptions),
    close: () => context.close(),
  };
}

/** For a process that stays: what is young in its memory is looked through at 2 MB, not at 16. scripts/bundle.js knows of it. */
export const frugal = ['--max-semi-space-size=2'];

/** How the switchboard of these directories is spoken to, and started. */
export function switchboardOf(directories: Directories): SwitchboardClient {
  return new SwitchboardClient({
    runtimeDirectory: directories.runtime,
    command: [...ownCommand(directories, frugal), '_switchboard'],
  });
}

function ownCommand({ state, runtime }: Directories, ofNode: readonly string[] = []): [string, ...string[]] {
  return [process.execPath, ...ofNode, program, '--state-directory', state, '--runtime-directory', runtime];
}

/** Everything that an engine works with, from what its user said. */
export function assemble(options: EngineOptions): Context {
  const directories = directoriesOf(options);
  const onWarning = options.onWarning ?? (() => {});
  let host: KernelNamespace | undefined;
  return {
    records: new Records(directories, onWarning),
    identities: identities(options.seed),
    kinds: everyKind(),
    sockets: switchboardOf(directories),
    ...(options.firewall === undefined ? {} : { firewall: options.firewall }),
    dryRun: options.dryRun ?? false,
    onPlan: options.onPlan ?? (() => {}),
    onWarning,
    exitCommand: [...ownCommand(directories), '_exited'],
    queue: new SerialQueue(),
    canRecover: true,
    canReloadRules: true,
    reconcileFirewall: reconcileFirewall,
    host: () => {
      host ??= KernelNamespace.own();
      return host;
    },
    close: () => {
      host?.close();
      host = undefined;
    },
  };
}
