#!/bin/sh
# Runs one command and writes down how it began and how it ended: whoever wants to know may start only later.
#   sh launcher.sh RUNDIR CWD LENT|- LIMIT -- COMMAND [ARGUMENT...]
# RUNDIR/log has the command's output, or its beginning: all files of it together have less than LIMIT bytes. RUNDIR/start and RUNDIR/exit have "key value" lines and appear whole or not at all.
# The braces make the shell read all of this before it runs any of it: an update may replace the file meanwhile.
{
  mask=$(umask)
  umask 077
  # Whoever makes the folder has the run; a second launcher for it quits.
  mkdir "$1" 2>/dev/null || { [ -d "$1" ] && exit 0; exit 73; }
  exec </dev/null >/dev/null 2>&1
  # Handlers, because a signal that is ignored here would be ignored in the command too.
  trap : HUP INT QUIT TERM

  # Sets `birth`: when the given process began, as the system counts it. On Linux field 22 of proc_pid_stat(5),
  # counted from behind the name, which may have spaces in it.
  born() {
    birth=
    if [ -r "/proc/$1/stat" ]; then
      read -r line <"/proc/$1/stat"
      set -- ${line##*) }
      birth=${20}
    else
      birth=$(TZ=UTC LC_ALL=C ps -o lstart= -p "$1")
    fi
  }
  # Sets `ms`: now, in milliseconds since 1970 (%N is not POSIX); and `up`: since the machine started, in hundredths of a
  # second, which nobody sets: proc_uptime(5); empty elsewhere than on Linux.
  now() {
    ms=$(date +%s%3N)
    case $ms in '' | *[!0-9]*) ms=$(date +%s)000 ;; esac
    up=
    [ ! -r /proc/uptime ] || read -r up line </proc/uptime
    up=${up%.*}${up#*.}
  }

  read -r boot </proc/sys/kernel/random/boot_id || boot=$(sysctl -n kern.bootsessionuuid) || boot=unknown
  born $$
  now
  self="version 1
launcher $$
launcher-birth $birth
boot $boot
started $ms
started-up $up"

  # Copies its input into RUNDIR/log and, beyond a quarter of LIMIT, into RUNDIR/log.OFFSET, of which the last two stay.
  # dd writes what a read gave it at once, and stops after so many reads: then sizes are looked at.
  keep() {
    trap '' HUP INT QUIT TERM
    reads=$(($2 / 16 / 8192))
    part=$1/log offset=0 newer=
    : >>"$part"
    while :; do
      # A full disk, or a folder that is gone: what cannot be kept is let go, for nothing may hold the agent up.
      got=$(exec dd bs=8192 count="$reads" 2>&1 >>"$part") || got=$(exec dd bs=8192 count=64 2>&1 >/dev/null)
      case $got in 0+0*) break ;; esac
      size=$(wc -c <"$part") || size=0
      [ "$size" -ge $(($2 / 4)) ] || continue
      [ -z "$newer" ] || rm -f "$older"
      older=$newer offset=$((offset + size))
      newer=$1/log.$offset part=$1/log.$offset
    done
    rm -f "$1/pipe"
  }
  output=$1/log
  if mkfifo "$1/pipe"; then
    output=$1/pipe
    keep "$1" "$4" <"$1/pipe" &
    born $!
    self="$self
keeper $!
keeper-birth $birth"
  fi

  # In the foreground: in the background it would ignore SIGINT and SIGQUIT.
  (
    trap - HUP INT QUIT TERM
    # "$$" is still the launcher's number here; elsewhere than on Linux, a child knows its parent.
    if [ -r /proc/self/stat ]; then
      read -r agent line </proc/self/stat
    else
      sh -c 'echo "$PPID"' >"$1/agent"
      read -r agent <"$1/agent"
    fi
    born "$agent"
    printf '%s\nagent %s\nagent-birth %s\n' "$self" "$agent" "$birth" >"$1/start.new" || exit 73
    mv -f "$1/start.new" "$1/start" || exit 73
    umask "$mask"
    if [ "$3" != - ]; then
      lent=$(cat "$3") || echo "lanes: the variables lent to this run are gone; it goes on without them"
      rm -f "$3"
      eval "$lent"
    fi
    # From here on only "$@": what was lent may have the name of any variable above.
    cd "$2" || exit 127
    unset OLDPWD
    shift 5
    exec "$@"
  ) >>"$output" 2>&1
  code=$?

  # What was printed last shall be there before the end is told; a process that outlives the agent may print for ever.
  tries=0
  while [ -p "$1/pipe" ] && [ "$tries" -lt 50 ]; do
    tries=$((tries + 1))
    sleep 0.02 || { sleep 1; tries=50; }
  done

  now
  tries=0
  until printf '%s\ncode %s\nended %s\nended-up %s\n' "$self" "$code" "$ms" "$up" >"$1/exit.new" && mv -f "$1/exit.new" "$1/exit"; do
    # The disk may be full for a while; the folder may be gone for good.
    tries=$((tries + 1))
    [ "$tries" -lt 60 ] && [ -d "$1" ] || exit 73
    sleep 1
  done
  exit 0
}
