# Builds eio.c and leaves nothing but the library: no compiler in any image that stays.
FROM debian:trixie-slim AS compiler
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends gcc libc6-dev \
 && rm -rf /var/lib/apt/lists/*
COPY eio.c /
RUN gcc -O2 -Wall -Wextra -Werror -shared -fPIC -o /eio.so /eio.c

FROM scratch
COPY --from=compiler /eio.so /
