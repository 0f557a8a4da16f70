#!/usr/bin/env bash
# A Docker daemon, a registry with ECR's login, and base images, all on this machine.
#
#   docker-up.sh up [options]      start what does not run yet
#   docker-up.sh down [--dir DIR]  stop what `up` started, and remove DIR
#   docker-up.sh env [--dir DIR]   print the settings: DOCKER_HOST, BATCHKIT_E2E_*
#
#   --dir DIR            where everything lives (default /tmp/batchkit-e2e)
#   --private            start a daemon of our own, even if one answers
#   --as HOST            the registry also answers our own daemon as https://HOST, so that pushes
#                        to a name of ECR's go to it unchanged; implies --private
#   --token TOKEN        the password of the user AWS (default: what moto's ECR hands out)
#   --dockerfile FILE    give the base image the names in the FROM lines of FILE ...
#   --base NAME:TAG      ... or this one (both may be repeated)
#   --requirements FILE  put the wheels that FILE asks for into the base image (may be repeated)
#   --wheels "A B==1"    and these
#   --python PYTHON      the Python that the base image is made of (default python3)
#
# No image registry is asked. The base image is a copy of a Python of this machine, under the name
# in the FROM line, where a build finds it and pulls nothing. It carries wheels, so that an
# ordinary `RUN pip install` works without a network. (Its Python is this machine's, whatever the
# tag says.) All listens on loopback only. Our own daemon has its socket, data, /etc/hosts and
# certificates under DIR, no bridge and no firewall rules; nothing else on the machine changes.
#
# Needs Linux; root to start a daemon; Debian's apt-get only for programs that are missing.
# Exit: 0 all is up; 1 it is not, and the last line on stderr says why.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
DIR=/tmp/batchkit-e2e
COMMAND=
PRIVATE=
AS=
TOKEN=123456789012-auth-token
PYTHON=python3
PORT=${BATCHKIT_E2E_PORT:-5000}
TLS_IP=${BATCHKIT_E2E_TLS_IP:-127.55.0.1}
DOCKERFILES=() BASES=() WHEELS=()
STARTED=$SECONDS

say() { printf '[docker-up %2ds] %s\n' $((SECONDS - STARTED)) "$*"; }
die() { printf 'docker-up: %s\n' "$*" >&2; exit 1; }
usage() { sed -n '/^[^#]/q; s/^#$//; s/^# //; 2,$p' "$0"; }

arguments() {
  while [ $# -gt 0 ]; do
    case $1 in
      up|down|env) COMMAND=$1; shift; continue ;;
      --private) PRIVATE=1; shift; continue ;;
      -h|--help) usage; exit 0 ;;
    esac
    [ $# -ge 2 ] || die "unknown argument, or one without its value: $1 (see --help)"
    case $1 in
      --dir) DIR=$2 ;;
      --as) AS=$2; PRIVATE=1 ;;
      --token) TOKEN=$2 ;;
      --dockerfile) DOCKERFILES+=("$2") ;;
      --base) BASES+=("$2") ;;
      --requirements) WHEELS+=(-r "$2") ;;
      --wheels) read -r -a more <<< "$2"; WHEELS+=("${more[@]}") ;;
      --python) PYTHON=$2 ;;
      *) die "unknown argument $1 (see --help)" ;;
    esac
    shift 2
  done
  [ -n "$COMMAND" ] || die "say up, down or env (see --help)"
  DIR=$(realpath -m "$DIR")
  [ ${#DIR} -le 60 ] || die "$DIR is too long a path for the daemon's sockets: 60 characters at most"
}

# --- processes, known by a pid file in DIR and by DIR in their command line ---------------------

alive() {  # alive NAME
  local pid
  pid=$(cat "$DIR/$1.pid" 2>/dev/null) && [ -n "$pid" ] || return 1
  { tr '\0' ' ' < "/proc/$pid/cmdline" | grep -qF -- "$DIR/"; } 2>/dev/null
}

stop() {  # stop NAME: ask, wait 15 seconds, kill
  local pid tries
  if alive "$1"; then
    pid=$(cat "$DIR/$1.pid")
    kill "$pid"
    for tries in $(seq 150); do
      kill -0 "$pid" 2>/dev/null || break
      sleep 0.1
    done
    kill -9 "$pid" 2>/dev/null || true
    say "stopped $1 (process $pid, $tries tries)"
  fi
  rm -f "$DIR/$1.pid"
}

end_orphans() {  # what a daemon that was killed leaves: containers, shims, mounts, a stale exec/
  local pidfile process at
  for pidfile in "$DIR"/exec/containerd/daemon/io.containerd.runtime.v2.task/moby/*/init.pid; do
    [ -s "$pidfile" ] || continue
    if grep -qF "$(basename "$(dirname "$pidfile")")" "/proc/$(cat "$pidfile")/cgroup" 2>/dev/null
    then kill -9 "$(cat "$pidfile")" || true; fi
  done
  for process in /proc/[0-9]*; do
    if { tr '\0' ' ' < "$process/cmdline" | grep -qE -- "^[^ ]*containerd.* $DIR/exec/"; } 2>/dev/null
    then kill -9 "${process#/proc/}" 2>/dev/null || true; fi
  done
  while read -r at; do
    umount -l "$at" 2>/dev/null || true
  done < <(awk -v dir="$DIR/" 'index($2, dir) == 1 { print $2 }' /proc/mounts | sort -r)
  rm -rf --one-file-system "$DIR/exec"
}

wait_for() {  # wait_for NAME COMMAND...: until COMMAND succeeds, while the process NAME lives
  local name=$1 tries
  shift
  for tries in $(seq 300); do
    "$@" && return 0
    [ "$tries" -lt 20 ] || alive "$name" || return 1
    sleep 0.1
  done
  return 1
}

last_words() {  # last_words LOG
  grep -E 'level=(error|fatal)|[Ee]rror|failed' "$1" | tail -n 1 || tail -n 1 "$1"
}

# --- the programs ------------------------------------------------------------------------------

install_missing() {
  local missing=()
  if ! command -v docker >/dev/null || { [ -n "$PRIVATE" ] && ! command -v dockerd >/dev/null; }
  then missing+=(docker.io); fi
  command -v docker-registry >/dev/null || missing+=(docker-registry)
  if [ -n "$AS" ] && ! command -v openssl >/dev/null; then missing+=(openssl); fi
  [ ${#missing[@]} -gt 0 ] || return 0
  [ "$(id -u)" = 0 ] || die "only root can install ${missing[*]}"
  command -v apt-get >/dev/null || die "install these first: ${missing[*]}"
  apt "${missing[@]}" || { apt_get update && apt "${missing[@]}"; } ||
    die "apt-get could not install ${missing[*]}: $(grep -m1 '^E:' "$DIR/apt.log" || true)"
  say "installed ${missing[*]}"
}

apt() { apt_get install -y --no-install-recommends "$@"; }
apt_get() {
  DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 "$@" \
    >>"$DIR/apt.log" 2>&1 </dev/null 9>&-
}

# --- the daemon --------------------------------------------------------------------------------

answers() { [ -n "$(version)" ]; }
version() { timeout 20 docker version --format '{{.Server.Version}}' 2>/dev/null || true; }

have_daemon() {
  if [ -z "$PRIVATE" ] && command -v docker >/dev/null && answers; then
    say "using the daemon that answers, version $(version)"
  else
    PRIVATE=1
    export DOCKER_HOST=unix://$DIR/docker.sock
  fi
}

start_daemon() {
  [ -n "$PRIVATE" ] || return 0
  if alive dockerd && answers; then say "our own daemon runs, version $(version)"; return; fi
  [ "$(id -u)" = 0 ] || die "only root can start dockerd"
  stop dockerd
  end_orphans
  mount_cgroups
  echo '{}' > "$DIR/etc/daemon.json"
  # Containers use the host's network: without a bridge there are no firewall rules either.
  setsid unshare --mount bash -c '
    mkdir -p /etc/docker && mount --bind "$1/etc/docker" /etc/docker
    [ ! -s "$1/etc/hosts" ] || mount --bind "$1/etc/hosts" /etc/hosts
    exec dockerd --host "unix://$1/docker.sock" --pidfile "$1/dockerd.pid" \
      --data-root "$1/data" --exec-root "$1/exec" --config-file "$1/etc/daemon.json" \
      --bridge none --iptables=false --ip6tables=false --ip-masq=false --ip-forward=false \
      --host-gateway-ip 127.0.0.1
  ' docker-up "$DIR" >"$DIR/dockerd.log" 2>&1 </dev/null 9>&- &
  wait_for dockerd answers ||
    die "dockerd did not start: $(last_words "$DIR/dockerd.log") (see $DIR/dockerd.log)"
  say "started dockerd $(version) (process $(cat "$DIR/dockerd.pid"))"
}

mount_cgroups() {  # bare containers and chroots have none
  local controller
  ! grep -qE ' /sys/fs/cgroup(/[^ ]*)? cgroup' /proc/mounts || return 0
  mount -t tmpfs -o mode=755 cgroup /sys/fs/cgroup || die "cannot mount /sys/fs/cgroup"
  for controller in $(awk '!/^#/ && $4 == 1 { print $1 }' /proc/cgroups); do
    mkdir -p "/sys/fs/cgroup/$controller"
    mount -t cgroup -o "$controller" cgroup "/sys/fs/cgroup/$controller" || true
  done
}

# --- the registry ------------------------------------------------------------------------------

make_certificate() {  # for --as: the daemon trusts it for HOST, and finds HOST on loopback
  [ -n "$AS" ] || return 0
  if ! openssl x509 -in "$DIR/etc/tls.crt" -noout -checkhost "$AS" 2>/dev/null |
      grep -q 'does match'; then
    openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj /CN=docker-up \
      -addext "subjectAltName=DNS:$AS,IP:$TLS_IP" \
      -keyout "$DIR/etc/tls.key" -out "$DIR/etc/tls.crt" >/dev/null 2>&1 ||
      die "openssl could not make a certificate for $AS"
    stop registry-tls; stop registry; stop dockerd
  fi
  mkdir -p "$DIR/etc/docker/certs.d/$AS"
  cp "$DIR/etc/tls.crt" "$DIR/etc/docker/certs.d/$AS/ca.crt"
  { cat /etc/hosts; echo "$TLS_IP $AS"; } > "$DIR/etc/hosts"
}

free() {  # free IP PORT: prints PORT, or one that is free if it is taken
  "$PYTHON" - "$@" <<'PY'
import socket, sys
for port in (int(sys.argv[2]), 0):
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((sys.argv[1], port))
        except OSError:
            continue
        print(sock.getsockname()[1])
        break
PY
}

lets_in() {  # lets_in URL: the registry there takes the token
  "$PYTHON" - "$1" "$TOKEN" 2>/dev/null <<'PY'
import base64, ssl, sys, urllib.request
login = base64.b64encode(f"AWS:{sys.argv[2]}".encode()).decode()
https = urllib.request.HTTPSHandler(context=ssl._create_unverified_context())
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), https)
request = urllib.request.Request(sys.argv[1], headers={"Authorization": f"Basic {login}"})
opener.open(request, timeout=5).close()
PY
}

start_registry() {
  [ ! -s "$DIR/registry/port" ] || PORT=$(cat "$DIR/registry/port")
  if alive registry && lets_in "http://127.0.0.1:$PORT/v2/"; then
    say "the registry runs at 127.0.0.1:$PORT"
  else
    stop registry
    PORT=$(free 127.0.0.1 "$PORT")
    echo "$PORT" > "$DIR/registry/port"
    hashed > "$DIR/registry/htpasswd"
    config "{addr: \"127.0.0.1:$PORT\", secret: local}" > "$DIR/registry/config.yml"
    serve registry config.yml "http://127.0.0.1:$PORT/v2/"
  fi
  if [ -n "$AS" ] && ! { alive registry-tls && lets_in "https://$TLS_IP/v2/"; }; then
    stop registry-tls
    [ "$(free "$TLS_IP" 443)" = 443 ] || die "$TLS_IP:443 is taken: set BATCHKIT_E2E_TLS_IP"
    config "{addr: \"$TLS_IP:443\", secret: local, tls: {certificate: $DIR/etc/tls.crt, key: $DIR/etc/tls.key}}" \
      > "$DIR/registry/tls.yml"
    serve registry-tls tls.yml "https://$TLS_IP/v2/"
  fi
}

hashed() {  # the registry wants bcrypt, which the C library's crypt(3) has; every Debian has perl
  TOKEN=$TOKEN perl -e '
    open(R, "<", "/dev/urandom"); read(R, $bytes, 22);
    @letters = (".", "/", "A".."Z", "a".."z", 0..9);
    $salt = join("", map { $letters[ord($_) % 64] } split(//, $bytes));
    $hash = crypt($ENV{TOKEN}, "\$2b\$05\$$salt");
    die unless $hash =~ /^\$2b\$/;
    print "AWS:$hash\n"' || die "crypt(3) of this machine has no bcrypt"
}

config() {  # config HTTP
  cat <<YAML
version: 0.1
log: {level: warn, accesslog: {disabled: true}}
storage: {filesystem: {rootdirectory: $DIR/registry/data}, delete: {enabled: true}}
http: $1
auth: {htpasswd: {realm: local, path: $DIR/registry/htpasswd}}
YAML
}

serve() {  # serve NAME CONFIG URL
  setsid docker-registry serve "$DIR/registry/$2" >"$DIR/$1.log" 2>&1 </dev/null 9>&- &
  echo $! > "$DIR/$1.pid"
  wait_for "$1" lets_in "$3" || die "$1 did not start: $(last_words "$DIR/$1.log")"
  say "started $1 at $3 (process $(cat "$DIR/$1.pid"))"
}

# --- the base image ----------------------------------------------------------------------------

make_base() {
  local key name names file id
  for file in "${DOCKERFILES[@]}"; do
    names=$("$PYTHON" "$HERE/base_image.py" names "$file") || die "cannot read the FROM lines of $file"
    for name in $names; do BASES+=("$name"); done
  done
  [ ${#BASES[@]} -gt 0 ] || BASES=(python:local-slim)
  key=$("$PYTHON" "$HERE/base_image.py" key "${WHEELS[@]}") || die "cannot read the requirements"
  if [ "$(label "${BASES[0]}")" != "$key" ]; then
    gather "$key"
    id=$(docker import "${CHANGES[@]}" "$DIR/base.tar" 2>"$DIR/import.log") ||
      die "docker import failed: $(last_words "$DIR/import.log")"
    rm -f "$DIR/base.tar"
    docker tag "$id" "${BASES[0]}"
    docker run --rm --network none "${BASES[0]}" python -c 'import ssl, sqlite3, zlib, pip' \
      >"$DIR/run.log" 2>&1 || die "the base image does not run: $(tail -n 1 "$DIR/run.log")"
  fi
  for name in "${BASES[@]}"; do docker tag "${BASES[0]}" "$name"; say "$name is there"; done
}

label() { docker image inspect --format '{{index .Config.Labels "docker-up"}}' "$1" 2>/dev/null || true; }

gather() {  # gather KEY: base.tar, and in CHANGES what goes with it
  CHANGES=(
    -c "LABEL docker-up=$1"
    -c 'ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8'
    -c 'ENV PIP_ROOT_USER_ACTION=ignore PIP_DISABLE_PIP_VERSION_CHECK=1'
    -c 'CMD ["python3"]'
  )
  rm -rf "$DIR/wheels"
  if [ ${#WHEELS[@]} -gt 0 ]; then
    "$PYTHON" -m pip download -q --only-binary=:all: -d "$DIR/wheels" "${WHEELS[@]}" \
      >"$DIR/pip.log" 2>&1 9>&- || die "pip could not download ${WHEELS[*]}: $(tail -n 1 "$DIR/pip.log")"
    CHANGES+=(-c 'ENV PIP_NO_INDEX=1 PIP_FIND_LINKS=/opt/wheels')
  fi
  "$PYTHON" "$HERE/base_image.py" tar "$DIR/base.tar" "$DIR/wheels" ||
    die "could not make an image of $PYTHON"
}

# --- the commands ------------------------------------------------------------------------------

up() {
  command -v "$PYTHON" >/dev/null || die "there is no $PYTHON"
  mkdir -p "$DIR/registry" "$DIR/etc/docker"
  exec 9>"$DIR/lock"
  flock -w 300 9 || die "another docker-up holds $DIR/lock"
  have_daemon
  install_missing
  make_certificate
  start_daemon
  start_registry
  make_base
  cat > "$DIR/env" <<ENV
export DOCKER_HOST=${DOCKER_HOST:-unix:///var/run/docker.sock}
export BATCHKIT_E2E_REGISTRY=127.0.0.1:$PORT
export BATCHKIT_E2E_ECR_HOST=$AS
export BATCHKIT_E2E_TOKEN=$TOKEN
export BATCHKIT_E2E_BASE=${BASES[0]}
export BATCHKIT_E2E_LOG=$DIR/dockerd.log
ENV
  say "up; read the settings with: . $DIR/env"
}

down() {
  [ -d "$DIR" ] || { say "nothing at $DIR"; return; }
  if alive dockerd; then
    export DOCKER_HOST=unix://$DIR/docker.sock
    docker ps -q 2>/dev/null | xargs -r docker kill >/dev/null || true
  fi
  stop registry-tls
  stop registry
  stop dockerd
  end_orphans
  rm -rf --one-file-system "$DIR" || die "could not remove $DIR"
  say "removed $DIR"
}

arguments "$@"
case $COMMAND in
  up) up ;;
  down) down ;;
  env) cat "$DIR/env" 2>/dev/null || die "not up: there is no $DIR/env" ;;
esac
