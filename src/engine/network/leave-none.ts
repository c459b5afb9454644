/** `gangway network disconnect none CONTAINER`: as docker has it, the way from `none` to networks. */
import type { KernelHandles } from '../../plan/kernel-handles.ts';
import { type Context, carry } from '../context.ts';
import { ofStack } from '../events/build.ts';
import type { ContainerRecord } from '../store/record.ts';

/** Nothing changes but what may come: with no networks it may be connected to some, in `none` it may not. */
export async function leaveNone(context: Context, world: KernelHandles, record: ContainerRecord): Promise<void> {
  const changed: ContainerRecord = { ...record, network: { kind: 'networks', connections: [] } };
  const plan = { subject: `disconnect ${record.name} from none`, direction: 'make' as const, steps: [] };
  const events = ofStack(record, [], 'disconnect');
  await carry(context, world, { plan, records: [context.records.put('containers', changed)], events });
}
