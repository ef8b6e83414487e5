# One image for every mode of entrypoint.sh, and a smaller one, `--target api`, that serves compiled models alone.
#
# Nothing here needs BuildKit: Docker's classic builder and Podman build it too. What changes seldom stands above what
# changes often, so that a change of code copies code and nothing else.

ARG BASE_IMAGE=docker.io/library/python:3.11-slim-bookworm

FROM ${BASE_IMAGE} AS base
WORKDIR /service
ENV PATH=/opt/venv/bin:$PATH \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_ROOT_USER_ACTION=ignore


# The packages that answer a request, with the project as one that is found in /service, wherever its code comes from.
FROM base AS api-packages
COPY requirements/api.txt requirements/
RUN python3 -m venv /opt/venv \
    && pip install --require-hashes --only-binary :all: --requirement requirements/api.txt
COPY pyproject.toml ./
RUN touch README.md \
    && python3 -c 'import pathlib, tomllib; project = tomllib.loads(pathlib.Path("pyproject.toml").read_text()); \
       [pathlib.Path(*name.split(".")).mkdir(parents=True, exist_ok=True) for name in project["tool"]["setuptools"]["packages"]]' \
    && pip install --no-deps --no-build-isolation --editable .


# Without what installs packages: a service installs none.
FROM api-packages AS api-venv
RUN pip uninstall --yes --quiet setuptools pip


# The user, the folders and the way in, of either image.
FROM base AS runtime
# The same number as whoever owns the checkout, where notebooks in it are to be written from the container.
ARG SERVICE_UID=1000
RUN groupadd --gid "$SERVICE_UID" service \
    && useradd --uid "$SERVICE_UID" --gid service --no-create-home --home-dir /service/local_data/home service \
    && for folder in . home models scrape; do \
        install --directory --mode 0700 --owner service --group service "local_data/$folder"; done \
    # What Prometheus reads stands there.
    && chmod 0755 local_data/scrape
ENV HOME=/service/local_data/home \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    # The container's own address, whatever settings.ini says; who can reach it is decided where its ports are published.
    SERVICE_HOST=0.0.0.0 \
    SERVICE_PORT=8000
EXPOSE 8000 8888
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=300s CMD ["/service/entrypoint.sh", "healthy"]
ENTRYPOINT ["/service/entrypoint.sh"]


FROM runtime AS api
ENV MODE=api
COPY --from=api-venv /opt/venv /opt/venv
COPY pyproject.toml settings.ini entrypoint.sh ./
COPY model_store/ model_store/
COPY monitoring/ monitoring/
COPY settings/ settings/
COPY api/ api/
COPY workers/ workers/
COPY mlops/ mlops/
# The root is read-only in use, so that a start could keep nothing of what it compiles.
RUN python3 -m compileall -q api mlops model_store monitoring settings workers
ARG GIT_BRANCH=
ARG GIT_HEAD=
ENV GIT_BRANCH=${GIT_BRANCH} GIT_HEAD=${GIT_HEAD}
LABEL org.opencontainers.image.title="ml-service (api)" \
      org.opencontainers.image.version="${GIT_BRANCH}" \
      org.opencontainers.image.revision="${GIT_HEAD}"
USER service


# On top of the packages that serve, those that train and that work in notebooks need.
FROM api-packages AS packages
COPY requirements/lab.txt requirements/
RUN pip install --require-hashes --only-binary :all: --requirement requirements/lab.txt


FROM runtime AS service
COPY --from=packages /opt/venv /opt/venv
COPY pyproject.toml settings.ini entrypoint.sh ./
COPY model_store/ model_store/
COPY monitoring/ monitoring/
COPY settings/ settings/
COPY api/ api/
COPY workers/ workers/
COPY mlops/ mlops/
COPY examples/ examples/
COPY ml_pipe/ ml_pipe/
# By the digest a training knows whether the code that it runs is the image's: a checkout may be mounted over it.
RUN python3 -m compileall -q api ml_pipe mlops model_store monitoring settings workers \
    && python3 -m mlops.process.git_revision > code.sha256
ARG GIT_BRANCH=
ARG GIT_HEAD=
ENV GIT_BRANCH=${GIT_BRANCH} GIT_HEAD=${GIT_HEAD}
LABEL org.opencontainers.image.title="ml-service" \
      org.opencontainers.image.version="${GIT_BRANCH}" \
      org.opencontainers.image.revision="${GIT_HEAD}"
USER service
