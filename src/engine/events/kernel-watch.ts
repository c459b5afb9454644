/** `gangway watch`: the kernel's own account of what happens to links, addresses, routes and flows. */
import { KernelNamespace, pinPath } from '../../kernel/namespace.ts';
import { type NetworkEvent, type Watch, watchNetwork } from '../../kernel/netlink-monitor.ts';
import { isAlive as isProcessAlive } from '../../kernel/process.ts';
import { readLaunched } from '../../services/process/launch.ts';
import { type ProcessWatch, watchProcess } from '../../sys/pidfd.ts';
import { notRunning, whileAlive } from '../container-state.ts';
import type { Run } from '../store/record.ts';
import type { Records } from '../store/record-store.ts';

/** The part of the engine's context that a watch needs. */
interface Watched {
  readonly records: Records;
  readonly host: () => KernelNamespace;
}

/** @param name a container; absent: the machine itself */
export async function watch(context: Watched, name: string | undefined): Promise<Watch> {
  const host = context.host();
  if (name === undefined) return await watchNetwork({ namespace: host, tracker: host });
  const { life, name: canonical } = context.records.container(name);
  const first = life === undefined ? undefined : readLaunched(life.launch)?.container;
  if (life === undefined || first === undefined) throw notRunning(canonical);
  const process = watchProcess(first.pid);
  try {
    if (!isProcessAlive(first)) throw notRunning(canonical);
    return endingWith(process, await whileAlive(canonical, life, () => watchLife(context, life)));
  } catch (error) {
    process.close();
    throw error;
  }
}

/** The container's own links, addresses and routes; of the flows that the machine tracks, those that are the container's. */
async function watchLife(context: Watched, { namespace: name, plugs }: Run): Promise<Watch> {
  const host = context.host();
  if (name === undefined) return await watchNetwork({ namespace: host, tracker: host });
  const namespace = KernelNamespace.open(pinPath(name));
  try {
    const participants = plugs.flatMap(({ endpoint }) => endpoint.addresses.map(({ address }) => address));
    return await watchNetwork({ namespace, tracker: host, participants });
  } finally {
    namespace.close();
  }
}

/**
 * A watch that is over when the process is. A socket in a namespace keeps it alive, and nobody but the container shall: so
 * it is closed in the moment in which the kernel tells of the end, whether or not somebody is listening.
 */
function endingWith(process: ProcessWatch, watch: Watch): Watch {
  void process.ended.then(() => watch.close());
  const close = () => {
    process.close();
    watch.close();
  };
  async function* events(): AsyncGenerator<NetworkEvent, void, undefined> {
    try {
      yield* watch;
    } finally {
      close();
    }
  }
  return { close, [Symbol.asyncIterator]: events };
}
