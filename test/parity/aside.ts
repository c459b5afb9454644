/** Docker's tests without a scenario: of features that gangway lacks, and of internals that are not visible from outside. */

export interface Aside {
  readonly subjects: readonly string[];
  /** Reason, in one sentence. */
  readonly why: string;
  /** gangway's own test of the subject, if any. */
  readonly heldBy?: string;
}

export const aside: readonly Aside[] = [
  {
    subjects: [
      ...['TestDefaultBridgeIPv6', 'TestDefaultBridgeAddresses', 'TestProgramIPv6Addresses'],
      ...['TestDefaultNetworkOpts', 'TestDaemonDefaultNetworkPools', 'TestNoSuchExternalBridge', 'TestAcceptFwMark'],
    ],
    why: 'gangway has no daemon with options: each network has its own options',
  },
  {
    subjects: ['TestAdvertiseAddressesLiveRestore', 'TestPortMappingRestore', 'TestPreferredSubnetRestore'],
    why: 'gangway has no daemon that restarts: records and the kernel keep all state',
    heldBy: 'test/kernel/crash.test.ts',
  },
  {
    subjects: ['TestFirewallBackendSwitch'],
    why: 'rules move between the back ends while containers run, without the restart of a daemon',
    heldBy: 'test/kernel/firewall-switch.test.ts',
  },
  {
    subjects: ['TestFirewalldReloadNoZombies'],
    why: 'firewalld stores no rules of gangway, so that a reload restores none',
    heldBy: 'test/kernel/neighbours-firewalld.test.ts',
  },
  {
    subjects: ['TestDropInForwardChain'],
    why: 'if another firewall drops forwarded packets, gangway’s rules are in iptables, before its rules',
    heldBy: 'test/kernel/neighbours-docker.test.ts',
  },
  {
    subjects: ['TestIptabler', 'TestNftabler'],
    why: 'the text of the rules differs; the scenarios compare their effect, packet by packet',
    heldBy: 'test/kernel/ruleset-modes.test.ts',
  },
  {
    subjects: ['TestSocketBacklogEqualsSomaxconn', 'TestPacketsAreDroppedUntilDetachSocketFilter'],
    why: 'sockets that reserve a port before the start of its container are not visible from outside',
    heldBy: 'test/kernel/proxy-reservation.test.ts',
  },
  {
    subjects: ['TestUDPWriteError', 'TestUDPOneSided'],
    why: 'they test the inside of docker-proxy; gangway has one process for all ports',
    heldBy: 'test/kernel/proxy-udp.test.ts',
  },
  {
    subjects: ['etchosts/TestUpdate', 'IgnoresPrefixedHostname', 'ConcurrentWrites'],
    why: 'they test a function that finds a line by a part of it; gangway adds and removes whole lines, one command at a time',
    heldBy: 'test/unit/networks-files.test.ts',
  },
  { subjects: ['TestSRVServiceQuery'], why: 'SRV answers describe services of a swarm, which gangway does not have' },
  {
    subjects: ['proxy/SCTP'],
    why: 'the kernel of the comparison has no SCTP',
    heldBy: 'test/kernel/proxy-sctp.test.ts',
  },
];
