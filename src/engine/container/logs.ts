/** Talking to a running container: its log, further commands, its counters. */
import { readLayout } from '../../kernel/cgroup.ts';
import { apply } from '../../plan/apply.ts';
import { KernelHandles } from '../../plan/kernel-handles.ts';
import type { Step } from '../../plan/step.ts';
import { readLaunched } from '../../services/process/launch.ts';
import { followLog, readLog } from '../../services/process/log.ts';
import { readUsage } from '../../services/process/statistics.ts';
import { waitForExit, watched } from '../../services/process/wait-exit.ts';
import { isAlive, notRunning, whileAlive } from '../container-state.ts';
import type { Context } from '../context.ts';
import type { ExecRequest, LogLine, LogOptions, Statistics, Streams } from '../engine.ts';
import { checkLogs } from '../validate-request.ts';
import { execKind } from './process-step.ts';
import { dataDirectory } from './start.ts';

/** A container's output, also of one that has ended. */
export async function* logsOf({ records }: Context, name: string, asked: LogOptions): AsyncGenerator<LogLine> {
  const { follow, ...options } = checkLogs(asked);
  const { id, life } = records.container(name);
  const path = `${dataDirectory(records.directories.state, id)}/log`;
  const launched = life === undefined ? undefined : readLaunched(life.launch);
  if (!follow || life === undefined || launched === undefined) return yield* readLog(path, options);
  yield* followLog(path, options, (signal) => waitForExit(watched(life.launch, launched), signal));
}

/** Runs a further command inside. @returns its exit status; 0 in a dry run */
export async function execIn(context: Context, name: string, asked: ExecRequest, streams?: Streams): Promise<number> {
  const { record, life, launch, container } = running(context.records, name);
  // As with Docker, what the container was given counts more than what a terminal or another user bring: TERM, HOME.
  const request = { ...asked, environment: [...record.request.environment, ...asked.environment] };
  const subject = `exec in ${record.name}`;
  const why = 'one more process in the namespaces, the control groups and the limits of the first one';
  const steps: readonly Step[] = [{ kind: 'exec', launch, process: container, request, why }];
  context.onPlan({ subject, direction: 'make', steps });
  if (context.dryRun) return 0;
  let exitStatus = 0;
  const exec = execKind(streams, (status) => {
    exitStatus = status;
  });
  using world = new KernelHandles(context.host());
  const all = { ...context.kinds, exec };
  await whileAlive(record.name, life, () => apply(subject, steps, all, world));
  return exitStatus;
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
  return { record, life: record.life, launch: record.life.launch, container: launched.container };
}
