/** The firewall's back ends that every attack is tried on, and how each of them is taken away for a while. */

/** Another name here, and every file of this folder runs once more. */
export const backends = ['nftables', 'iptables'] as const;

export type BackendName = (typeof backends)[number];

const inUse: Readonly<Record<BackendName, string>> = {
  nftables: 'nft list table inet gangway >/dev/null',
  iptables: 'iptables-save | grep -q "^-A GANGWAY-FORWARD"',
};

/**
 * A shell script: no rule of this machine applies, but nothing is gone that somebody would put back.
 *
 * It fails where another back end is at work.
 */
export function disarm(backend: BackendName): string {
  return `${inUse[backend]}; ${eachTable('{ flags dormant; }')}; ${pastTheBlackHole('add')}`;
}

/** The way back. */
export const rearm = `${pastTheBlackHole('delete')}; ${eachTable('')}`;

/** What no rule has seen is dropped by routing rules 640 and 641: one before them asks the main table for everything. */
export function pastTheBlackHole(verb: 'add' | 'delete'): string {
  return [4, 6].map((family) => `ip -${family} rule ${verb} pref 600 lookup main`).join('; ');
}

function eachTable(flags: string): string {
  return `nft list tables | while read -r _ family name; do nft "add table $family $name ${flags}"; done`;
}

/** Every rule that is there, in an order that depends on nothing. */
export const rules: Readonly<Record<BackendName, string>> = {
  nftables: "nft -s list ruleset | tr -d '\\t' | tr ',{}' '\\n' | sort",
  iptables: `
    for program in iptables ip6tables; do $program-save | grep '^-A' | sort; done
    nft -s list table bridge gangway | tr -d '\\t' | tr ',{}' '\\n' | sort`,
};
