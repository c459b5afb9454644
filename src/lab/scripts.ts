/**
 * The shell scripts that build and enter a lab. They are constant; everything that varies arrives in "$1", "$2", ….
 *
 * Why shell: a process with threads, such as Node, can neither fork nor enter a mount namespace, and may not even be the
 * first process of a PID namespace. unshare(1), mount(8) and ip(8) do each of these things in a millisecond or two, and
 * who reads this file sees how a private machine is made by hand.
 */

/**
 * Outside the lab: makes the cgroups, starts the lab, and takes the cgroups away when it has ended, however it ended.
 *
 * The shell itself must stay silent: it would report that its child was killed into a pipe that nobody reads any more,
 * and be killed by that. Mount propagation `slave` lets the machine's later mounts and unmounts reach the lab, never
 * the reverse.
 *
 * In a unified tree a group has the controllers that its parent hands on, and a machine whose units have no limits
 * hands on no cpu and no io: they stay on afterwards, since the labs beside us may need them, too.
 *
 * "$1" script of the first process · "$2" number of cgroups · then the cgroups · then the first process's own arguments
 */
export const keeper = `
remove() {
  for below in "$1"/*/; do [ ! -d "$below" ] || remove "\${below%/}"; done
  rmdir "$1" 2>/dev/null || :
}
hand_on() {
  for controller in $(cat "$1/cgroup.controllers"); do
    echo "+$controller" >"$1/cgroup.subtree_control" 2>/dev/null || :
  done
}
first=$1
left=$2
shift 2
for argument; do
  [ "$left" -gt 0 ] || break
  mkdir "$argument" || exit
  [ ! -e "$argument/cgroup.controllers" ] || hand_on "\${argument%/*}"
  left=$((left - 1))
done
exec 3>&2 2>/dev/null
unshare --net --mount --ipc --uts --pid --propagation slave --fork --kill-child=KILL \\
  sh -euc "$first" gangway-lab "$@" 2>&3 3>&-
code=$?
for argument; do
  case $argument in (*/gangway-lab-*) remove "$argument" ;; (*) break ;; esac
done
exit "$code"
`;

/**
 * The lab's first process, in all its namespaces but one: joins the cgroups, so that the cgroup namespace that follows
 * is rooted there. A sweeping neighbour may have taken a cgroup that was still empty: then it is made again, once for
 * each neighbour. A v1 cpuset takes no process before it has processors and memory nodes.
 *
 * /proc is still the machine's, and therefore tells by which pid the machine knows us.
 *
 * the cgroups · "--" · script of the second stage · its arguments
 */
export const join = `
enter() {
  mkdir -p "$1" &&
  for share in cpuset.cpus cpuset.mems; do
    [ ! -e "$1/../$share" ] || { read -r value <"$1/../$share" && echo "$value" >"$1/$share"; } || return
  done &&
  echo 0 >"$1/cgroup.procs"
}
read -r pid rest </proc/self/stat
echo "pid $pid"
while [ "$1" != -- ]; do
  enter "$1" 2>/dev/null || enter "$1" 2>/dev/null || enter "$1" 2>/dev/null || enter "$1"
  shift
done
second=$2
shift 2
exec unshare --cgroup sh -euc "$second" gangway-lab "$@"
`;

/**
 * Still the first process: mounts what a machine has of its own, lays the cables, and holds the lab as a second, short
 * shell, whose command line is easy to read in the lab's own `ps`. It says "ready" when what it waits for has begun: from
 * then on nothing in the lab changes by itself.
 *
 * /run comes first, because mount(8) would note things there. The real machine's /sys is not only covered but unmounted:
 * whoever looks for cgroup trees in the mount table must not find each of them twice. The overlays give /etc and /var/lib a private copy where
 * the mount points of gangway's own directories are missing, so that we need not make them on the real machine.
 * `wait` buries every orphan of the lab. With `cat` as the holder the lab ends when the other end of its stdin is
 * closed, and the kernel closes that for whoever is killed. One that stays for itself is held like that until it is told so.
 *
 * A new network namespace inherits ip_forward from the real machine; here every place begins as what it is, no router.
 * A neighbour that looked at our cgroup before we were in it sweeps `init` away as long as that is empty.
 * A controller that the kernel will not hand on (cpu, where real-time processes run) is simply missing below.
 *
 * "$1" holder: eof or down · "$2" hostname · "$3" name of our mounts · "$4" directories for overlays · "$5" fstab
 * "$6" links in /sys/fs/cgroup · "$7" cables · then for each wiring: place, link, batch
 */
export const build = `
holder=$1
cgroups=/sys/fs/cgroup
mount -n -t tmpfs -o mode=755,nosuid,nodev "$3" /run
mkdir -p /run/netns /run/lock $4
printf %s "$5" >/run/lab.fstab
umount -n --lazy --recursive /sys
mount -a -n -T /run/lab.fstab
while read -r name target; do
  [ -z "$name" ] || ln -s "$target" "$cgroups/$name"
done <<.
$6
.
echo "$2" >/proc/sys/kernel/hostname
echo 0 >/proc/sys/net/ipv4/ip_forward
settle() {
  mkdir -p "$unified/init" && echo 0 >"$unified/init/cgroup.procs"
}
for unified in "$cgroups" "$cgroups/unified"; do
  [ -e "$unified/cgroup.controllers" ] || continue
  settle 2>/dev/null || settle 2>/dev/null || settle 2>/dev/null || settle
  for controller in $(cat "$unified/cgroup.controllers"); do
    echo "+$controller" >"$unified/cgroup.subtree_control" 2>/dev/null || :
  done
done
printf '%s\\nlink set lo up\\n' "$7" | ip -batch -
shift 7
places=
while [ $# -gt 0 ]; do
  case $1 in
    (host) printf %s "$3" | ip -batch - ;;
    (*) printf %s "$3" | nsenter --net="/run/netns/$1" sh -c 'echo 0 >/proc/sys/net/ipv4/ip_forward; exec ip -batch -' ;;
  esac
  places="$places $1:$2"
  shift 3
done
patience=2500
for wired in $places; do
  place=\${wired%:*}
  link=\${wired#*:}
  while :; do
    case $place in
      (host) state=$(ip -o link show dev "$link") ;;
      (*) state=$(ip -n "$place" -o link show dev "$link") ;;
    esac
    case $state in (*' state UP '*) break ;; esac
    [ $((patience -= 1)) -gt 0 ] || { echo "$link in $place does not come up" >&2; exit 1; }
    sleep 0.002
  done
done
case $holder in (eof) set -- cat ;; (down) set -- sh -c 'read -r _ && exec sleep infinity' ;; esac
exec 3<&0 4>&1 </dev/null >/dev/null 2>&1
exec sh -c '
  "$@" <&3 4>&- &
  exec 3<&-
  until ! read -r name </proc/$!/comm || [ "$name" = "$1" ]; do sleep 0.002; done
  echo ready >&4
  exec 4>&-
  wait
' gangway-lab "$@"
`;

/**
 * Enters a lab: joins its cgroups, then all its namespaces, then becomes the command.
 *
 * The cgroups come first: they lie above the roots that the lab's processes see, and can't be named from inside.
 *
 * "$1" cgroups, one a line · then the command
 */
export const enter = `
while read -r cgroup; do
  [ -z "$cgroup" ] || echo 0 >"$cgroup/cgroup.procs"
done <<.
$1
.
shift
exec "$@"
`;
