#!/bin/sh
# Makes the two roles and the database on a new PostgreSQL: run once, as its superuser, with
# OWNER_PASSWORD and RUNTIME_PASSWORD set, or OWNER_PASSWORD_FILE and RUNTIME_PASSWORD_FILE naming
# files that hold them. The postgres service of docker-compose.yml runs it by itself.
#
# counterfoil_owner    owns the database and everything in it; migrations sign in as this one
# counterfoil_runtime  web and workers sign in as this one; owns nothing, cannot get around policies
#
# What the runtime role may do to which table is granted by `manage.py migrate`.
set -eu

# Prints what the variable $1 or the file that $1_FILE names holds.
given() {
    eval "value=\${$1:-} file=\${$1_FILE:-}"
    if [ -n "$value" ] && [ -n "$file" ]; then
        echo "Set $1 or $1_FILE, not both." >&2
        return 1
    fi
    if [ -n "$file" ]; then
        # Without the line end, as the program reads it.
        value=$(tr -d '\r' <"$file")
    fi
    if [ -z "$value" ]; then
        echo "Set $1 or $1_FILE." >&2
        return 1
    fi
    printf '%s' "$value"
}

# The passwords go through the environment, so that no list of processes shows them.
COUNTERFOIL_OWNER_PASSWORD=$(given OWNER_PASSWORD)
COUNTERFOIL_RUNTIME_PASSWORD=$(given RUNTIME_PASSWORD)
export COUNTERFOIL_OWNER_PASSWORD COUNTERFOIL_RUNTIME_PASSWORD

psql --set=ON_ERROR_STOP=1 --no-psqlrc --username="${POSTGRES_USER:-postgres}" --dbname=postgres <<'SQL'
\getenv owner_password COUNTERFOIL_OWNER_PASSWORD
\getenv runtime_password COUNTERFOIL_RUNTIME_PASSWORD
-- A statement that fails is logged with the password in it.
SET log_min_error_statement = panic;
BEGIN;
CREATE ROLE counterfoil_runtime LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS
    PASSWORD :'runtime_password';
-- CREATEDB: tests make databases of their own.
CREATE ROLE counterfoil_owner LOGIN NOSUPERUSER CREATEDB NOCREATEROLE NOBYPASSRLS
    PASSWORD :'owner_password';
COMMIT;
CREATE DATABASE counterfoil OWNER counterfoil_owner;
SQL
