#!/usr/bin/env bash
# Runs the server with private databases and feeds it: the shipped real posts
# over and over, and the generator beside them for what these lack (places,
# channels). Ctrl-C stops the feeders, then the server, which settles what is
# in flight and stops its databases.
#
# GROUNDSWELL_LISTEN, GROUNDSWELL_DATA_DIR and the other variables of
# .env.example are passed on.
set -euo pipefail
# Every child gets a process group of its own, so that Ctrl-C reaches this
# script alone, which then stops them in order.
set -m

cd "$(dirname "${BASH_SOURCE[0]}")/.."
server=target/release/groundswell
posts=data/mayweather-mcgregor_tweets.csv.gz
# 70 minutes of posts in 7: about 30 a second, lively and still readable.
speed=10
synthetic_per_second=4

export GROUNDSWELL_DATA_DIR="${GROUNDSWELL_DATA_DIR:-.groundswell}"
export GROUNDSWELL_LISTEN="${GROUNDSWELL_LISTEN:-127.0.0.1:8080}"
export GROUNDSWELL_PRODUCTS="${GROUNDSWELL_PRODUCTS:-Mayweather=mayweather,floyd,maywheather;McGregor=mcgregor,conor,macgregor,notorious}"
# The terminal shows what needs attention; the rest is on the dashboard.
export GROUNDSWELL_LOG="${GROUNDSWELL_LOG:-warn,fred=error}"
# Servers of another project that happen to be named here must not be filled with posts.
unset DATABASE_URL REDIS_URL

# Where the system offers it, children end with this script even after kill -9.
guard=()
command -v setpriv >/dev/null && guard=(setpriv --pdeathsig TERM)

host="${GROUNDSWELL_LISTEN%:*}"
port="${GROUNDSWELL_LISTEN##*:}"
if [[ "$port" != 0 ]] && (exec 3<>"/dev/tcp/$host/$port") 2>/dev/null; then
  {
    echo "make run: port $port on $host is taken, perhaps by a Groundswell that already runs."
    echo "  Stop that, or choose another: GROUNDSWELL_LISTEN=127.0.0.1:8081 make run"
  } >&2
  exit 1
fi

server_pid=""
feeder_pids=()

# Ends the script's children in order. A second Ctrl-C does not hurry the server: it is writing down what it accepted.
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

# The address that the server notes once it listens; it knows the port where 0 was asked for.
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
    echo "make run: the server ended before it was ready. \`$server doctor\` says what is missing." >&2
    exit $((code == 0 ? 1 : code))
  fi
  sleep 0.1
done

# What they say of their progress goes nowhere: the dashboard shows it. Their errors are shown.
"${guard[@]}" "$server" replay "$posts" --loop --speed "$speed" </dev/null >/dev/null &
feeder_pids+=($!)
"${guard[@]}" "$server" synth --rate "$synthetic_per_second" </dev/null >/dev/null &
feeder_pids+=($!)

cat <<EOF

  Groundswell is live: http://$address

  12,118 real posts of one live event are being replayed at $speed times their speed,
  and a generator adds $synthetic_per_second posts a second with places and channels. Ctrl-C stops everything.

EOF

wait "$server_pid" && code=0 || code=$?
server_pid=""
echo "make run: the server ended by itself (code $code)." >&2
exit "$code"
