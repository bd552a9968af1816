# The images of tapedeck, one target each; `docker build .` alone makes the last one, all of tapedeck in one container.
#
#     for name in gateway auth converter notifier tapedeck lab; do
#         docker build --target "$name" --tag "tapedeck/$name:0.1.0" .
#     done
#
# All programs are built once, by the first of them. Needs BuildKit (Docker 23 or newer has it), or buildah. The commit is no
# argument, since it would have every layer made anew: `--label org.opencontainers.image.revision="$(git rev-parse HEAD)"`.
#
# Sizes on amd64, above the 77 MB of Debian: gateway 25 MB, auth 14 MB, notifier 20 MB; converter 27 MB, tapedeck 40 MB and lab 62 MB
# above one layer of 466 MB with ffmpeg, which they share.

# Tags that follow patches of one release; `--build-arg RUST_IMAGE=rust@sha256:…` pins a digest instead.
ARG RUST_IMAGE=rust:1-slim-bookworm
ARG DEBIAN_IMAGE=debian:bookworm-slim

FROM ${RUST_IMAGE} AS build
# The image brings a C compiler, which ring, SQLite and LAME need; LAME's own build needs make besides.
RUN apt-get update \
    && apt-get install -y --no-install-recommends make \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
# LAME, nine tenths of a conversion, is built for every x86-64. With `--build-arg LAME_MARCH=x86-64-v3` (AVX2) a conversion takes
# about 14 % less time, and that image does not run on processors before 2013. Nothing is chosen at run time: LAME is a part of the
# program, and two programs in one image would be two to test. Nothing but LAME is built by it, see lame.site.
ARG LAME_MARCH
# Two caches: crates as downloaded, and what was compiled. cargo takes a source for unchanged whose time is older than the last
# build, and COPY keeps times, so a checkout of older files could leave an older program; hence `touch`, which has the eight crates of
# this workspace, and no dependency, compiled anew. It would not notice another LAME_MARCH either, so each has a folder.
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,target=/var/cache/target,sharing=locked \
    find . -type f -exec touch {} + \
    && export CARGO_TARGET_DIR="/var/cache/target/${LAME_MARCH:-baseline}" CARGO_PROFILE_RELEASE_STRIP=symbols \
    && cargo build --release --locked --workspace --bins \
    && mkdir /programs \
    && for name in gateway auth converter notifier tapedeck lab; do cp "$CARGO_TARGET_DIR/release/$name" /programs/ || exit 1; done

# What all images have in common. No certificates: the authorities of the web are built into the programs.
FROM ${DEBIAN_IMAGE} AS runtime
RUN groupadd --gid 10001 tapedeck \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin tapedeck \
    && mkdir -p /usr/share/doc/tapedeck
COPY LICENSE LICENSES.md /usr/share/doc/tapedeck/
# By number, so that Kubernetes sees that it is not root. The root file system may be read-only: nothing writes but to the folders
# that are named below, and programs of ffmpeg to none.
USER 10001:10001
WORKDIR /tmp
STOPSIGNAL SIGTERM
# The licence is that of tapedeck's own code; LICENSES.md has the others.
LABEL org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="Apache-2.0"

# With the decoders for what the engine does not decode itself. By far the largest layer, shared by all images that have it.
FROM runtime AS ffmpeg
USER root
RUN apt-get update \
    && apt-get install -y --no-install-recommends ffmpeg \
    && rm -rf /var/lib/apt/lists/*
# Videos that must be sought in, nameless. To be a volume: it may need SPOOL_BYTES_MAX, and is lost without harm.
RUN install -d -o 10001 -g 10001 -m 0700 /var/spool/tapedeck
ENV SPOOL_DIR=/var/spool/tapedeck
USER 10001:10001

# Health checks ask whether the service lives, and not for its dependencies: some platforms restart what is unhealthy, and that mends
# no database. `healthcheck readyz` asks for those, too.
FROM runtime AS gateway
COPY --from=build /programs/gateway /usr/local/bin/
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=6s --start-period=10s CMD ["/usr/local/bin/gateway", "healthcheck"]
LABEL org.opencontainers.image.title="tapedeck gateway" \
      org.opencontainers.image.description="The public door: log-in, uploads, downloads, and the web page"
ENTRYPOINT ["/usr/local/bin/gateway"]

FROM runtime AS auth
COPY --from=build /programs/auth /usr/local/bin/
EXPOSE 8081
HEALTHCHECK --interval=10s --timeout=6s --start-period=10s CMD ["/usr/local/bin/auth", "healthcheck"]
LABEL org.opencontainers.image.title="tapedeck auth" \
      org.opencontainers.image.description="Users, passwords and tokens"
ENTRYPOINT ["/usr/local/bin/auth"]

FROM runtime AS notifier
COPY --from=build /programs/notifier /usr/local/bin/
EXPOSE 8083
HEALTHCHECK --interval=10s --timeout=6s --start-period=10s CMD ["/usr/local/bin/notifier", "healthcheck"]
LABEL org.opencontainers.image.title="tapedeck notifier" \
      org.opencontainers.image.description="Mails the owners of finished conversions"
ENTRYPOINT ["/usr/local/bin/notifier"]

FROM ffmpeg AS converter
COPY --from=build /programs/converter /usr/local/bin/
EXPOSE 8082
HEALTHCHECK --interval=10s --timeout=6s --start-period=10s CMD ["/usr/local/bin/converter", "healthcheck"]
LABEL org.opencontainers.image.title="tapedeck converter" \
      org.opencontainers.image.description="Converts videos to mp3s for the gateway"
ENTRYPOINT ["/usr/local/bin/converter"]

# What measures, and what uploads from inside a cluster: the lab, the command line client, and a clip, which saves its
# encoding at every start. It has no kubectl: `lab scale --kubectl` runs where that is.
FROM ffmpeg AS lab
COPY --from=build /programs/lab /programs/tapedeck /usr/local/bin/
USER root
RUN mkdir /usr/share/tapedeck \
    && ffmpeg -v error -f lavfi -i testsrc2=size=640x360:rate=25 -f lavfi -i 'sine=frequency=440:sample_rate=44100' -t 10 \
       -c:v libx264 -preset veryfast -b:v 600k -c:a aac -b:a 128k -movflags +faststart /usr/share/tapedeck/clip.mp4
USER 10001:10001
ENV TAPEDECK=/usr/local/bin/tapedeck LAB_INPUTS=/tmp/inputs
HEALTHCHECK NONE
LABEL org.opencontainers.image.title="tapedeck lab" \
      org.opencontainers.image.description="Programs that measure tapedeck"
ENTRYPOINT ["/usr/local/bin/lab"]

# All services in one process, on embedded stores:
#     docker run --rm -p 127.0.0.1:8080:8080 -v tapedeck:/var/lib/tapedeck tapedeck/tapedeck:0.1.0
FROM ffmpeg AS tapedeck
COPY --from=build /programs/tapedeck /usr/local/bin/
USER root
RUN install -d -o 10001 -g 10001 -m 0700 /var/lib/tapedeck
USER 10001:10001
ENV TAPEDECK_LISTEN=0.0.0.0:8080 TAPEDECK_DATA=/var/lib/tapedeck
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=6s --start-period=10s CMD ["/usr/local/bin/tapedeck", "healthcheck"]
LABEL org.opencontainers.image.title="tapedeck" \
      org.opencontainers.image.description="Video in, mp3 out: all services and the command line client"
ENTRYPOINT ["/usr/local/bin/tapedeck"]
CMD ["up"]
