/**
 * config.json: a container, described to crun.
 *
 * Theory of operation. A container is an ordinary process for which the kernel answers some questions differently. crun
 * starts it and gives it
 *
 *     namespace   what it sees                        made by
 *     pid         only its own processes, itself as 1 crun
 *     mount       its own tree, its own /proc, /dev   crun, on the tree that `rootfsScript` has prepared
 *     uts         its own host name                   crun
 *     ipc         its own shared memory, queues       crun
 *     cgroup      its own control group as the root   crun
 *     network     eth0 and lo of its own              gangway, long before: crun joins it by its file
 *     user        root that is nobody outside         gangway, before the network namespace, which it must own
 *
 * and takes away capabilities and system calls. Limits are kept by control groups, which the kernel reads at every page,
 * time slice and fork. The function is pure: the same launch always gives the same bytes.
 *
 * As docker does and unlike `crun spec`, noNewPrivileges stays false: sudo and ping inside are the container's business,
 * and the bounding set holds for them too.
 *
 * @see https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md
 */
import type { Launch } from '../../values/launch.ts';
import { sysctlName } from '../../values/sysctl-grammar.ts';
import { initPath, maskedPaths, ociMounts, readOnlyPaths } from './mounts.ts';
import { ociResources } from './resources.ts';
import { seccompProfile } from './seccomp.ts';

/** What crun reads, as plain data. */
export type OciConfiguration = Readonly<Record<string, unknown>>;

/** @param processor `process.arch` */
export function ociConfiguration(launch: Launch, processor: string = process.arch): OciConfiguration {
  return {
    ociVersion: '1.0.2',
    process: processSection(launch),
    root: { path: rootPath(launch), readonly: launch.readOnly },
    hostname: launch.hostname,
    mounts: ociMounts(launch),
    linux: {
      namespaces: namespaces(launch),
      cgroupsPath: launch.cgroupPath,
      resources: ociResources(launch.limits),
      sysctl: Object.fromEntries(launch.sysctls.map(({ key, value }) => [sysctlName(key), value])),
      maskedPaths: maskedPaths(launch),
      readonlyPaths: readOnlyPaths,
      seccomp: seccompProfile(launch.capabilities, processor),
    },
  };
}

/** Where the container's tree is mounted, seen from crun's mount namespace. */
function rootPath(launch: Launch): string {
  return `${launch.directory}/root`;
}

function processSection(launch: Launch): OciConfiguration {
  const { uid, gid, additionalGids } = launch.identity;
  const granted = uid === 0 ? launch.capabilities : [];
  return {
    terminal: launch.terminal,
    user: { uid, gid, additionalGids },
    args: launch.init === undefined ? launch.command : [initPath, '--', ...launch.command],
    env: launch.environment,
    cwd: launch.workingDirectory,
    // A user other than root has none until it runs a program that gives it some, as after any login.
    capabilities: {
      bounding: launch.capabilities,
      effective: granted,
      permitted: granted,
      inheritable: [],
      ambient: [],
    },
    rlimits: [{ type: 'RLIMIT_NOFILE', soft: launch.openFiles.soft, hard: launch.openFiles.hard }],
    noNewPrivileges: false,
  };
}

function namespaces(launch: Launch): readonly { readonly type: string; readonly path?: string }[] {
  const { network, userNamespace } = launch;
  return [
    ...['pid', 'ipc', 'uts', 'mount', 'cgroup'].map((type) => ({ type })),
    ...(network.kind === 'host' ? [] : [{ type: 'network', path: network.path }]),
    ...(userNamespace === undefined ? [] : [{ type: 'user', path: userNamespace.path }]),
  ];
}
