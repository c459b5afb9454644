/**
 * What a person asks for with `gangway run`: one container, in values that can't be wrong.
 *
 * The CLI and the library parse into this once; it is stored in the container's record as JSON, as it stands.
 * Everything below reads it and nothing changes it.
 */
import { connectionTo, type NetworkMode } from './network.ts';
import type { Port, PublishedPort } from './port.ts';
import type { ResolverOverrides } from './resolver.ts';
import type { ExtraHost } from './resolver-grammar.ts';
import type { Sysctl } from './sysctl-grammar.ts';

/** `gangway run`'s whole request. Sizes are bytes, times are milliseconds where the name says so. */
export interface ContainerRequest {
  /** The container's name; the engine invents one where none is given. */
  readonly name?: string;
  readonly command: readonly string[];
  /** `full`: six namespaces, made by crun. `network`: a network namespace alone, made with util-linux. */
  readonly isolation: 'full' | 'network';
  /** Absent: the host's own tree under an overlay that is thrown away. */
  readonly rootfs?: { readonly kind: 'directory' | 'archive'; readonly path: string };
  readonly readOnly: boolean;
  readonly volumes: readonly Volume[];
  readonly hostname?: string;
  /** `UID[:GID]` or `name[:group]`, looked up in the container's own /etc/passwd. */
  readonly user?: string;
  /** `NAME=value`. */
  readonly environment: readonly string[];
  readonly workingDirectory?: string;
  readonly terminal: boolean;
  readonly interactive: boolean;
  readonly init: boolean;
  readonly removeOnExit: boolean;
  readonly restart: RestartPolicy;
  readonly limits: Limits;
  readonly userNamespace: 'host' | 'private';
  /** Names without `CAP_`, upper case, or `ALL`. */
  readonly capabilities: { readonly add: readonly string[]; readonly drop: readonly string[] };
  readonly network: NetworkMode;
  /** `--add-host NAME:ADDRESS`: further lines of /etc/hosts. */
  readonly extraHosts: readonly ExtraHost[];
  /** `--dns`, `--dns-search`, `--dns-option` */
  readonly resolver: ResolverOverrides;
  /** `--domainname`: makes `web.example.org` of the host name `web`. */
  readonly domainName?: string;
  /** `--sysctl`: settings of its own network and IPC namespaces. */
  readonly sysctls: readonly Sysctl[];
  readonly publish: readonly PublishedPort[];
  readonly publishAll: boolean;
  readonly expose: readonly Port[];
  /** `--proxy-protocol`: published ports of the container whose clients are introduced by a header. Absent: none. */
  readonly proxyProtocol?: readonly Port[];
  /** `--transparent-source`: those that see them as the source of the connection. Absent: none. */
  readonly transparentSource?: readonly Port[];
}

/** `-v SOURCE:TARGET[:ro]`: a directory or file of the host, bound into the container. */
export interface Volume {
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
}

/** `--restart no|always|unless-stopped|on-failure[:N]`. */
export type RestartPolicy =
  | { readonly kind: 'no' | 'always' | 'unless-stopped' }
  | { readonly kind: 'on-failure'; readonly maximumRetries?: number };

/** What the control groups hold a container to. An absent limit is no limit. */
export interface Limits {
  /** `--cpus 1.5`: thousandths of a processor, 1500. */
  readonly cpuMillis?: number;
  /** `--cpu-shares`: weight beside others, 1024 is the usual one. */
  readonly cpuShares?: number;
  readonly memoryBytes?: number;
  readonly pids?: number;
  readonly deviceReadBytesPerSecond?: readonly DeviceRate[];
  readonly deviceWriteBytesPerSecond?: readonly DeviceRate[];
  /** `--blkio-weight`: 10 to 1000. */
  readonly blockWeight?: number;
}

/** `--device-write-bps /dev/vda:1mb`. */
export interface DeviceRate {
  readonly path: string;
  readonly bytesPerSecond: number;
}

/** A request in which only what is unusual has to be said: all else is as `gangway run COMMAND` has it. */
export function containerRequest(
  asked: Partial<ContainerRequest> & Pick<ContainerRequest, 'command'>,
): ContainerRequest {
  return {
    isolation: 'full',
    readOnly: false,
    volumes: [],
    environment: [],
    terminal: false,
    interactive: false,
    init: false,
    removeOnExit: false,
    restart: { kind: 'no' },
    limits: {},
    userNamespace: 'host',
    capabilities: { add: [], drop: [] },
    network: { kind: 'networks', connections: [connectionTo('bridge')] },
    extraHosts: [],
    resolver: { servers: [], search: [], options: [] },
    sysctls: [],
    publish: [],
    publishAll: false,
    expose: [],
    ...asked,
  };
}
