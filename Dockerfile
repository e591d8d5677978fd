# The gateway, the clerk and llama.cpp in one image. It listens on 0.0.0.0, and the gateway does that only when a key exists,
# so make one on the same volume first (docs/guides/deploying.md):
#
#   docker build -t steelyard .
#   docker run --rm -v steelyard:/var/lib/steelyard steelyard keys create team-a
#   docker run -d -p 8080:8080 -v steelyard:/var/lib/steelyard -e OPENAI_API_KEY steelyard

FROM python:3.11-slim AS build
# Of the package's extras; `postgres` alone leaves llama.cpp out.
ARG EXTRAS=local,postgres
RUN python -m venv /opt/steelyard
WORKDIR /src
COPY pyproject.toml hatch_build.py README.md LICENSE ./
COPY src src
# pip compiles to byte code what it installs (--compile is its default; here it must not be lost): the image's user cannot
# write beside the modules, and every start would compile them anew.
RUN /opt/steelyard/bin/pip install --no-cache-dir --disable-pip-version-check --compile ".[${EXTRAS}]" \
    && /opt/steelyard/bin/python -m compileall -q /opt/steelyard/lib

FROM python:3.11-slim
# llama.cpp's OpenMP; Debian keeps it apart from libstdc++.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /var/lib/steelyard --shell /usr/sbin/nologin steelyard \
    && install --directory --owner=steelyard --group=steelyard --mode=0700 /var/lib/steelyard
COPY --from=build /opt/steelyard /opt/steelyard
ENV PATH=/opt/steelyard/bin:$PATH \
    STEELYARD_HOME=/var/lib/steelyard \
    PYTHONUNBUFFERED=1
USER steelyard
WORKDIR /var/lib/steelyard
VOLUME /var/lib/steelyard
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen('http://127.0.0.1:%s/livez' % os.environ.get('STEELYARD_PORT', '8080'), timeout=2)"]
ENTRYPOINT ["steelyard"]
CMD ["up", "--host", "0.0.0.0"]
