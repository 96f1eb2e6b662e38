#!/usr/bin/env bash
# Runs the server with private databases and feeds it posts: a loop over the
# real posts that come with the project, and generated posts, which add the
# places and channels that the real ones lack. Ctrl-C stops the feeders, then
# the server, which finishes its work in flight and stops its databases.
#
# GROUNDSWELL_LISTEN, GROUNDSWELL_DATA_DIR and the other variables in
# .env.example apply.
set -euo pipefail
# Every child gets its own process group, so that Ctrl-C only reaches this
# script, which then stops the children in order.
set -m

cd "$(dirname "${BASH_SOURCE[0]}")/.."
server=target/release/groundswell
posts=data/mayweather-mcgregor_tweets.csv.gz
# Replays 70 minutes of posts in 7: about 30 posts per second, lively but readable.
speed=10
synthetic_per_second=4

export GROUNDSWELL_DATA_DIR="${GROUNDSWELL_DATA_DIR:-.groundswell}"
export GROUNDSWELL_LISTEN="${GROUNDSWELL_LISTEN:-127.0.0.1:8080}"
export GROUNDSWELL_PRODUCTS="${GROUNDSWELL_PRODUCTS:-Mayweather=mayweather,floyd,maywheather;McGregor=mcgregor,conor,macgregor,notorious}"
# The terminal shows only what needs attention, and the code for the first account; the rest is on the dashboard.
export GROUNDSWELL_LOG="${GROUNDSWELL_LOG:-warn,fred=error,groundswell::app::access=info}"
# Do not fill another project's servers with posts if these variables happen to be set.
unset DATABASE_URL REDIS_URL
# For the same reason, read a settings file only if it is named explicitly.
export GROUNDSWELL_CONFIG="${GROUNDSWELL_CONFIG:-/dev/null}"

# With setpriv, if available, children stop when this script does, even after kill -9.
guard=()
command -v setpriv >/dev/null && guard=(setpriv --pdeathsig TERM)

host="${GROUNDSWELL_LISTEN%:*}"
port="${GROUNDSWELL_LISTEN##*:}"
if [[ "$port" != 0 ]] && (exec 3<>"/dev/tcp/$host/$port") 2>/dev/null; then
  {
    echo "make run: port $port on $host is in use, perhaps by another Groundswell."
    echo "  Stop it or choose another port: GROUNDSWELL_LISTEN=127.0.0.1:8081 make run"
  } >&2
  exit 1
fi

server_pid=""
feeder_pids=()

# Stops the children in order. Ignores a second Ctrl-C, because the server is still storing the posts that it accepted.
stop() {
  trap '' INT TERM HUP
  local pid
  for pid in "${feeder_pids[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
  for pid in "${feeder_pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  if [[ -n "$server_pid" ]]; then
    kill -TERM "$server_pid" 2>/dev/null || true
    wait "$server_pid" 2>/dev/null || true
  fi
}

stop_on_request() {
  echo
  echo "stopping …"
  stop
  exit 0
}
trap stop_on_request INT TERM HUP
trap stop EXIT

# Prints the address that the server records once it is listening, with the actual port if 0 was requested.
noted_address() {
  local note="$GROUNDSWELL_DATA_DIR/run.json"
  [[ -f "$note" ]] && grep -q "\"pid\": *$server_pid\b" "$note" &&
    sed -n 's|.*"address": *"\(http://\)\{0,1\}\([^"]*\)".*|\2|p' "$note"
}

is_ready() {
  local status
  exec 3<>"/dev/tcp/${1%:*}/${1##*:}" || return 1
  printf 'GET /readyz HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n' "$1" >&3
  read -r -t 5 status <&3 || status=""
  exec 3>&-
  [[ "$status" == *" 200 "* ]]
}

echo "starting the server and its databases …"
"${guard[@]}" "$server" serve </dev/null &
server_pid=$!
address=""
until address="$(noted_address)" && [[ -n "$address" ]] && is_ready "$address" 2>/dev/null; do
  if ! kill -0 "$server_pid" 2>/dev/null; then
    wait "$server_pid" && code=0 || code=$?
    server_pid=""
    echo "make run: the server exited before it was ready. Run \`$server doctor\` to see what is missing." >&2
    exit $((code == 0 ? 1 : code))
  fi
  sleep 0.1
done

# Discard the feeders' progress output, since the dashboard shows it, but not their errors.
"${guard[@]}" "$server" replay "$posts" --loop --speed "$speed" </dev/null >/dev/null &
feeder_pids+=($!)
"${guard[@]}" "$server" synth --rate "$synthetic_per_second" </dev/null >/dev/null &
feeder_pids+=($!)

cat <<EOF

  Groundswell is live: http://$address

  Replaying 12,118 real posts from a live event at $speed times their original speed.
  A generator adds $synthetic_per_second posts per second with places and channels. Press Ctrl-C to stop.

EOF

wait "$server_pid" && code=0 || code=$?
server_pid=""
echo "make run: the server exited unexpectedly (code $code)." >&2
exit "$code"
