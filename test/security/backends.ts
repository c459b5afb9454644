/** Firewall back ends for the attacks, and scripts that disable and restore each of them. */

/** Tested back ends: each file of this directory runs once for each name. */
export const backends = ['nftables', 'iptables'] as const;

export type BackendName = (typeof backends)[number];

const inUse: Readonly<Record<BackendName, string>> = {
  nftables: 'nft list table inet gangway >/dev/null',
  iptables: 'iptables-save | grep -q "^-A GANGWAY-FORWARD"',
};

/**
 * Returns a shell script that disables all rules of the host without deleting them, so that gangway restores none.
 *
 * The script fails if another back end is active.
 */
export function disarm(backend: BackendName): string {
  return `${inUse[backend]}; ${eachTable('{ flags dormant; }')}; ${pastTheBlackHole('add')}`;
}

/** Returns the script that enables the rules again. */
export const rearm = `${pastTheBlackHole('delete')}; ${eachTable('')}`;

/** Bypasses routing rules 640 and 641, which drop unmarked packets, by an earlier rule for the main table. */
export function pastTheBlackHole(verb: 'add' | 'delete'): string {
  return [4, 6].map((family) => `ip -${family} rule ${verb} pref 600 lookup main`).join('; ');
}

function eachTable(flags: string): string {
  return `nft list tables | while read -r _ family name; do nft "add table $family $name ${flags}"; done`;
}

/** Returns all rules in a stable order. */
export const rules: Readonly<Record<BackendName, string>> = {
  nftables: "nft -s list ruleset | tr -d '\\t' | tr ',{}' '\\n' | sort",
  iptables: `
    for program in iptables ip6tables; do $program-save | grep '^-A' | sort; done
    nft -s list table bridge gangway | tr -d '\\t' | tr ',{}' '\\n' | sort`,
};
