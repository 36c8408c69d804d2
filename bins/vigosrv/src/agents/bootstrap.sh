#!/bin/sh
# Makes this machine an envoy of a fleet: fetches the agent, compares it with the digest below, has it enrol, install
# itself and start. Whatever is refused leaves nothing behind.
#
#   VIGO_TOKEN, or VIGO_TOKEN_FILE   the token that `vigocli tokens create` printed, or a file with it
#   sh -s -- --hostname NAME …       arguments for `vigo bootstrap`

vigo_bootstrap() {
    set -u
    https=@HTTPS@
    pin=@PIN@

    fail() {
        printf 'error: %s\n' "$1" >&2
        [ -z "${2-}" ] || printf '  = help: %s\n' "$2" >&2
        exit 1
    }

    # The server's key is pinned where curl can do that; what is fetched is compared with its digest in any case.
    download() {
        if command -v curl >/dev/null 2>&1; then
            curl --pinnedpubkey "$pin" -sSfk -o "$dir/vigo" "$url" 2>"$dir/why" && return
            [ $? != 90 ] || fail "the server at $https has another key than the pinned one" \
                'it is another server, or somebody is between; nothing was installed'
            return 1
        elif command -v wget >/dev/null 2>&1; then
            wget -q --no-check-certificate -O "$dir/vigo" "$url" 2>"$dir/why"
        elif [ "$os" = freebsd ] || [ "$os" = dragonfly ]; then
            fetch --no-verify-peer --no-verify-hostname -q -o "$dir/vigo" "$url" 2>"$dir/why"
        elif [ "$os" = openbsd ]; then
            ftp -V -S dont -o "$dir/vigo" "$url" 2>"$dir/why"
        elif [ "$os" = netbsd ]; then
            FTPSSLNOVERIFY=1 ftp -V -o "$dir/vigo" "$url" 2>"$dir/why"
        else
            fail 'there is neither curl nor wget here' 'install one of them'
        fi
    }

    sha256_of() {
        if command -v sha256sum >/dev/null 2>&1; then
            sha256sum "$1" | cut -d ' ' -f 1
        elif command -v shasum >/dev/null 2>&1; then
            shasum -a 256 "$1" | cut -d ' ' -f 1
        elif command -v sha256 >/dev/null 2>&1; then
            sha256 -q "$1"
        elif [ "$os" = sunos ]; then
            digest -a sha256 "$1"
        elif command -v openssl >/dev/null 2>&1; then
            openssl dgst -sha256 -r "$1" | cut -d ' ' -f 1
        else
            return 1
        fi
    }

    [ "$(id -u)" = 0 ] || fail 'only root can install the agent' 'put `sudo` before `sh`'

    os=$(uname -s | tr '[:upper:]' '[:lower:]')
    arch=$(uname -m)
    case $arch in
    amd64 | i86pc) arch=x86_64 ;;
    evbarm) arch=$(uname -p) ;;
    arm64) arch=aarch64 ;;
    armv7* | armv8l) arch=armv7 ;;
    i[3456]86) arch=i686 ;;
    esac
    case $os-$arch in
    @TARGETS@
    *) fail "this server has no agent for $os-$arch; it has: "@KNOWN@ \
        'on the server: vigocli server agents add FILE' ;;
    esac

    # A directory of our own, from which programs may be run.
    dir=
    trap '[ -z "$dir" ] || rm -rf "$dir"' EXIT
    trap 'exit 130' HUP INT TERM
    for base in "${TMPDIR:-/tmp}" /var/tmp /var/lib /root; do
        dir=$(mktemp -d "$base/vigo.XXXXXX" 2>/dev/null) || { dir=; continue; }
        printf '#!/bin/sh\nexit 0\n' >"$dir/try" && chmod 700 "$dir/try" && "$dir/try" 2>/dev/null && break
        rm -rf "$dir"
        dir=
    done
    [ -n "$dir" ] || fail 'there is no directory to run a program from' 'set TMPDIR to one that is not mounted noexec'

    url="https://$https/bootstrap/binary/$os-$arch"
    tries=0
    until download; do
        tries=$((tries + 1))
        [ "$tries" -lt 5 ] || fail "the agent could not be fetched from $url: $(head -n 1 "$dir/why")"
        sleep "$((tries * 2))"
    done

    found=$(sha256_of "$dir/vigo") || fail 'there is no sha256sum, shasum, sha256 or openssl here' 'install one of them'
    [ "$found" = "$sha256" ] || fail "the agent from $url has SHA-256 $found, expected $sha256" \
        'it was changed on the server or on the way; nothing was installed. On the server: vigocli server agents list'
    chmod 700 "$dir/vigo"
    "$dir/vigo" bootstrap@SERVERS@ --root-key @ROOT_KEY@ --ca-sha256 @CA_SHA256@ --manifest "$manifest" "$@" </dev/null
}

{ vigo_bootstrap "$@"; }
