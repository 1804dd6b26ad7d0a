# Node's current LTS line (26, "Lithium").
ARG NODE=node:26.13.0-trixie-slim

FROM ${NODE} AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY tsconfig.json ./
COPY src ./src
RUN npm run build -- --sourceMap false --declaration false

FROM ${NODE} AS packages
WORKDIR /packages
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts \
  && find node_modules -type f \( -name '*.map' -o -name '*.ts' \) -delete

FROM ${NODE}
LABEL org.opencontainers.image.title="enrichd" \
  org.opencontainers.image.description="Kafka in, a remote NLP service in the middle, Elasticsearch out" \
  org.opencontainers.image.licenses="Apache-2.0"
# The last three: the C library gives freed memory back. Without them it kept 10 MiB more, and still more with time (docs/reliability.md).
ENV NODE_ENV=production \
  ENRICHD_ADMIN_HOST=0.0.0.0 \
  MALLOC_ARENA_MAX=2 \
  MALLOC_MMAP_THRESHOLD_=131072 \
  MALLOC_TRIM_THRESHOLD_=131072
WORKDIR /app
# All of it belongs to root: the program writes nothing here, and the root file system may be read-only.
COPY --from=packages /packages/node_modules ./node_modules
COPY --from=build /build/dist ./dist
COPY package.json LICENSE ./
# The image's user "node", as a number: Kubernetes checks runAsNonRoot by it.
USER 1000:1000
EXPOSE 8686
STOPSIGNAL SIGTERM
# Of the daemon; whoever runs `nlp-server` from this image names another one.
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + (process.env.ENRICHD_ADMIN_PORT ?? 8686) + '/livez').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "dist/main.js"]
