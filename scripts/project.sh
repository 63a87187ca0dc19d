# shellcheck shell=bash
# Common ground of the scripts here: sourced, not run.
#
# In: PROJECT (default sallyport) and CONFIG_DIR (default: what this project was started with, else ./config).
# Out: ROOT, STATE, OVERRIDE, DAEMONS, SCANNERS, both variables exported, and the functions below.
# What is remembered per project: CONFIG_DIR, where it is not ./config, and the generated override.  For the default
# project these are .env and compose.override.yaml, which a plain `docker compose` reads by itself; any other
# project has its own in .run/PROJECT.

say() { printf '==> %s\n' "$*" >&2; }
die() { printf '%s: %s\n' "$(basename "$0")" "$1" >&2; exit "${2:-1}"; }

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
TERMINAL=()  # of in_render; (-t) keeps colours
DAEMONS=(bind postfix-pre filter postfix-post dovecot)  # on a generation each; dovecot where the override wants it
SCANNERS=(clamav rspamd runner database)  # what others ask; those that the override wants run, beside the daemons

PROJECT=${PROJECT:-sallyport}
[[ $PROJECT =~ ^[a-z0-9][a-z0-9_-]*$ ]] || die "PROJECT=$PROJECT: expected lower-case letters, digits, - and _"
STATE=$ROOT/.run/$PROJECT
if [ "$PROJECT" = sallyport ]; then
    OVERRIDE=$ROOT/compose.override.yaml MEMORY=$ROOT/.env
else
    OVERRIDE=$STATE/compose.yaml MEMORY=$STATE/env
fi

[ -n "${CONFIG_DIR:-}" ] || CONFIG_DIR=$(sed -n "s/^CONFIG_DIR=//p" "$MEMORY" 2>/dev/null | tail -n 1) || true
CONFIG_DIR=${CONFIG_DIR:-$ROOT/config}
[ -r "$CONFIG_DIR/gateway.toml" ] || [ -n "${CONFIG_GONE_OK:-}" ] \
    || die "there is no $CONFIG_DIR/gateway.toml; CONFIG_DIR names the directory it is in"
CONFIG_DIR=$(realpath -m "$CONFIG_DIR")

# What pip trusts in the builds: the bundle this machine's own clients use, which may hold a proxy's certificate.
if [ -z "${BUILD_CA:-}" ]; then
    for BUILD_CA in "${PIP_CERT:-}" "${SSL_CERT_FILE:-}" /etc/ssl/certs/ca-certificates.crt /dev/null; do
        [ -r "$BUILD_CA" ] && break
    done
fi
export PROJECT CONFIG_DIR BUILD_CA DOCKER_BUILDKIT=1

# Run docker compose for this project.
compose() {
    local files=(-f "$ROOT/compose.yaml")
    [ ! -e "$OVERRIDE" ] || files+=(-f "$OVERRIDE")
    docker compose --project-directory "$ROOT" -p "$PROJECT" "${files[@]}" "$@"
}

# Make a volume, unless it is there, as Compose would.
need_volume() {
    docker volume inspect "${PROJECT}_$1" >/dev/null 2>&1 || docker volume create "${PROJECT}_$1" \
        --label "com.docker.compose.project=$PROJECT" --label "com.docker.compose.volume=$1" >/dev/null
}

# Run a command in a one-off container like `render`: the settings read-only, the rendered volume, no network.
# Not by `compose run`, which would first create all networks, with the subnets of an older override or of none.
in_render() {
    need_volume rendered
    docker run --rm --network none --read-only --user 0:0 --cap-drop ALL --cap-add DAC_READ_SEARCH \
        --security-opt no-new-privileges --tmpfs /tmp -v "$CONFIG_DIR:/config:ro" -v "${PROJECT}_rendered:/rendered" \
        "${TERMINAL[@]}" "sallyport-gateway:$PROJECT" "$@"
}

# Print the id of a service's container if it runs.
container_of() { containers_of "$1" --filter status=running; }

# Print the ids of a service's containers, as the options of docker ps say.
containers_of() {
    docker ps -q --no-trunc --filter "label=com.docker.compose.project=$PROJECT" --filter "label=com.docker.compose.service=$1" \
        --filter label=com.docker.compose.oneoff=False "${@:2}"
}

# Print `--running SERVICE=GENERATION` for each service that runs.
running() {
    local service container generation
    for service in "${DAEMONS[@]}"; do
        container=$(container_of "$service")
        [ -n "$container" ] || continue
        generation=$(docker exec "$container" generation 2>/dev/null) || continue
        printf -- '--running\n%s=%s\n' "$service" "$generation"
    done
}

# Start services and wait until they are healthy, recreating those whose image or settings differ, and no other.
# The finished render container goes first: Compose, recreating it, would recreate all that depend on it as well;
# and --no-deps is no way around that, for it changes how Compose marks a container, so the next `up` would recreate it.
start() {
    docker ps -aq --filter "label=com.docker.compose.project=$PROJECT" --filter label=com.docker.compose.service=render \
        --filter status=exited --filter status=created | xargs -r docker rm >/dev/null
    compose up -d --wait "$@"
}

# Print the scanners that the override wants run; OVERRIDE may name one that is not in place yet.
wanted() {
    compose config --services | grep -xF "$(printf '%s\n' "${SCANNERS[@]}")" || true
}

# Print the daemons that the override wants run, in their order.
wanted_daemons() {
    printf '%s\n' "${DAEMONS[@]}" | grep -xF "$(compose config --services)"
}

# Print the services beside the gates whose images are built when they are wanted: the runner's is the filter's.
built_when_wanted() {
    { wanted; wanted_daemons | grep -x dovecot; } | grep -vx runner || true
}

# Start the scanners that are wanted, recreating those whose image or settings differ.
start_scanners() {
    local services
    mapfile -t services < <(wanted)
    [ ${#services[@]} = 0 ] || compose up -d "${services[@]}"
}

# Remove the scanners and daemons that are wanted no more; their volumes stay.
stop_unwanted() {
    local service services
    services=" $(compose config --services | xargs) "
    for service in "${SCANNERS[@]}" "${DAEMONS[@]}"; do
        if [[ $services == *" $service "* ]] || [ -z "$(containers_of "$service" -a)" ]; then continue; fi
        say "$service is wanted no more: removing its container"
        compose --profile '*' rm -sf "$service" >/dev/null
    done
}

# Wait a while for the scanners; not for long, since mail that they have to search waits in gate 1.
await_scanners() {
    local service container health why
    for service in $(wanted); do
        container=$(container_of "$service")
        for _ in $(seq 60); do
            health=$(docker inspect -f '{{.State.Health.Status}}' "${container:-none}" 2>/dev/null) || health=gone
            [ "$health" != healthy ] || break
            sleep 0.5
        done
        [ "$health" = healthy ] && continue
        why=$(docker inspect -f '{{range .State.Health.Log}}{{.Output}}{{end}}' "${container:-none}" 2>/dev/null | grep . | tail -n 1) || true
        say "$service is not healthy yet${why:+ ($why)}; mail that it has to search waits, or goes by its on_error"
    done
}

# Run a command of `gateway` where the directory is: with gateway.toml, secrets/ and the volume, and on the networks by
# which a database is reached, those of them that are there.  stdin and the terminal are the caller's.
in_directory() {
    local container network networks=() options=() resolver
    mkdir -p "$CONFIG_DIR/secrets"
    need_volume directory
    # A database of the site may have a name that only bind knows, which answers to the network `resolver` alone
    resolver=$(container_of bind)
    [ -z "$resolver" ] || options=(--dns "$(docker inspect -f "{{(index .NetworkSettings.Networks \"${PROJECT}_resolver\").IPAddress}}" "$resolver")")
    [ ! -t 0 ] || [ ! -t 1 ] || options+=(-t)
    for network in "${PROJECT}_directory" "${PROJECT}_egress" "${PROJECT}_resolver"; do
        ! docker network inspect "$network" >/dev/null 2>&1 || networks+=("$network")
    done
    container=$(docker create --rm -i --network "${networks[0]:-none}" --read-only --user 0:0 --cap-drop ALL --cap-add DAC_READ_SEARCH \
        --cap-add DAC_OVERRIDE --cap-add CHOWN --cap-add FOWNER --security-opt no-new-privileges --tmpfs /tmp \
        -v "$CONFIG_DIR:/config:ro" -v "$CONFIG_DIR/secrets:/config/secrets" -v "${PROJECT}_directory:/var/lib/sallyport/directory" \
        "${options[@]}" "sallyport-gateway:$PROJECT" "$@")
    for network in "${networks[@]:1}"; do docker network connect "$network" "$container"; done
    docker start -ai "$container"
}

# Bring the tables of the directory to this version, its database started and waited for; $1 is its kind.
upgrade_directory() {
    local kind=$1
    [ "$kind" != none ] || return 0
    if [ "$kind" = database ]; then
        [ -n "$(container_of database)" ] || say "starting the database"
        compose up -d --wait database || { docker logs --tail 15 "$(container_of database)" >&2; return 1; }
    fi
    in_directory gateway directory upgrade >&2
}

# Print the services among those that run whose container differs from what Compose would create now: another image,
# other ports, addresses or memory.  OVERRIDE may name an override that is not in place yet.
outdated() {
    local service hash container image
    while read -r service hash; do
        [[ " ${DAEMONS[*]} " == *" $service "* ]] || continue
        container=$(container_of "$service")
        [ -n "$container" ] || continue
        image=$(docker inspect -f '{{.Config.Image}}' "$container")
        if [ "$(docker inspect -f '{{index .Config.Labels "com.docker.compose.config-hash"}} {{.Image}}' "$container")" \
            != "$hash $(docker image inspect -f '{{.Id}}' "$image")" ]; then echo "$service"; fi
    done < <(compose config --hash '*')
}

# Keep CONFIG_DIR for the next command on this project.
remember_config_dir() {
    local kept
    kept=$(grep -v '^CONFIG_DIR=' "$MEMORY" 2>/dev/null || true)
    [ "$CONFIG_DIR" = "$ROOT/config" ] || kept+=${kept:+$'\n'}CONFIG_DIR=$CONFIG_DIR
    if [ -n "$kept" ]; then printf '%s\n' "$kept" >"$MEMORY"; else rm -f "$MEMORY"; fi
}

# One change of a project at a time; a script called by one that holds the lock goes on.
lock() {
    [ "${SALLYPORT_LOCKED:-}" != "$PROJECT" ] || return 0
    mkdir -p "$STATE"
    exec 9>"$STATE/lock"
    flock -n 9 || { say "another command is changing $PROJECT: waiting for it"; flock -w 600 9 || die "it is still at it after 600 s"; }
    export SALLYPORT_LOCKED=$PROJECT
}

need_image() {
    docker image inspect "sallyport-gateway:$PROJECT" >/dev/null 2>&1 || { "$ROOT/scripts/engine" && "$ROOT/scripts/base-image" && build render; }
}

# Build images, quietly unless that fails.
build() {
    local log
    log=$(mktemp)
    compose --profile '*' build "$@" >"$log" 2>&1 || { tail -n 40 "$log" >&2; rm -f "$log"; die "an image could not be built"; }
    rm -f "$log"
}
