/** Talking to a running container: its log, further commands, its counters. */
import { readLayout } from '../kernel/cgroup.ts';
import { execute } from '../services/process/execute.ts';
import { exitPath } from '../services/process/exit.ts';
import { waitForExit } from '../services/process/exit-watch.ts';
import { readLaunched } from '../services/process/launch.ts';
import { followLog, readLog } from '../services/process/log.ts';
import { readUsage } from '../services/process/statistics.ts';
import { GangwayError } from '../values/errors.ts';
import type { Context } from './context.ts';
import { isAlive } from './end.ts';
import type { ExecRequest, LogLine, LogOptions, Statistics, Streams } from './engine.ts';
import { checkLogs } from './request.ts';
import { notRunning } from './run.ts';
import { dataDirectory } from './start.ts';

/** A container's output, also of one that has ended. */
export async function* logsOf({ records }: Context, name: string, asked: LogOptions): AsyncGenerator<LogLine> {
  const { follow, ...options } = checkLogs(asked);
  const { id, life } = records.container(name);
  const path = `${dataDirectory(records.directories.state, id)}/log`;
  const launched = life === undefined ? undefined : readLaunched(life.launch);
  if (!follow || life === undefined || launched === undefined) return yield* readLog(path, options);
  yield* followLog(path, options, (signal) => waitForExit(exitPath(life.launch), launched.monitor, signal));
}

/** Runs a further command inside. @returns its exit status @throws GangwayError not-supported in a dry run: it is no plan */
export async function execIn(
  { records, dryRun }: Context,
  name: string,
  request: ExecRequest,
  streams?: Streams,
): Promise<number> {
  if (dryRun) throw new GangwayError('not-supported', 'a further command has no plan, and a dry run runs none');
  const { launch, container } = running(records, name);
  return await execute(launch, container, request, streams);
}

/** The kernel's counters of a container. */
export function statisticsOf({ records }: Context, name: string): Statistics {
  const { record, launch, container } = running(records, name);
  const pid = launch.network.kind === 'host' ? undefined : container.pid;
  return { id: record.id, name: record.name, ...readUsage(readLayout(), launch.cgroupPath, pid) };
}

function running(records: Context['records'], name: string) {
  const record = records.container(name);
  const launched = record.life === undefined ? undefined : readLaunched(record.life.launch);
  if (record.life === undefined || launched === undefined || !isAlive(record.life)) throw notRunning(record.name);
  return { record, launch: record.life.launch, container: launched.container };
}
