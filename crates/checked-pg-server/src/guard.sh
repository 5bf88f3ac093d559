# Guards a private server. Arguments: run folder, folder of binaries, data folder, folder to make the cluster in or "", sync option
# of initdb or "", then the server's own. Standard input is a pipe; its end says that nobody needs the server any more. The pipe
# of a shared server has a name, by which somebody may come at the last moment: so it is taken off the list first, and then asked
# again.
run_folder=$1 binaries=$2 data=$3 initdb_in=$4 sync=$5
shift 5
exec 3<&0

# Runs a command until it ends or the pipe does. A signal may come before the command listens, hence the loop; what only waits
# holds no log open, since an open log is a data folder in use.
guarded() {
    "$@" 3<&- </dev/null &
    command=$!
    { read -r _ <&3; [ ! -e "$run_folder/shared" ] || { rm -f -- "$run_folder/shared"; read -r _ <&3; }
        while kill -INT $command; do sleep 1; done; } >/dev/null 2>&1 &
    watcher=$!
    wait $command
    status=$?
    kill $watcher 2>/dev/null
    return $status
}

# The cluster moves to its place when it is whole, so that an interrupted initdb leaves no half of one.
create() {
    rm -rf -- "$initdb_in" || return
    guarded "$binaries/initdb" -U postgres -A trust -E UTF8 --locale=C --no-instructions $sync -D "$initdb_in" >/dev/null &&
        mv -- "$initdb_in" "$data"
}

{ [ -z "$initdb_in" ] || create; } && guarded "$binaries/postgres" -D "$data" "$@"
status=$?
rm -rf -- "$run_folder"
exit $status
