/**
 * The story as data: what is said, what is typed, what is shown, and what is proved. demo.ts tells it.
 *
 * Two places: `host` is the machine that the reader works on, 203.0.113.1 and 2001:db8:f::1; `world` is somebody out
 * there, 203.0.113.2. The containers get their addresses in the order in which they start: ann .2, bob .3, web .4.
 */

export interface Step {
  /** What comes, and why. Absent: it goes on with the step before. */
  readonly says?: string;
  /** Where it is typed. Default `host`. */
  readonly at?: 'host' | 'world';
  readonly types: string;
  /** What must have succeeded in the host before. */
  readonly after?: string;
  /** The lines of its output that belong to the lesson. Default all. */
  readonly shows?: RegExp;
  /** One sentence, which stands if the exit status and the output are as expected. */
  readonly proves?: string;
  readonly expects?: RegExp;
  /** The exit status that it must end with. Default 0. */
  readonly status?: number;
  /** Asked again until it is so. */
  readonly patiently?: true;
}

export interface Chapter {
  readonly title: string;
  readonly steps: readonly Step[];
}

/** Programs that stand in the commands as `"$server"` and the like, so that these are readable. */
export const programs = {
  server: 'require("http").createServer((q, r) => r.end(q.socket.remoteAddress + "\\n")).listen(80, "0.0.0.0")',
  hungry: 'for (const eaten = []; ; ) eaten.push(Buffer.alloc(1 << 20, 1))',
};

const none: Chapter = {
  title: 'none: what is left when everything is taken away',
  steps: [
    {
      says: 'The kernel gives each network namespace links, addresses and routes of its own. A new one has only its loopback.',
      types: 'gangway run --rm --network none ip -brief address',
      proves: 'One link, lo; the machine’s up0 cannot even be seen.',
      expects: /^lo\s.*127\.0\.0\.1\/8[^\n]*\n$/,
    },
    {
      says: 'There is no route, so a packet to the world dies in the container’s own tables.',
      types: 'gangway run --rm --network none ping -c 1 203.0.113.2',
      proves: 'The kernel refuses, and ping’s exit status 2 comes out as ours.',
      expects: /Network is unreachable/,
      status: 2,
    },
  ],
};

const host: Chapter = {
  title: 'host: no network of its own',
  steps: [
    {
      says: 'The other extreme: the container lives in the machine’s network. Nothing is built, nothing is isolated.',
      types: 'gangway run --rm --network host ip -brief address show up0',
      proves: 'It sees up0 with the machine’s own address.',
      expects: /203\.0\.113\.1\/24/,
    },
  ],
};

const bridge: Chapter = {
  title: 'bridge: a switch and cables',
  steps: [
    {
      says: 'Containers reach each other like machines in an office: a cable each (veth) into one switch (bridge). gangway can say beforehand what it is going to do; these are the lines about links, addresses and routes:',
      types: 'gangway explain run -d --name ann sleep infinity',
      shows: /^ip (?!netns exec)/,
      expects: /^ip link add gangway0 .*type bridge/m,
    },
    {
      types: 'ip link show gangway0',
      proves: 'That was the plan and no more: nothing has changed yet.',
      expects: /does not exist/,
      status: 1,
    },
    {
      says: 'Now let it happen, twice.',
      types: 'gangway run -d --name ann sleep infinity && gangway run -d --name bob sleep infinity',
      expects: /^[0-9a-f]{64}\n[0-9a-f]{64}\n$/,
    },
    {
      types: 'ip -brief address show gangway0; ip -brief link show master gangway0',
      proves: 'The switch has an address, 172.17.0.1, and two cables in it.',
      expects: /172\.17\.0\.1\/16.*\nveth.*\nveth/s,
    },
    {
      says: 'What one of them sees of it: eth0 is the other end of its cable, and whatever is not on the switch goes to 172.17.0.1.',
      types: 'gangway exec ann ip -4 route',
      expects: /^default via 172\.17\.0\.1 dev eth0/,
    },
    {
      types: 'gangway exec ann ping -c 1 172.17.0.3',
      shows: /bytes from|received/,
      proves: 'ann’s ping goes through both cables to bob and back; ttl=64 says that no router was on the way.',
      expects: /ttl=64 .*1 received/s,
    },
  ],
};

const outbound: Chapter = {
  title: 'outbound: under the machine’s address',
  steps: [
    {
      says: 'Nobody out there knows a way to 172.17.0.2. So the machine passes ann’s packets on (ip_forward) and puts its own address in place of hers (masquerade). In the world there is a server that tells every caller where he seems to come from.',
      types: 'gangway exec ann curl -s http://203.0.113.2/',
      proves: 'The world saw 203.0.113.1, the machine, and not 172.17.0.2.',
      expects: /^203\.0\.113\.1\n$/,
    },
    {
      says: 'In the firewall there is one constant set of rules; networks are elements of its sets.',
      types: 'nft list set inet gangway masqueraded; sysctl net.ipv4.ip_forward',
      shows: /elements|ip_forward/,
      proves: 'Masquerade is on for IPv4 from gangway0, and the machine forwards.',
      expects: /ipv4 \. "gangway0".*ip_forward = 1/s,
    },
    {
      says: 'A machine that forwards lets in whoever knows a way. Suppose that the world learns one:',
      at: 'world',
      types: 'ip route add 172.17/16 via 203.0.113.1; ping -c1 -W.3 172.17.0.2; ip route del 172.17/16',
      shows: /received/,
      proves: 'No answer: from outside, only what belongs to a connection of ann’s comes in.',
      expects: /0 received/,
    },
  ],
};

const publish: Chapter = {
  title: 'published port: the world comes in',
  steps: [
    {
      says: 'web tells every caller the address it sees. Whoever asks the machine for port 8080 shall get web’s port 80.',
      types: 'gangway run -d --name web -p 8080:80 node -e "$server"',
      expects: /^[0-9a-f]{64}\n$/,
    },
    {
      types: 'nft list map inet gangway ports4; ss -Hltn sport = :8080',
      after: 'curl -s http://172.17.0.4/',
      shows: /elements|LISTEN/,
      proves: 'One element of a map does it in the kernel; a socket per family keeps the port ours and takes the rest.',
      expects: /tcp \. 8080 : 172\.17\.0\.4 \. 80.*0\.0\.0\.0:8080.*\[::\]:8080/s,
    },
    {
      says: 'From outside, the kernel puts web’s address in the place of the machine’s (DNAT).',
      at: 'world',
      types: 'curl -s http://203.0.113.1:8080/',
      proves: 'web sees the true caller, 203.0.113.2.',
      expects: /^203\.0\.113\.2\n$/,
    },
    {
      says: 'The kernel translates no IPv6 into IPv4. There the socket carries the bytes across (src/services/proxy).',
      at: 'world',
      types: 'curl -s "http://[2001:db8:f::1]:8080/"',
      proves: 'Answered; web sees the bridge, 172.17.0.1, which is what a proxy costs.',
      expects: /^172\.17\.0\.1\n$/,
    },
    {
      says: 'Nor may 127.0.0.1 leave the machine, so a caller on the machine’s own loopback takes the same way.',
      types: 'curl -s http://127.0.0.1:8080/',
      proves: 'Answered, through the proxy as well.',
      expects: /^172\.17\.0\.1\n$/,
    },
    {
      says: 'ann is on the same switch and asks at the machine’s front door all the same. Straight back from web, the answer would come from somebody whom she never asked; so she is masqueraded, too.',
      types: 'gangway exec ann curl -s http://203.0.113.1:8080/',
      proves: 'Answered; web sees 172.17.0.1, and the answer finds its way back through the translation.',
      expects: /^172\.17\.0\.1\n$/,
    },
  ],
};

const limits: Chapter = {
  title: 'limits: the kernel says no',
  steps: [
    {
      says: 'A control group counts what a container uses. This program eats memory without end and may have 64 MiB.',
      types: 'gangway run --name greedy --memory 64m node -e "$hungry"',
      proves: 'The kernel killed it: status 137 is 128 and SIGKILL’s 9.',
      expects: /ran out of memory/,
      status: 137,
    },
    {
      types: 'gangway inspect greedy',
      shows: /OOMKilled|"ExitCode"/,
      proves: 'And it is on record why.',
      expects: /"OOMKilled": true/,
    },
    {
      says: 'This one spins, and may have a quarter of a processor: 25 ms in each 100. Then it is stopped until the next.',
      types: 'gangway run -d --name busy --cpus 0.25 sh -c "while :; do :; done"',
      expects: /^[0-9a-f]{64}\n$/,
    },
    {
      types: 'gangway exec busy grep -rh ^nr_ /sys/fs/cgroup --include cpu.stat',
      patiently: true,
      proves: 'nr_throttled counts the periods in which the kernel stopped it.',
      expects: /^nr_throttled [1-9]/m,
    },
  ],
};

const takeAway: Chapter = {
  title: 'take it away',
  steps: [
    {
      says: 'Each container’s record holds the very steps that made it; they are undone in the opposite order.',
      types: 'gangway rm -f ann bob web greedy busy',
      expects: /^ann\nbob\nweb\ngreedy\nbusy\n$/,
    },
    {
      says: 'The switch and the rules stay for the next container, until somebody asks what nobody owns.',
      types: 'gangway gc',
      expects: /gangway0.*inet gangway/s,
    },
    {
      types: 'ip -brief link; ip netns list; nft list tables; sysctl net.ipv4.ip_forward',
      proves: 'No bridge, no cable, no namespace but the world’s, no table, and the machine forwards no more.',
      expects: /^lo [^\n]*\nup0@[^\n]*\nworld[^\n]*\nnet\.ipv4\.ip_forward = 0\n$/,
    },
  ],
};

export const story: readonly Chapter[] = [none, host, bridge, outbound, publish, limits, takeAway];
