/** Services of load.c in a container, and the ports that lead to them, for the measurement of the data plane. */
import { run } from './contender.ts';

/** Ports of the container. */
export const services = { sink: 9000, source: 9001, echo: 9002, brief: 9003, datagrams: 9004 } as const;

export type Service = keyof typeof services;

/** A port of 127.0.0.1 that leads to the container. */
export interface DataForward {
  readonly protocol: 'tcp' | 'udp';
  readonly hostPort: number;
  readonly containerPort: number;
}

/** Returns a port for each service, from `firstPort` on. */
export function forwardsToAll(firstPort: number): readonly DataForward[] {
  return Object.entries(services).map(([service, containerPort], index) => ({
    protocol: service === 'datagrams' ? 'udp' : 'tcp',
    hostPort: firstPort + index,
    containerPort,
  }));
}

/** Address of a service for a client. */
export interface DataPlace {
  readonly address: string;
  readonly port: number;
}

/** Command prefix that runs a client in a network namespace or a cgroup. */
export type Prefix = readonly string[];

/** Runs a client of load.c and returns its numbers. @throws Error with the client's message */
export function load(program: string, prefix: Prefix, what: string, at: DataPlace, words: readonly string[]): number[] {
  const [first = program, ...others] = [...prefix, program, what, at.address, `${at.port}`, ...words];
  return run(first, others).trim().split(' ').map(Number);
}
