# One image; the role is the command: `run` (default), `scan FILE…`, `doctor`, `quarantine list` …
# docs/operations.md says how to run it. Podman and buildah keep the health check only with `--format docker`.
# For a build that can be repeated, name the base by its digest:
#   docker build --build-arg NODE_IMAGE=node:26-bookworm-slim@sha256:… --build-arg SOURCE_DATE_EPOCH=$(git log -1 --format=%ct) -t sallyport .
ARG NODE_IMAGE=node:26-bookworm-slim

FROM ${NODE_IMAGE} AS program
WORKDIR /opt/sallyport
COPY package.json package-lock.json ./
# The base brings Node, so the Node of the lockfile goes. `npm ci` can only leave out all optional packages, and the native YARA engine
# is one of them; so everything comes, and Node is removed.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund \
  && rm -rf node_modules/node-linux-* node_modules/node-bin-*
COPY LICENSE README.md CHANGELOG.md ./
COPY bin bin
COPY rules rules
COPY src src
COPY workers workers
# Readable whatever the umask of the checkout was, and writable for nobody.
RUN chmod -R u=rwX,go=rX .

FROM ${NODE_IMAGE}
# tini is process 1: it reaps and passes signals on to the gateway alone (no -g), so that its children live on while it drains.
RUN apt-get update \
  && apt-get install --yes --no-install-recommends tini \
  && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/*-old /var/cache/ldconfig/aux-cache /var/log/apt /var/log/dpkg.log /var/log/alternatives.log
# Numbers, so that a volume can be given to them from outside.
RUN groupadd --gid 10025 sallyport \
  && useradd --uid 10025 --gid 10025 --no-log-init --no-create-home --home-dir /var/lib/sallyport --shell /usr/sbin/nologin sallyport \
  && install -d -o 10025 -g 10025 -m 0750 /var/lib/sallyport \
  && install -d -m 0755 /etc/sallyport \
  && ln -s /opt/sallyport/bin/sallyport /usr/local/bin/sallyport
COPY --from=program /opt/sallyport /opt/sallyport

LABEL org.opencontainers.image.title="Sallyport" \
      org.opencontainers.image.description="SMTP gateway that scans mail attachments" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="Apache-2.0"

USER 10025:10025
# Where the configuration is looked for first.
WORKDIR /etc/sallyport
# Spool, journal and databases on one volume: scratch makes hard links into the spool.
VOLUME /var/lib/sallyport
EXPOSE 2525 8025
STOPSIGNAL SIGTERM
# Rules are compiled before anything listens; some thousand take their time.
HEALTHCHECK --interval=30s --timeout=5s --start-period=180s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8025/health').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# As bin/setup does it: the gateway then takes a third of the memory.
ENV MALLOC_ARENA_MAX=2
ENTRYPOINT ["/usr/bin/tini", "--", "node", "--max-semi-space-size=4", "/opt/sallyport/src/main.ts"]
CMD ["run"]
