#!/bin/sh
# Makes the files that docker-compose.yml hands to its services as secrets, in secrets/ or in the
# folder that is given. What is there already is kept, so that running it again changes nothing.
#
# Containers read the files as users of their own: the folder keeps everybody else out, not the
# files' modes. Their owner can write them, to put in the password of the mail server.
set -eu
umask 077
folder=${1:-"$(dirname "$0")/../secrets"}
mkdir -p "$folder"
chmod 700 "$folder"
cd "$folder"

# Writes standard input to the file $1, whole or not at all, unless it is there.
keep() {
    if [ ! -e "$1" ]; then
        cat >"$1.unfinished"
        chmod 644 "$1.unfinished"
        mv "$1.unfinished" "$1"
        echo "made $1"
    fi
}

# 256 random bits in letters and digits, which need no quoting in an address.
random() {
    od -A n -t x1 -N 32 /dev/urandom | tr -d ' \n'
}

for name in superuser_password owner_password runtime_password secret_key token_key two_factor_key; do
    random | keep "$name"
done
for role in owner runtime; do
    printf 'postgres://counterfoil_%s:%s@postgres:5432/counterfoil' \
        "$role" "$(cat "${role}_password")" | keep "database_${role}_url"
done
# Empty until there is something to put in.
for name in secret_key_fallbacks token_key_fallbacks two_factor_key_fallbacks \
    email_host_password twilio_auth_token; do
    keep "$name" </dev/null
done
