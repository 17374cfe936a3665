# Two stages: the first builds, the second runs as an ordinary user with nothing but the binary.
FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --release --locked && strip target/release/passavant

FROM debian:bookworm-slim
RUN useradd --system --uid 10001 --home-dir /var/lib/passavant --create-home passavant
COPY --from=build /src/target/release/passavant /usr/local/bin/passavant
USER passavant
WORKDIR /var/lib/passavant
VOLUME /var/lib/passavant
# The API and the operations port; settings come as PASSAVANT_SECTION__KEY or with --config.
EXPOSE 8443 9443
HEALTHCHECK --interval=10s --timeout=3s CMD ["/usr/local/bin/passavant", "health"]
ENTRYPOINT ["/usr/local/bin/passavant"]
CMD ["serve"]
