/** Tests of Docker's that no scenario plays: of what gangway does not have, and of what cannot be seen from outside. */

export interface Aside {
  readonly subjects: readonly string[];
  /** One sentence. */
  readonly why: string;
  /** Our own test of the same, where the subject is one of the inside. */
  readonly heldBy?: string;
}

export const aside: readonly Aside[] = [
  {
    subjects: [
      ...['TestDefaultBridgeIPv6', 'TestDefaultBridgeAddresses', 'TestProgramIPv6Addresses'],
      ...['TestDefaultNetworkOpts', 'TestDaemonDefaultNetworkPools', 'TestNoSuchExternalBridge', 'TestAcceptFwMark'],
    ],
    why: 'there is no daemon that has options: a network says itself what it is',
  },
  {
    subjects: ['TestAdvertiseAddressesLiveRestore', 'TestPortMappingRestore', 'TestPreferredSubnetRestore'],
    why: 'there is no daemon that ends and comes back: records and the kernel keep everything',
    heldBy: 'test/kernel/crash.test.ts',
  },
  {
    subjects: ['TestFirewallBackendSwitch'],
    why: 'rules move from one back end to the other while everything runs: there is no daemon to start anew for it',
    heldBy: 'test/kernel/firewall-switch.test.ts',
  },
  {
    subjects: ['TestFirewalldReloadNoZombies'],
    why: 'firewalld keeps no rule of ours: a reload has nothing to bring back',
    heldBy: 'test/kernel/neighbours-firewalld.test.ts',
  },
  {
    subjects: ['TestDropInForwardChain'],
    why: 'where others drop what they forward, our rules stand in iptables, in front of theirs',
    heldBy: 'test/kernel/neighbours-docker.test.ts',
  },
  {
    subjects: ['TestIptabler', 'TestNftabler'],
    why: 'the text of the rules is each one’s own: what they do is compared, packet by packet',
    heldBy: 'test/kernel/ruleset-modes.test.ts',
  },
  {
    subjects: ['TestSocketBacklogEqualsSomaxconn', 'TestPacketsAreDroppedUntilDetachSocketFilter'],
    why: 'which sockets hold a port before its container runs cannot be seen from outside',
    heldBy: 'test/kernel/proxy-reservation.test.ts',
  },
  {
    subjects: ['TestUDPWriteError', 'TestUDPOneSided'],
    why: 'they are about the inside of a program for one port, which is one for all ports here',
    heldBy: 'test/kernel/proxy-udp.test.ts',
  },
  {
    subjects: ['etchosts/TestUpdate', 'IgnoresPrefixedHostname', 'ConcurrentWrites'],
    why: 'they are about a function that finds a line by a part of it: here a line of ours is added, or taken out where it still stands as a whole, by one command at a time',
    heldBy: 'test/unit/networks-files.test.ts',
  },
  { subjects: ['TestSRVServiceQuery'], why: 'SRV answers are about the services of a swarm, which there is none of' },
  {
    subjects: ['proxy/SCTP'],
    why: 'the kernel on which the two were compared has no SCTP',
    heldBy: 'test/kernel/proxy-sctp.test.ts',
  },
];
