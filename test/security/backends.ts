/** The firewall's back ends that every attack is tried on, and how each of them is taken away for a while. */

/** Another name here, and every file of this folder runs once more. */
export const backends = ['nftables', 'iptables'] as const;

export type BackendName = (typeof backends)[number];

/** Shell scripts, which fail where another back end is at work: no rule is left on the machine, and every rule is back. */
export const disarm: Readonly<Record<BackendName, string>> = {
  nftables: `
    nft list ruleset >/run/rules
    grep -q '^table inet gangway' /run/rules
    nft flush ruleset`,
  iptables: `
    nft list table bridge gangway >/run/rules 2>/dev/null || :
    for program in iptables ip6tables; do
      $program-save >/run/rules.$program
      grep -q '^-A GANGWAY-FORWARD' /run/rules.$program
    done
    nft flush ruleset`,
};
export const rearm: Readonly<Record<BackendName, string>> = {
  nftables: 'nft flush ruleset; nft -f /run/rules',
  iptables: `
    nft flush ruleset
    nft -f /run/rules
    for program in iptables ip6tables; do $program-restore /run/rules.$program; done`,
};

/** Every rule that is there, in an order that depends on nothing. */
export const rules: Readonly<Record<BackendName, string>> = {
  nftables: "nft -s list ruleset | tr -d '\\t' | tr ',{}' '\\n' | sort",
  iptables: `
    for program in iptables ip6tables; do $program-save | grep '^-A' | sort; done
    nft -s list table bridge gangway | tr -d '\\t' | tr ',{}' '\\n' | sort`,
};
