/**
 * What the data plane is measured with: the services of load.c in a container, and the ports that lead to them.
 */
import { run } from './contender.ts';

/** Ports of the container. */
export const services = { sink: 9000, source: 9001, echo: 9002, brief: 9003, datagrams: 9004 } as const;

export type Service = keyof typeof services;

/** One port of 127.0.0.1 that is led to the container. */
export interface DataForward {
  readonly protocol: 'tcp' | 'udp';
  readonly hostPort: number;
  readonly containerPort: number;
}

/** A port for each service, from `firstPort` on. */
export function forwardsToAll(firstPort: number): readonly DataForward[] {
  return Object.entries(services).map(([service, containerPort], index) => ({
    protocol: service === 'datagrams' ? 'udp' : 'tcp',
    hostPort: firstPort + index,
    containerPort,
  }));
}

/** Where a client finds a service. */
export interface DataPlace {
  readonly address: string;
  readonly port: number;
}

/** Words before a client's command, which put it where it belongs: into a network namespace, or a cgroup. */
export type Prefix = readonly string[];

/** The numbers that a client of load.c prints. @throws Error with its own words */
export function load(program: string, prefix: Prefix, what: string, at: DataPlace, words: readonly string[]): number[] {
  const [first = program, ...others] = [...prefix, program, what, at.address, `${at.port}`, ...words];
  return run(first, others).trim().split(' ').map(Number);
}
