/** `gangway watch`: the kernel's own account of what happens to links, addresses and flows. */
import { KernelNamespace, pinPath } from '../kernel/namespace.ts';
import { type Watch, watchNetwork } from '../kernel/watch.ts';
import type { Context } from './context.ts';
import { notRunning } from './run.ts';

/** @param name a container; absent: the machine itself */
export async function watch({ records }: Context, name: string | undefined): Promise<Watch> {
  const namespace = name === undefined ? KernelNamespace.own() : KernelNamespace.open(pinOf(records, name));
  try {
    return await watchNetwork(namespace);
  } finally {
    // The streams have sockets of their own; an open namespace would outlive its container.
    namespace.close();
  }
}

function pinOf(records: Context['records'], name: string): string {
  const { life, name: canonical } = records.container(name);
  if (life?.namespace === undefined) throw notRunning(canonical);
  return pinPath(life.namespace);
}
