/** What has to be compared: sections of golden.md, and the tests that behaviour.md 5 names. Scenarios cite them. */

const sections = '02 03 04 05 06 07 08 09 10 11 12 13 14 15 16 17 18 21'.split(' ').map((number) => `golden ${number}`);

/** Docker's tests, by where they stand there. */
const tests = `
  TestBridgeICC TestBridgeINC TestBridgeINCRouted TestAccessToPublishedPort TestInterNetworkDirectRouting
  TestDefaultBridgeIPv6 TestDefaultBridgeAddresses TestInternalNwConnectivity TestNonIPv6Network TestDisableIPv6Addrs
  TestDisableIPv6OnInterface TestContainerDisabledIPv6 TestDisableIPv4 TestSetEndpointSysctl TestReadOnlySlashProc
  TestGatewaySelection TestAdvertiseAddresses TestAdvertiseAddressesLiveRestore TestDropInForwardChain
  TestNetworkInspectGateway TestSetIPWithNoConfiguredSubnet TestGatewayErrorOnNetDisconnect
  TestDNSNamesForNonSwarmScopedNetworks

  TestDisableNAT TestPortMappedHairpinTCP TestPortMappedHairpinUDP TestProxy4To6 TestAccessPublishedPortFromHost
  TestAccessPublishedPortFromRemoteHost TestAccessPublishedPortFromCtr TestAccessPublishedPortFromAnotherNetwork
  TestRestartUserlandProxyUnder2MSL TestDirectRoutingOpenPorts TestAcceptFwMark TestRoutedNonGateway
  TestDirectRemoteAccessOnExposedPort TestAllowDirectRemoteAccessOnExposedPort TestAccessPortPublishedOnLoopbackAddress
  TestMixAnyWithSpecificHostAddrs TestPortMappingOnDistinctLoopbackAddrs

  TestResolvConfLocalhostIPv6 TestInternalNetworkDNS TestInternalNetworkLocalDNS TestEtcHostsIpv6 TestEtcHostsDisconnect
  TestMACAddrOnRestart TestCfgdMACAddrOnRestart TestInspectCfgdMAC TestNetworkConnectWithMACAddress

  TestIntDNSAsExtDNS TestExtDNSInIPv6OnlyNw TestHostIPv4BridgeLabel TestDefaultNetworkOpts TestForbidDuplicateNetworkNames
  TestHostGatewayFromDocker0 TestCreateWithPriority TestConnectWithPriority TestMixL3IPVlanAndBridge
  TestDockerNetworkDeletePreferID TestCustomIfname TestDaemonDefaultNetworkPools

  TestCreateWithIPv6DefaultsToULAPrefix Test64BitIPRange TestIPRangeAt64BitLimit TestFilterForwardPolicy TestPointToPoint
  TestIsolated TestEndpointWithCustomIfname TestPublishedPortAlreadyInUse TestAllPortMappingsAreReturned
  TestFirewalldReloadNoZombies TestLegacyLink TestRemoveLegacyLink TestPortMappingRestore TestFirewallBackendSwitch
  TestBridgeIPAMStatus TestJoinError TestPreferredSubnetRestore TestNoSuchExternalBridge

  macvlan/Subinterface macvlan/OverlapParent macvlan/NilParent macvlan/InternalMode macvlan/MultiSubnet macvlan/Addressing
  macvlan/Passthru ipvlan/Subinterface ipvlan/OverlapParent ipvlan/NilParent ipvlan/InternalMode ipvlan/L2MultiSubnet
  ipvlan/L3MultiSubnet ipvlan/Addressing TestMacvlanIPAM TestMacvlanIPAMOverlap TestParentDown TestMACVlanDNS TestIPVlanDNS

  TestAllocateExactPort TestAllocateRangePortInUse TestRepeatAllocation TestOnlyOneSocketBindsUDPPort
  TestSocketBacklogEqualsSomaxconn TestPacketsAreDroppedUntilDetachSocketFilter TestReuseReleasedPort
  TestPortAllocationWithCustomRange TestRequestPortForMultipleIPs TestMixUnspecAndSpecificAddrs
  TestRequestNewPortSkipsReservedPorts TestRequestSpecificReservedPort TestRequestNewPortAllReserved

  TestAddPortMappings TestMTUBiggerThan1500 TestMTUBiggerThan64K TestSetDefaultGw TestProgramIPv6Addresses

  TestDynamicPoolAllocation TestPredefinedPool TestStaticAllocation TestRequestReleaseAddressFromSubPool TestUnusualSubnets
  TestOverlappingRequests TestFullAllocateRelease TestInferReservedNetworksV4

  TestOversizedDNSReply TestReplySERVFAIL TestProxyNXDOMAIN TestInvalidReverseDNS TestDNSIPQuery TestDNSProxyServFail
  TestDNSOptions TestSRVServiceQuery

  TestRC etchosts/TestAdd etchosts/TestDelete etchosts/TestUpdate IgnoresPrefixedHostname ConcurrentWrites

  TestSandboxAddMultiPrio TestSandboxAddSamePrio TestGatewayEndpointRespectsPriorityPerAddressFamily
  TestIptabler TestNftabler

  TestTCP4ProxyHalfClose TestTCP4ProxyNoListener TestTCPDualStackProxy TestUDP4ProxyNoListener TestUDPWriteError
  TestUDPOneSided proxy/SCTP
`
  .trim()
  .split(/\s+/);

/** Everything that a scenario has to cite, or that stands aside. */
export const subjects: readonly string[] = [...sections, ...tests];
