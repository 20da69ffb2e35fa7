#!/bin/sh
# Makes the two roles and the database on a new PostgreSQL: run once, as its superuser, with
# OWNER_PASSWORD and RUNTIME_PASSWORD set. The image of docker-compose.yml runs it by itself.
#
# counterfoil_owner    owns the database and everything in it; migrations sign in as this one
# counterfoil_runtime  web and workers sign in as this one; owns nothing, cannot get around policies
#
# What the runtime role may do to which table is granted by `manage.py migrate`.
set -eu

# The passwords go through the environment, so that no list of processes shows them.
psql --set=ON_ERROR_STOP=1 --username="${POSTGRES_USER:-postgres}" --dbname=postgres <<'SQL'
\getenv owner_password OWNER_PASSWORD
\getenv runtime_password RUNTIME_PASSWORD
CREATE ROLE counterfoil_runtime LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS
    PASSWORD :'runtime_password';
-- CREATEDB: tests make databases of their own.
CREATE ROLE counterfoil_owner LOGIN NOSUPERUSER CREATEDB NOCREATEROLE NOBYPASSRLS
    PASSWORD :'owner_password';
CREATE DATABASE counterfoil OWNER counterfoil_owner;
SQL
