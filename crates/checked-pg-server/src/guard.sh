# Guards a private server. Arguments: run folder, folder of binaries, data folder, folder to make the cluster in or "", sync option
# of initdb or "", seconds that a shutdown may take, then the server's own. Standard input is a pipe; its end says that nobody needs
# the server any more; the word `now` before it, that there is no point in an orderly shutdown. The pipe of a shared server has a name, by which somebody may come at the last moment: so it is taken off the
# list first, and then asked again.
run_folder=$1 binaries=$2 data=$3 initdb_in=$4 sync=$5 patience=$6
shift 6
exec 3<&0

# The processes that a process has started.
children() {
    if [ -e /proc/self/status ]; then
        for status in /proc/[0-9]*/status; do
            while read -r key value; do
                [ "$key $value" != "PPid: $1" ] || { process=${status%/status}; echo "${process#/proc/}"; }
            done <"$status"
        done
    else
        ps -A -o pid= -o ppid= | while read -r process parent; do [ "$parent" != "$1" ] || echo "$process"; done
    fi
}

# Ends a process: in order; then as after a crash, from which the data recovers; then together with what it started, since one of
# those may hang. A signal may come before the process listens, hence the loops.
end() {
    for way in "INT $patience" "QUIT 3"; do
        left=${way#* }
        while [ "$left" -gt 0 ]; do
            kill "-${way% *}" "$1" || return
            sleep 1
            left=$((left - 1))
        done
    done
    kill -STOP "$1" # so that it starts no more
    kill -KILL $(children "$1") "$1"
}

# Runs a command until it ends or the pipe does. What only waits holds no log open, since an open log is a data folder in use.
guarded() {
    "$@" 3<&- </dev/null &
    command=$!
    { read -r word <&3; [ ! -e "$run_folder/shared" ] || { rm -f -- "$run_folder/shared"; read -r _ <&3; }
        [ "$word" != now ] || patience=0
        end $command; } >/dev/null 2>&1 &
    watcher=$!
    wait $command
    status=$?
    kill $watcher 2>/dev/null
    return $status
}

# The cluster moves to its place when it is whole, so that an interrupted initdb leaves no half of one. A full disk has no room for
# what initdb says of it, which therefore becomes a status of its own.
create() {
    rm -rf -- "$initdb_in" || return
    said=$(guarded "$binaries/initdb" -U postgres -A trust -E UTF8 --locale=C --no-instructions $sync -D "$initdb_in" 2>&1 >/dev/null) &&
        mv -- "$initdb_in" "$data" && return
    status=$?
    printf '%s\n' "$said" >&2
    case $said in *"No space left on device"*) return 28 ;; esac
    return $status
}

{ [ -z "$initdb_in" ] || create; } && guarded "$binaries/postgres" -D "$data" "$@"
status=$?
rm -rf -- "$run_folder"
exit $status
