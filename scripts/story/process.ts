import { type Chapter, end } from './chapter.ts';

export const process: Chapter = {
  name: 'process',
  title: 'process: what else makes it a container',
  question: 'A network of its own is not yet a container. What else is there?',
  answer:
    'More namespaces, of the same kind as the one for the network: processes, mounts, host name, IPC, control groups. A root directory of its own, which is thrown away afterwards. And limits, which a control group counts and the kernel enforces.',
  drawing: `
        network   pid   mount   uts   ipc   cgroup     a namespace of each, for each
memory | 64 MiB  |====================|X killed
cpu    | 25 ms in each 100 |==......|==......|==......|     then it has to wait`,
  sections: [
    {
      heading: 'Namespaces',
      steps: [
        {
          types: `gangway run --rm --hostname box sh -c 'hostname; echo "my pid is $$"; touch /mark; ls /mark'`,
          proves:
            'It has a host name of its own, it is the first process that it knows of, and it may write where it likes.',
          expects: /^box\nmy pid is 1\n\/mark\n$/,
        },
        {
          types: 'gangway run --rm ls /mark',
          proves: 'What the first one wrote into its root is gone with it.',
          expects: /No such file/,
          status: 2,
        },
      ],
    },
    {
      heading: 'Limits',
      steps: [
        {
          says: 'This program eats memory without end, and may have 64 MiB.',
          types: 'gangway run --name greedy --memory 64m node -e "$hungry"',
          proves: 'The kernel killed it: status 137 is 128 and SIGKILL’s 9.',
          expects: /ran out of memory/,
          status: 137,
        },
        {
          types: 'gangway inspect -f "{{.State.OOMKilled}} {{.State.ExitCode}}" greedy',
          proves: 'And it is on record why.',
          expects: /^true 137\n$/,
        },
        {
          says: 'This one spins, and may have a quarter of a processor: 25 ms in each 100. Then it is stopped until the next. Ask for its counter, and again if that is still 0:',
          types: 'gangway run -d --name busy --cpus 0.25 sh -c "while :; do :; done"',
          expects: /^[0-9a-f]{64}\n$/,
        },
        {
          types: 'gangway exec busy grep -rh ^nr_throttled /sys/fs/cgroup --include cpu.stat',
          patiently: true,
          proves: 'nr_throttled counts the periods in which the kernel stopped it.',
          expects: /^nr_throttled [1-9]/m,
        },
        {
          says: 'And this one wants a hundred processes, and may have ten.',
          types: 'gangway run --rm --pids-limit 10 sh -c "for i in $(seq -s \' \' 100); do sleep 9 & done"',
          shows: /fork/,
          proves: 'The kernel refuses the eleventh.',
          expects: /fork/,
          status: 2,
        },
      ],
    },
    end('gangway rm -f greedy busy && gangway gc'),
  ],
  docker:
    'Docker hands a process to containerd, which hands it to runc; gangway writes the same kind of configuration and hands it to crun, with conmon to watch it. No daemon of ours stays for it.',
  sources: ['src/services/process/launch.ts', 'src/services/process/resources.ts'],
};
