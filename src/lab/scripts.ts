/**
 * Shell scripts that build and enter a lab. They are constant; arguments vary.
 *
 * Why shell: a process with threads, such as Node, can't fork, enter a mount namespace or become PID 1 of a namespace.
 * unshare(1), mount(8) and ip(8) take a millisecond or two each, and the scripts show how to build a lab by hand.
 */

/**
 * Outside of the lab: creates the cgroups, starts the lab, and removes the cgroups after its end.
 *
 * The shell itself must not print: a report about its killed child would go into a closed pipe and kill the shell.
 * Mount propagation `slave` forwards later mounts of the host to the lab, never the reverse.
 *
 * A cgroup of the unified tree has only the controllers that its parent delegates, and a host without limits may not
 * delegate cpu and io. They stay delegated, because other labs may need them.
 *
 * "$1" script of the first process · "$2" number of cgroups · then the cgroups · then the first process's arguments
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
 * The lab's first process, in all namespaces except the cgroup namespace: joins the cgroups, which become the root of
 * the cgroup namespace. A concurrent sweep may remove an empty cgroup; then it is created again. A v1 cpuset needs
 * processors and memory nodes before it accepts a process.
 *
 * /proc is still the host's, so it shows the outer pid.
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
 * The first process, second stage: mounts the lab's file systems, configures its links, and then waits as a second
 * shell with a short command line. It prints "ready" when the holder is running; after that nothing changes by itself.
 *
 * * /run comes first, because mount(8) writes there. The host's /sys is unmounted, not only hidden: otherwise the mount
 *   table would list each cgroup tree twice.
 * * The overlays give /etc and /var/lib a private copy if gangway's mount points are missing on the host.
 * * `wait` reaps the lab's orphans. With `cat` as the holder, the lab ends when the other end of stdin is closed.
 * * ip_forward is reset, since a new network namespace inherits the host's value.
 * * `settle` retries, because a concurrent sweep may remove the empty `init`.
 * * A controller that the kernel refuses to delegate (cpu with real-time processes) is missing in the lab.
 *
 * "$1" holder: eof or down · "$2" hostname · "$3" source of our mounts · "$4" directories for overlays · "$5" fstab
 * "$6" links in /sys/fs/cgroup · "$7" links · then for each wiring: place, link, batch
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
 * Enters a lab: joins its cgroups and namespaces, and runs the command. Cgroups come first, because the lab can't see
 * those above its root.
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
