/**
 * gangway as a library.
 *
 * @example
 * ```ts
 * import { createEngine } from 'gangway-net';
 *
 * for (const network of await createEngine().listNetworks()) console.log(network.name);
 * ```
 */
export { createEngine } from './engine/create-engine.ts';
export type * from './engine/engine.ts';
export { explain } from './engine/step-kinds.ts';
export type { Answer, Dropped, Reached, Reason, WayStep } from './firewall/model/answer.ts';
export type { NetworkEvent, Watch } from './kernel/netlink-monitor.ts';
export type { Plan } from './plan/plan.ts';
export type { Step } from './plan/step.ts';
export type { Address, Prefix } from './values/address.ts';
export { formatAddress, formatPrefix, parseAddress, parsePrefix } from './values/address.ts';
export type { ContainerRequest } from './values/container.ts';
export { containerRequest } from './values/container.ts';
export type { EgressEntry, EgressPolicy } from './values/egress.ts';
export { GangwayError, KernelError, TeardownError } from './values/errors.ts';
export type { ContainerAction, EngineEvent, NetworkAction, Occurrence } from './values/event.ts';
export type { ConnectionRequest, NetworkMode, NetworkRequest, Subnet } from './values/network.ts';
export { parseNetworkCreate } from './values/network-grammar.ts';
export { parseNetworkMode } from './values/network-mode.ts';
export type { Port, PortBinding, PublishedPort } from './values/port.ts';
export { parsePublish } from './values/port-grammar.ts';
