import { type Chapter, end } from './chapter.ts';

export const process: Chapter = {
  name: 'process',
  title: 'process: namespaces and limits',
  question: 'What else does a container have, besides its network?',
  answer:
    'It has more namespaces: for processes, mounts, host name, IPC and control groups. It has its own temporary root directory. And it has limits, which the kernel enforces with a control group.',
  drawing: `
        network   pid   mount   uts   ipc   cgroup     one namespace of each kind
memory | 64 MiB  |====================|X killed
cpu    | 25 ms in each 100 |==......|==......|==......|     then it waits`,
  sections: [
    {
      heading: 'Namespaces',
      steps: [
        {
          types: `gangway run --rm --hostname box sh -c 'hostname; echo "my pid is $$"; touch /mark; ls /mark'`,
          proves: 'The container has its own host name, its own process numbers, and a writable root.',
          expects: /^box\nmy pid is 1\n\/mark\n$/,
        },
        {
          types: 'gangway run --rm ls /mark',
          proves: 'The file of the first container is gone with its root.',
          expects: /No such file/,
          status: 2,
        },
      ],
    },
    {
      heading: 'Limits',
      steps: [
        {
          says: 'This program allocates memory without end, and its limit is 64 MiB.',
          types: 'gangway run --name greedy --memory 64m node -e "$hungry"',
          proves: 'The kernel killed the program: status 137 is 128 and SIGKILL’s 9.',
          expects: /ran out of memory/,
          status: 137,
        },
        {
          types: 'gangway inspect -f "{{.State.OOMKilled}} {{.State.ExitCode}}" greedy',
          proves: 'gangway has recorded the reason.',
          expects: /^true 137\n$/,
        },
        {
          says: 'This program runs in a loop, and its limit is a quarter of a processor: 25 ms in each 100 ms. Read its counter, and repeat the command if the counter is 0:',
          types: 'gangway run -d --name busy --cpus 0.25 sh -c "while :; do :; done"',
          expects: /^[0-9a-f]{64}\n$/,
        },
        {
          types: 'gangway exec busy grep -rh ^nr_throttled /sys/fs/cgroup --include cpu.stat',
          patiently: true,
          proves: 'nr_throttled counts the periods in which the kernel stopped the program.',
          expects: /^nr_throttled [1-9]/m,
        },
        {
          says: 'This program starts a hundred processes, and its limit is ten.',
          types: 'gangway run --rm --pids-limit 10 sh -c "for i in $(seq -s \' \' 100); do sleep 9 & done"',
          shows: /fork/,
          proves: 'The kernel rejects the eleventh process.',
          expects: /fork/,
          status: 2,
        },
      ],
    },
    end('gangway rm -f greedy busy && gangway gc'),
  ],
  docker:
    'Docker passes a process to containerd, which passes it to runc. gangway writes the same kind of configuration for crun, and conmon monitors the process. No gangway process stays for the container.',
  sources: ['src/services/process/launch.ts', 'src/services/process/resources.ts'],
};
