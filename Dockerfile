# The image of every process of Counterfoil: web, workers, beat, watchman, and manage.py's commands.
# docker-compose.yml says which command each runs. There is no compiler and no pip in it, it runs as a
# user without rights, and nothing in it has to be writable: what is written goes to mounts.
#
#   docker build --pull --tag counterfoil .
#
# Base images are named by the tag that receives security updates, not by digest: a digest would have
# to be renewed by hand for every update. Pin the image that comes out.

FROM python:3.11-slim-bookworm AS system
# The renderer's libraries, its fonts (docs/rendering.md), what PostgreSQL's programs are linked
# with, and a first process that hands on signals and buries orphans. Within one release Debian
# offers one version of each, the one with the security updates.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends \
        fonts-noto-core \
        fonts-wqy-microhei \
        libgssapi-krb5-2 \
        libharfbuzz-subset0 \
        libldap-2.5-0 \
        liblz4-1 \
        libpango-1.0-0 \
        libpangoft2-1.0-0 \
        libzstd1 \
        tini \
    && rm -rf /var/lib/apt/lists/* /var/log/apt /var/log/dpkg.log
ENV PATH=/opt/venv/bin:/usr/lib/postgresql/18/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    STATIC_DIR=/app/collected
WORKDIR /app

FROM system AS packages
COPY requirements/runtime.lock /tmp/
RUN python -m venv --without-pip /opt/venv \
    && pip --python /opt/venv/bin/python install --no-cache-dir --disable-pip-version-check \
        --require-hashes --only-binary=:all: --requirement /tmp/runtime.lock

FROM node:22-bookworm-slim AS assets
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

FROM packages AS program
COPY . .
COPY --from=assets /app/node_modules node_modules
# The example's values stand in for settings that collecting needs and does not use. Afterwards only
# the typefaces of documents are left of the browser assets.
RUN pybabel --quiet compile --directory locale --domain django \
    && set -o allexport && . config/production.env.example && set +o allexport \
    && python manage.py collectstatic --no-input --verbosity 0 \
    && python -m compileall -q . \
    && mv node_modules/@expo-google-fonts /tmp/fonts \
    && rm -rf node_modules static requirements package.json package-lock.json .npmrc \
    && mkdir -p node_modules/@expo-google-fonts/inter node_modules/@expo-google-fonts/noto-emoji \
    && mv /tmp/fonts/inter/LICENSE* /tmp/fonts/inter/400Regular /tmp/fonts/inter/600SemiBold \
        node_modules/@expo-google-fonts/inter/ \
    && mv /tmp/fonts/noto-emoji/LICENSE* /tmp/fonts/noto-emoji/400Regular \
        node_modules/@expo-google-fonts/noto-emoji/ \
    && chmod -R u=rwX,go=rX .

# Debian's own are older than the server and refuse to dump it.
FROM postgres:18-bookworm AS postgresql
RUN mkdir -p /client/bin /client/lib \
    && cp /usr/lib/postgresql/18/bin/pg_dump /usr/lib/postgresql/18/bin/pg_restore /client/bin/ \
    && cp -L /usr/lib/*-linux-gnu/libpq.so.5 /client/lib/

FROM system
COPY --from=postgresql /client/bin/ /usr/lib/postgresql/18/bin/
COPY --from=postgresql /client/lib/ /usr/local/lib/
COPY --from=packages /opt/venv /opt/venv
COPY --from=program /app /app
# Programs and libraries are tried out. That of the renderer leaves the cache of the system's fonts,
# which no process can write later. New volumes take their owner from the folders: the number stays.
RUN ldconfig && pg_dump --version && pg_restore --version && python -c "import weasyprint" \
    && pip uninstall --yes --quiet --root-user-action=ignore pip setuptools wheel \
    && groupadd --gid 10001 counterfoil \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent \
        --shell /usr/sbin/nologin counterfoil \
    && install -d -o 10001 -g 10001 -m 0700 \
        /run/counterfoil /var/lib/counterfoil /var/lib/counterfoil/documents
# What a process writes as it runs and may lose: links to fonts.
ENV COUNTERFOIL_VAR=/run/counterfoil \
    DOCUMENTS_DIR=/var/lib/counterfoil/documents \
    LOGOS_DIR=/var/lib/counterfoil/logos
LABEL org.opencontainers.image.title="Counterfoil" \
      org.opencontainers.image.description="Customer control panel and billing system" \
      org.opencontainers.image.licenses="Apache-2.0"
USER 10001:10001
EXPOSE 8000
ENTRYPOINT ["tini", "--"]
CMD ["gunicorn", "config.wsgi", "--bind=0.0.0.0:8000", "--workers=2", "--timeout=30", "--preload", "--no-control-socket"]
