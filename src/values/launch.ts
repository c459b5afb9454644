/**
 * Everything that is needed to start one container, after all questions are answered.
 *
 * A `ContainerRequest` is what a person asked for; a `Launch` is what will happen: users are numbers, devices are numbers,
 * paths are absolute, defaults are filled in. It is plain JSON data, so that a plan can hold it, explain it, journal it
 * and take it back after a crash without asking anything again.
 */
import type { Limits } from './container.ts';
import type { Sysctl } from './sysctl-grammar.ts';

export interface Launch {
  readonly id: string;
  readonly isolation: 'full' | 'network';
  /**
   * The container's own directory in memory, `/run/gangway/containers/ID`: the bundle (config.json), conmon's sockets and
   * pid files, hosts, hostname, resolv.conf, and `lock`, which an attached client holds. It goes away with the container.
   */
  readonly directory: string;
  /** Where hosts, hostname and resolv.conf are: in that directory, or that of the container whose stack it has joined. */
  readonly identityDirectory: string;
  /** Where crun keeps its state: `crun --root THIS list` shows our containers and nobody else's. */
  readonly runtimeRoot: string;
  /** Conmon's log of the container's output, one `TIME stdout|stderr F|P text` a line. */
  readonly logPath: string;
  /** Conmon writes the file `ID` with the exit status into it; may be watched. */
  readonly exitDirectory: string;
  readonly command: readonly string[];
  /** `NAME=value`, complete: defaults included. */
  readonly environment: readonly string[];
  readonly workingDirectory: string;
  readonly identity: Identity;
  readonly hostname: string;
  /** `host`: the machine's own stack. */
  readonly network: { readonly kind: 'host' } | { readonly kind: 'namespace'; readonly path: string };
  /** Absent: the host's user namespace. The file pins a namespace that owns the network namespace. */
  readonly userNamespace?: { readonly path: string; readonly range: SubordinateRange };
  readonly root: Root;
  readonly readOnly: boolean;
  readonly volumes: readonly { readonly source: string; readonly target: string; readonly readOnly: boolean }[];
  /** Directories of the host that must not be seen inside: our own state. */
  readonly hidden: readonly string[];
  readonly terminal: boolean;
  readonly interactive: boolean;
  /** A client is attached from the first byte, and the end of its input is the end of the container's. */
  readonly foreground: boolean;
  /** The host's path of an init program that becomes PID 1 and reaps; absent: the command is PID 1. */
  readonly init?: string;
  /** With `CAP_`, in the kernel's order, already limited to what this machine may give. */
  readonly capabilities: readonly string[];
  readonly limits: LaunchLimits;
  /** Of shared memory and queues. Those of the network are made with it. */
  readonly sysctls: readonly Sysctl[];
  /** Below the root of every hierarchy: `/gangway/ID`. */
  readonly cgroupPath: string;
  readonly openFiles: { readonly soft: number; readonly hard: number };
  /** What runs after the end, unless an attached client has cleaned up already: `node gangway _exited ID`. */
  readonly exitCommand: readonly string[];
}

export interface Identity {
  readonly uid: number;
  readonly gid: number;
  readonly additionalGids: readonly number[];
}

/** `length` ids outside, from `first`, that are 0, 1, 2 … inside. */
export interface SubordinateRange {
  readonly first: number;
  readonly length: number;
}

/**
 * Where the container's `/` comes from.
 *
 * `host` and `directory` are the lower layer of an overlay in memory that is thrown away with the container; `mounts` are
 * the further file systems of the host that get an overlay of their own. `unpacked` belongs to this container alone and is
 * written to in place.
 */
export type Root =
  | { readonly kind: 'host'; readonly mounts: readonly string[] }
  | { readonly kind: 'directory' | 'unpacked'; readonly path: string };

export interface LaunchLimits extends Omit<Limits, 'deviceReadBytesPerSecond' | 'deviceWriteBytesPerSecond'> {
  readonly deviceReadBytesPerSecond: readonly NumberedDeviceRate[];
  readonly deviceWriteBytesPerSecond: readonly NumberedDeviceRate[];
  /** Does the kernel account for swap? Without it a limit on memory and swap together can't be set. */
  readonly swapAccounting: boolean;
}

export interface NumberedDeviceRate {
  readonly major: number;
  readonly minor: number;
  readonly bytesPerSecond: number;
}
